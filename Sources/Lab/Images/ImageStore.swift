import FoundationEssentials
import Glibc
import LinuxHost
import Topology

/// Images in the form in which machines use them, each once, by the SHA-256 of what it was made of: `<data>/images/.store`.
///
/// Made in a folder of its own that gets its name when it is whole, so that nothing half made is ever used; what a
/// process that was killed has left is removed by the next one that makes something.
package struct ImageStore: Sendable {
  static let folder = ".store"
  private static let unfinished = ".new-"
  private static let lockPause = Duration.milliseconds(200)

  /// Folder of images, with the catalogue's entries.
  let images: String
  let variables: [String: String]
  var root: String { "\(images)/\(Self.folder)" }
  var tools: ImageTools { ImageTools(variables: variables) }

  package init(
    directories: LabDirectories, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    // As paths of lab files are, with which it is compared.
    images = Paths.absolute("\(directories.dataRoot)/images", in: "/")
    variables = environment
  }

  /// What is in the store under a digest.
  func content(_ digest: String) -> StoredImage? {
    guard Self.isDigest(digest), let folder = try? Folder("\(root)/\(digest)") else { return nil }
    return StoredImage.read(in: folder)
  }

  static func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  func path(of disk: StoredImage.Disk, in image: StoredImage) -> String { "\(root)/\(image.digest)/\(disk.file)" }

  /// What was made of a file that was not touched since; nil = it has to be read.
  func known(_ path: String) -> StoredImage? {
    guard let seen = seen(path) else { return nil }
    let folder = Paths.folder(of: path) ?? ""
    for (name, stamp) in seen.stamps {
      guard (try? ImageBytes(path: name.isEmpty ? path : "\(folder)/\(name)"))?.stamp == stamp else { return nil }
    }
    return content(seen.digest)
  }

  /// What is in the store of a file, made if need be.
  /// - Parameters:
  ///   - format: what it is known to be; nil = as its first bytes and its name say.
  ///   - progress: takes lines for the person who waits.
  /// - Throws: `UserError`; nothing is left of what was begun.
  func ensure(
    _ path: String, format: DiskDefinition.Format? = nil, _ progress: @escaping @Sendable (String) -> Void
  ) async throws(UserError) -> StoredImage {
    if let known = known(path) { return known }
    let lock = try await lock(path)
    defer {
      // Whoever waits for it looks first whether it is made.
      _ = try? Files.remove("\(root)/\(Self.key(path)).lock")
      withExtendedLifetime(lock) {}
    }
    // Whoever had the lock before may have made it.
    if let known = known(path) { return known }
    let source: ImageSource
    do throws(ImageFault) {
      source = try ImageSource(path: path, format: format)
    } catch {
      throw UserError(.badInput, "image \(path): \(error.message)", hint: error.hint)
    }
    let stamps = source.stamps
    let image = try await make(source, progress)
    // Written to meanwhile, it is looked at anew next time.
    if source.stamps == stamps { try? note(SeenImage(path: path, stamps: stamps, digest: image.digest)) }
    return image
  }

  // MARK: - Making

  private func make(
    _ source: ImageSource, _ progress: @escaping @Sendable (String) -> Void
  ) async throws(UserError) -> StoredImage {
    let store = try open()
    removeRemains(in: store)
    let number = UInt32.random(in: 0 ... .max)
    let name = "\(Self.unfinished)\(getpid())-\(String(number, radix: 16))"
    do {
      try store.makeFolder(name, mode: LabFolders.ownMode)
      let folder = try store.folder(name)
      let image = try await fill(folder, from: source, progress)
      guard content(image.digest) == nil else {
        Self.remove(name, in: store)
        return image
      }
      // Half of one that was there: its record was written last.
      Self.remove(image.digest, in: store)
      try store.rename(name, to: image.digest)
      return image
    } catch {
      // In a task of its own, since this one may have been interrupted.
      Self.remove(name, in: store)
      throw UserError.wrapping(error, "image \(source.path)")
    }
  }

  /// Unpacks the disks and makes the sums at one time; the first that fails ends the others.
  private func fill(
    _ folder: Folder, from source: ImageSource, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> StoredImage {
    let disks = Array(source.disks.enumerated())
    let digest = try await withThrowingTaskGroup(of: String?.self) { group in
      group.addTask { try await self.digest(of: source) }
      group.addTask {
        try await self.checkManifest(of: source)
        return nil
      }
      group.addTask {
        for (index, disk) in disks { try await self.unpack(disk, as: index + 1, in: folder, progress) }
        return nil
      }
      var digest: String?
      for try await result in group { digest = result ?? digest }
      return digest ?? ""
    }
    var image = StoredImage(
      digest: digest, source: source.path.split(separator: "/").last.map(String.init) ?? "", size: source.size,
      format: source.format, disks: [], isAppliance: false)
    for (index, disk) in disks {
      let format = Self.format(of: disk)
      image.disks.append(
        StoredImage.Disk(
          name: disk.name.isEmpty ? nil : disk.name, file: StoredImage.disk(index + 1, format), format: format,
          virtualSize: disk.summary.virtualSize))
    }
    if case .appliance(let file) = source {
      image.isAppliance = true
      try folder.write(StoredImage.descriptor, file.text, mode: LabFolders.fileMode)
    }
    try folder.write(StoredImage.record, encoded(image), mode: LabFolders.fileMode)
    return image
  }

  /// What a disk is in the store: itself, where it is one file of a form that a guest can run on.
  private static func format(of disk: ApplianceFile.Disk) -> DiskDefinition.Format {
    let isCopied = disk.summary.format != .vmdk && !disk.summary.hasBacking && disk.bytes.isWhole
    return isCopied ? disk.summary.format : .qcow2
  }

  private func unpack(
    _ disk: ApplianceFile.Disk, as number: Int, in folder: Folder, _ progress: @escaping @Sendable (String) -> Void
  ) async throws {
    let format = Self.format(of: disk)
    let path = folder.path(of: StoredImage.disk(number, format))
    let name = disk.name.isEmpty ? disk.bytes.path.split(separator: "/").last.map(String.init) ?? "" : disk.name
    if format == disk.summary.format, disk.bytes.isWhole, !disk.summary.hasBacking {
      progress("copying \(name)")
      return try await tools.copy(disk.bytes.path, to: path)
    }
    progress("unpacking \(name), \(disk.summary.words)")
    try await tools.convert(disk, to: path) { progress("unpacking \(name): \($0) %") }
  }

  private func digest(of source: ImageSource) async throws -> String {
    switch source {
    case .disk(let bytes, let summary) where summary.references.isEmpty:
      return try await tools.sum(bytes, by: "sha256sum")
    case .appliance(let file) where file.isArchive:
      return try await tools.sum(try ImageBytes(path: file.path), by: "sha256sum")
    default:
      // Several files: the sum of a list of their sums, as sha256sum prints it.
      var list = ""
      let folder = Paths.folder(of: source.path) ?? ""
      for name in source.stamps.keys.sorted() {
        let bytes = try ImageBytes(path: name.isEmpty ? source.path : "\(folder)/\(name)")
        list += "\(try await tools.sum(bytes, by: "sha256sum"))  \(name)\n"
      }
      return try await tools.sum(of: list)
    }
  }

  private func checkManifest(of source: ImageSource) async throws {
    guard case .appliance(let file) = source, let manifest = file.manifest else { return }
    for line in manifest.lines {
      guard let bytes = file.files[line.name] else { continue }
      let sum = try await tools.sum(bytes, by: line.program)
      guard sum == line.sum else {
        throw UserError(
          .badInput,
          "image \(file.path): \(ShownText.line(line.name)) in it has sum \(sum.prefix(12))…, "
            + "its manifest says \(line.sum.prefix(12))…", hint: "it was not loaded whole, or was changed")
      }
    }
  }

  // MARK: - Files

  private func open() throws(UserError) -> Folder {
    do throws(SystemError) {
      let folder = try Folder.make(images, mode: nil)
      try folder.makeFolder(Self.folder, mode: LabFolders.ownMode)
      return try folder.folder(Self.folder)
    } catch {
      throw UserError(.failed, "cannot make the folder \(root): \(SystemError.text(of: error.code))")
    }
  }

  /// Waits until nobody else makes something of the same file.
  private func lock(_ path: String) async throws(UserError) -> Descriptor {
    let store = try open()
    let file: Descriptor
    do throws(SystemError) {
      file = try Descriptor.createFile(store.path(of: "\(Self.key(path)).lock"), mode: LabFolders.fileMode)
    } catch {
      throw UserError(.failed, "cannot write into \(root): \(SystemError.text(of: error.code))")
    }
    while flock(file.raw, LOCK_EX | LOCK_NB) != 0 {
      do {
        try await Task.sleep(for: Self.lockPause)
      } catch {
        throw UserError(.failed, "image \(path): interrupted")
      }
    }
    return file
  }

  /// For names of files about a path.
  private static func key(_ path: String) -> String { "seen-\(String(StableHash.of(Array(path.utf8)), radix: 16))" }

  private func seen(_ path: String) -> SeenImage? {
    guard let bytes = Files.read("\(root)/\(Self.key(path)).json"),
      let seen = try? JSONDecoder().decode(SeenImage.self, from: Data(bytes)), seen.path == path, !seen.stamps.isEmpty
    else { return nil }
    return seen
  }

  private func note(_ seen: SeenImage) throws(UserError) {
    try Files.write(encoded(seen), to: "\(root)/\(Self.key(seen.path)).json")
  }

  /// What processes that were ended have begun.
  private func removeRemains(in store: Folder) {
    for name in (try? store.names()) ?? [] where name.hasPrefix(Self.unfinished) {
      let process = name.dropFirst(Self.unfinished.count).prefix { $0.isNumber }
      if !HostFacts.exists("/proc/\(process)") { Self.remove(name, in: store) }
    }
  }

  /// Forgets which files led to an image that is no more.
  func forget(_ digest: String, in store: Folder) {
    for name in (try? store.names()) ?? [] where name.hasPrefix("seen-") && name.hasSuffix(".json") {
      let seen = store.read(name, limit: 1 << 20).flatMap { try? JSONDecoder().decode(SeenImage.self, from: Data($0)) }
      guard seen == nil || seen?.digest == digest else { continue }
      _ = try? store.remove(name)
    }
  }

  /// Removes a folder of the store with what is in it, no folders.
  static func remove(_ name: String, in store: Folder) {
    guard let folder = try? store.folder(name) else { return }
    // Without its record it is none, if not all of it goes.
    _ = try? folder.remove(StoredImage.record)
    for entry in (try? folder.names()) ?? [] { _ = try? folder.remove(entry) }
    _ = try? store.removeFolder(name)
  }
}
