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
    let stamps: [String: FileStamp]
    do throws(ImageFault) {
      stamps = try ImageSource(path: path, format: format).stamps()
      // Anew, so that all that is looked at is looked at between the stamps.
      source = try ImageSource(path: path, format: format)
    } catch {
      throw UserError(.badInput, "image \(path): \(error.message)", hint: error.hint)
    }
    let image = try await make(source, stamps, progress)
    try? note(SeenImage(path: path, stamps: stamps, digest: image.digest))
    return image
  }

  // MARK: - Making

  /// A disk of an image, and what becomes of it in the store.
  private struct Work: Sendable {
    let disk: ApplianceFile.Disk
    /// It stays as it is: one file of a form that a guest can run on.
    let isCopied: Bool
    let format: DiskDefinition.Format
    /// Its name in the store.
    let file: String

    init(_ disk: ApplianceFile.Disk, number: Int) {
      self.disk = disk
      isCopied = disk.summary.format != .vmdk && !disk.summary.hasBacking && disk.bytes.isWhole
      format = isCopied ? disk.summary.format : .qcow2
      file = StoredImage.disk(number, format)
    }
  }

  /// - Parameter stamps: those of the source from before it was looked at.
  private func make(
    _ source: ImageSource, _ stamps: [String: FileStamp], _ progress: @escaping @Sendable (String) -> Void
  ) async throws(UserError) -> StoredImage {
    let store = try open()
    removeRemains(in: store)
    let number = UInt32.random(in: 0 ... .max)
    let name = "\(Self.unfinished)\(getpid())-\(String(number, radix: 16))"
    do {
      try store.makeFolder(name, mode: LabFolders.ownMode)
      let folder = try store.folder(name)
      let image = try await fill(folder, from: source, size: stamps.values.reduce(0) { $0 &+ $1.size }, progress)
      try check(image, in: folder, of: source, stamps)
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
      if let fault = error as? ImageFault {
        throw UserError(.badInput, "image \(source.path): \(fault.message)", hint: fault.hint)
      }
      throw UserError.wrapping(error, "image \(source.path)")
    }
  }

  /// Looks at what was made before it gets its name.
  ///
  /// The files are read more than once. Whoever writes to them between could put under their sum what is not theirs, or
  /// a disk that refers to files of this host.
  private func check(
    _ image: StoredImage, in folder: Folder, of source: ImageSource, _ stamps: [String: FileStamp]
  ) throws {
    guard try source.stamps() == stamps else {
      throw UserError(.failed, "image \(source.path) was written to while it was read", hint: "try again")
    }
    for disk in image.disks {
      let summary = try ImageSummary.of(try ImageBytes(path: folder.path(of: disk.file)), format: disk.format)
      guard !summary.hasBacking, summary.references.isEmpty else {
        throw UserError(.failed, "image \(source.path): what was made of it needs other files", hint: "try again")
      }
    }
  }

  /// Unpacks the disks and makes the sums at one time; the first that fails ends the others.
  private func fill(
    _ folder: Folder, from source: ImageSource, size: UInt64, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> StoredImage {
    let all = source.disks.enumerated().map { Work($0.element, number: $0.offset + 1) }
    let digest = try await withThrowingTaskGroup(of: String?.self) { group in
      group.addTask { try await self.digest(of: source) }
      group.addTask {
        try await self.checkManifest(of: source)
        return nil
      }
      group.addTask {
        for work in all { try await self.unpack(work, in: folder, progress) }
        return nil
      }
      var digest: String?
      for try await result in group { digest = result ?? digest }
      return digest ?? ""
    }
    var image = StoredImage(
      digest: digest, source: source.path.split(separator: "/").last.map(String.init) ?? "", size: size,
      format: source.format, disks: [], isAppliance: false)
    for work in all {
      let name = work.disk.name
      image.disks.append(
        StoredImage.Disk(
          name: name.isEmpty ? nil : name, file: work.file, format: work.format,
          virtualSize: work.disk.summary.virtualSize))
    }
    if case .appliance(let file) = source {
      image.isAppliance = true
      try folder.write(StoredImage.descriptor, file.text, mode: LabFolders.fileMode)
    }
    try folder.write(StoredImage.record, encoded(image), mode: LabFolders.fileMode)
    return image
  }

  private func unpack(
    _ work: Work, in folder: Folder, _ progress: @escaping @Sendable (String) -> Void
  ) async throws {
    let disk = work.disk
    let path = folder.path(of: work.file)
    let name = disk.name.isEmpty ? disk.bytes.path.split(separator: "/").last.map(String.init) ?? "" : disk.name
    if work.isCopied {
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
      for name in source.names {
        let bytes = try ImageBytes(path: source.path(of: name))
        list += "\(try await tools.sum(bytes, by: "sha256sum"))  \(name)\n"
      }
      return try await tools.sum(of: list)
    }
  }

  private func checkManifest(of source: ImageSource) async throws {
    guard case .appliance(let file) = source, let manifest = file.manifest else { return }
    for line in manifest.lines {
      let sum = try await tools.sum(try file.bytes(of: line.name), by: line.program)
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
    for name in (try? store.names()) ?? [] {
      // The record of what is to go goes first.
      if Self.isDigest(name), content(name) == nil { Self.remove(name, in: store) }
      guard name.hasPrefix(Self.unfinished) else { continue }
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
