import LinuxHost
import Topology

/// Finds what the disks of a machine lie over, and makes it where an image has to be unpacked first.
struct MachineDisks: Sendable {
  enum Base: Sendable, Equatable {
    /// Absolute path and format.
    case image(String, DiskDefinition)
    /// Bytes of a disk that begins empty.
    case empty(Int)
  }

  let definition: NodeDefinition
  let directories: LabDirectories
  let paths: NodePaths
  let variables: [String: String]

  private var store: ImageStore { ImageStore(directories: directories, environment: variables) }

  /// The files on which the machine runs, with their places.
  var storage: MachineStorage {
    let disks = definition.appliance?.disks.enumerated().map {
      MachineStorage.Disk(path: paths.disk($0.offset + 1), bus: $0.element.bus)
    }
    return MachineStorage(
      disks: disks ?? (isDiskless ? [] : [MachineStorage.Disk(path: paths.overlay)]),
      environment: definition.appliance?.properties == nil ? nil : paths.environment)
  }

  private var isDiskless: Bool { definition.hasNoImage && definition.emptyDisk == nil }

  /// What they lie over as far as it can be told without making anything; nil = not yet.
  func known() -> [Base]? {
    guard let image = definition.image, let disk = definition.disk, !definition.hasNoImage else { return nil }
    if let entry = ImageCatalogue(directories: directories, environment: variables).entry(at: image) {
      return try? bases(of: entry.image)
    }
    if definition.appliance != nil { return store.known(image).flatMap { try? bases(of: $0) } }
    guard let summary = try? ImageSummary.of(ImageBytes(path: image), format: disk.format), summary.isStream,
      !runsOnStream(image)
    else { return [.image(image, disk)] }
    return store.known(image).flatMap { try? bases(of: $0) }
  }

  /// The same, with what has to be unpacked.
  func made(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError) -> [Base] {
    guard let image = definition.image, let disk = definition.disk, !definition.hasNoImage else { return [] }
    let catalogue = ImageCatalogue(directories: directories, environment: variables)
    if catalogue.isRecord(image) {
      guard let entry = catalogue.entry(at: image) else {
        throw UserError(.failed, "the image \(image) is not whole", hint: "remove it and add it again: apus image")
      }
      try check(entry.image)
      return try bases(of: entry.image)
    }
    if definition.appliance != nil {
      let stored = try await store.ensure(image, progress)
      if stored.format == "ova" { try check(stored) }
      return try bases(of: stored)
    }
    let summary: ImageSummary
    do throws(ImageFault) {
      summary = try ImageSummary.of(try ImageBytes(path: image), format: disk.format)
    } catch {
      throw UserError(.failed, "the image \(image) \(error.message)", hint: error.hint)
    }
    guard summary.isStream, !runsOnStream(image) else { return [.image(image, disk)] }
    let stored = try await store.ensure(image, format: disk.format, progress)
    try check(stored)
    return try bases(of: stored)
  }

  /// A disk from before images of this kind were unpacked lies over the image itself, and stays so.
  private func runsOnStream(_ image: String) -> Bool { DiskOverlay.backing(of: paths.overlay) == image }

  private func check(_ stored: StoredImage) throws(UserError) {
    guard let wanted = definition.disk?.sha256, wanted != stored.digest else { return }
    throw UserError(
      .failed, "the image \(definition.image ?? "") has SHA-256 \(stored.digest), not \(wanted)",
      hint: "fetch it again, or correct `sha256`")
  }

  private func bases(of stored: StoredImage) throws(UserError) -> [Base] {
    func base(_ disk: StoredImage.Disk) -> Base {
      var made = DiskDefinition(format: disk.format)
      made.persist = definition.disk?.persist ?? false
      return .image(store.path(of: disk, in: stored), made)
    }
    guard let appliance = definition.appliance else { return stored.disks.prefix(1).map(base) }
    var bases: [Base] = []
    for disk in appliance.disks {
      guard let file = disk.file else {
        bases.append(.empty(disk.size))
        continue
      }
      guard let found = stored.disks.first(where: { $0.name == file }) else {
        throw UserError(.failed, "the image \(definition.image ?? "") has no disk \(file)")
      }
      bases.append(base(found))
    }
    return bases
  }
}
