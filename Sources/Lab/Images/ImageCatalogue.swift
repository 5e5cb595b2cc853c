import FoundationEssentials
import LinuxHost
import Topology

/// An image that has a name here, or that was unpacked for a lab.
package struct CatalogueEntry: Sendable, Equatable {
  /// nil = it was only unpacked for labs that name its file.
  package var name: String?
  package var image: StoredImage
  /// Of an appliance.
  package var descriptor: OVFDescriptor?
  /// ISO 8601; nil without a name.
  package var added: String?

  /// The user whom images of this name set up, if that is known.
  package var user: String? { DefaultUser.of(name ?? image.source) ?? DefaultUser.of(image.source) }
}

/// `apus image`: names for what is in the store, each a file `NAME.image` in the folder of images.
package struct ImageCatalogue: Sendable {
  package let store: ImageStore
  private let directories: LabDirectories

  package init(
    directories: LabDirectories, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.directories = directories
    store = ImageStore(directories: directories, environment: environment)
  }

  // MARK: - Looking

  /// Whether an entry's record is at a path, rather than a disk that is called like one.
  func isRecord(_ path: String) -> Bool { name(at: path).flatMap { record($0) } != nil }

  /// The entry at the path of its record; nil if that is none, or not whole.
  package func entry(at path: String) -> CatalogueEntry? { name(at: path).flatMap { entry($0) } }

  /// What a name stands for, and the path of its record, which labs have in its place; nil if nothing has it.
  package func named(_ name: String) -> (path: String, entry: CatalogueEntry)? {
    guard Self.isName(name) else { return nil }
    return entry(name).map { (path(of: name), $0) }
  }

  private func name(at path: String) -> String? {
    let name = path.split(separator: "/").last ?? ""
    guard Paths.folder(of: path) == store.images, name.hasSuffix(Paths.entryEnding) else { return nil }
    return String(name.dropLast(Paths.entryEnding.count))
  }

  private func entry(_ name: String) -> CatalogueEntry? {
    guard let record = record(name), let image = store.content(record.digest) else { return nil }
    return CatalogueEntry(name: name, image: image, descriptor: descriptor(of: image), added: record.added)
  }

  private func record(_ name: String) -> ImageRecord? {
    (try? Folder(store.images))?.read("\(name)\(Paths.entryEnding)", limit: 1 << 16)
      .flatMap { try? JSONDecoder().decode(ImageRecord.self, from: Data($0)) }
  }

  private func path(of name: String) -> String { "\(store.images)/\(name)\(Paths.entryEnding)" }

  private func descriptor(of image: StoredImage) -> OVFDescriptor? {
    guard image.isAppliance else { return nil }
    let text = Files.read("\(store.root)/\(image.digest)/\(StoredImage.descriptor)")
    return text.flatMap { try? OVFReader.read($0) }
  }

  private var names: [String] {
    Files.names(in: store.images).filter { $0.hasSuffix(Paths.entryEnding) }
      .map { String($0.dropLast(Paths.entryEnding.count)) }
  }

  /// All with names, then what was unpacked for labs.
  package func entries() -> [CatalogueEntry] {
    let named = names.compactMap { entry($0) }
    let taken = Set(named.map(\.image.digest))
    let others = Files.names(in: store.root).filter { ImageStore.isDigest($0) && !taken.contains($0) }
    return named
      + others.compactMap { digest in
        store.content(digest).map { CatalogueEntry(name: nil, image: $0, descriptor: descriptor(of: $0), added: nil) }
      }
  }

  /// One, by its name or by the beginning of its digest after `sha256:`.
  /// - Throws: `UserError` (`notFound`).
  package func find(_ name: String) throws(UserError) -> CatalogueEntry {
    if let found = entry(name) { return found }
    let all = entries()
    if name.hasPrefix("sha256:"), name.utf8.count >= 7 + 6 {
      let found = all.filter { $0.image.digest.hasPrefix(name.dropFirst(7)) }
      if let first = found.first, found.allSatisfy({ $0.image.digest == first.image.digest }) { return first }
    }
    let known = all.map(\.shownName)
    throw UserError(
      .notFound, "no image \"\(ShownText.line(name))\" in the catalogue",
      hint: known.isEmpty ? "it is empty: apus image add FILE" : "there are: \(known.joined(separator: ", "))")
  }

  // MARK: - Changing

  /// Adds an image under a name.
  /// - Parameters:
  ///   - name: nil = its file's, without its ending.
  ///   - progress: takes lines for the person who waits.
  package func add(
    _ path: String, name: String?, progress: @escaping @Sendable (String) -> Void
  ) async throws(UserError) -> CatalogueEntry {
    let name = name ?? Self.usualName(path)
    guard Self.isName(name) else {
      throw UserError(
        .badInput, "\"\(ShownText.line(name))\" is no name for an image",
        hint: "names are 1 to 63 of a-z A-Z 0-9 . _ -, starting with a letter or digit: --name N")
    }
    guard HostFacts.exists(path) else { throw UserError(.badInput, "no file \(path)") }
    if let known = record(name), store.known(path)?.digest != known.digest, store.content(known.digest) != nil {
      throw UserError(
        .failed, "there is an image \(name) already",
        hint: "give this one another name: --name N, or remove that one: apus image remove \(name)")
    }
    try Self.checkDisk(path)
    let image = try await store.ensure(path, progress)
    let record = ImageRecord(digest: image.digest, added: Date().ISO8601Format())
    try Files.write(encoded(record), to: self.path(of: name))
    return CatalogueEntry(name: name, image: image, descriptor: descriptor(of: image), added: record.added)
  }

  /// Bytes that say nothing are a disk only if their name says so.
  private static func checkDisk(_ path: String) throws(UserError) {
    guard let bytes = try? ImageBytes(path: path), let head = try? bytes.read(at: 0, count: 512), !head.isEmpty,
      ImageSummary.format(of: head) == nil, !ApplianceFile.isOne(path, head: head)
    else { return }
    let name = path.lowercased()
    guard !name.hasSuffix(".raw"), !name.hasSuffix(".img") else { return }
    throw UserError(
      .badInput, "image \(path): is not qcow2, vmdk, ova or ovf",
      hint: "if it is the bytes of a disk, let its name end in .raw or .img")
  }

  /// Takes the name from an image, and the image itself from the store if it has no other.
  ///
  /// A name goes, too, whose image is no more.
  /// - Throws: `UserError` while a machine's disk lies over it, or a saved lab needs it.
  package func remove(_ name: String) throws(UserError) -> CatalogueEntry {
    if let lost = try removeLost(name) { return lost }
    let found = try find(name)
    if let user = users(of: found.image).first {
      throw UserError(
        .failed, "image \(found.shownName) is in use: the disk \(user) lies over it",
        hint: "take the lab down, or remove that disk")
    }
    if let folder = savedUsers(of: found.image).first {
      throw UserError(
        .failed, "image \(found.shownName) is in use: the saved lab \(folder) needs it",
        hint: "remove that folder, if nobody is to go on with it")
    }
    let others = names.filter { $0 != found.name && record($0)?.digest == found.image.digest }
    if let name = found.name { try Files.remove(path(of: name)) }
    guard others.isEmpty, let folder = try? Folder(store.root) else { return found }
    ImageStore.remove(found.image.digest, in: folder)
    store.forget(found.image.digest, in: folder)
    return found
  }

  /// Takes away a name whose image is not in the store any more; nil = there is none such.
  private func removeLost(_ name: String) throws(UserError) -> CatalogueEntry? {
    guard Self.isName(name), let record = record(name), store.content(record.digest) == nil else { return nil }
    try Files.remove(path(of: name))
    let image = StoredImage(digest: record.digest, source: name, size: 0, format: "", disks: [], isAppliance: false)
    return CatalogueEntry(name: name, image: image, descriptor: nil, added: record.added)
  }

  /// Disks of machines that lie over what is in the store.
  private func users(of image: StoredImage) -> [String] {
    let folder = "\(store.root)/\(image.digest)/"
    var disks: [String] = []
    for lab in HostFacts.entries(of: directories.dataRoot) where Names.validLab(lab) {
      let data = directories.data(lab)
      for node in HostFacts.entries(of: data) {
        for file in HostFacts.entries(of: "\(data)/\(node)") where DiskFiles.isDisk(file) {
          let path = "\(data)/\(node)/\(file)"
          if DiskOverlay.backing(of: path)?.hasPrefix(folder) == true { disks.append(path) }
        }
      }
    }
    return disks
  }

  /// Folders of saved labs, of those in the usual place, with disks over what is in the store.
  private func savedUsers(of image: StoredImage) -> [String] {
    let (folder, root) = ("\(store.root)/\(image.digest)/", "\(directories.dataRoot)/saved")
    return Files.names(in: root).map { "\(root)/\($0)" }.filter { path in
      guard let bytes = Files.read("\(path)/\(SavedFile.nodes.rawValue)"),
        let needed = try? JSONDecoder().decode(NeededImages.self, from: Data(bytes))
      else { return false }
      return needed.paths.contains { $0.hasPrefix(folder) }
    }
  }

  // MARK: - Names

  private static func usualName(_ path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? ""
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return file }
    return String(file[..<dot])
  }

  static func isName(_ name: String) -> Bool {
    let first = name.unicodeScalars.first.map { $0.isASCII && $0.properties.isAlphabetic || ("0"..."9").contains($0) }
    let isClean = name.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "._-".unicodeScalars.contains($0))
    }
    return first == true && isClean && name.utf8.count <= 63 && !["builtin", "none"].contains(name)
  }
}

/// What of `SavedNodes` tells which images are needed: also where the rest is of another form.
private struct NeededImages: Decodable {
  struct Machine: Decodable { var disks: [Disk]? }
  struct Disk: Decodable { var path: String? }

  var machines: [Machine]?

  var paths: [String] { (machines ?? []).flatMap { $0.disks ?? [] }.compactMap(\.path) }
}

extension CatalogueEntry {
  /// Its name, or how it is called without one.
  package var shownName: String { name ?? "sha256:\(image.digest.prefix(12))" }
}

/// Users of well-known images, by the beginning of their names.
private enum DefaultUser {
  private static let users = [
    "debian": "debian", "ubuntu": "ubuntu", "focal": "ubuntu", "jammy": "ubuntu", "noble": "ubuntu",
    "cirros": "cirros", "fedora": "fedora", "centos": "cloud-user", "rocky": "rocky", "almalinux": "almalinux",
    "alpine": "alpine", "arch": "arch", "opensuse": "opensuse", "freebsd": "freebsd", "vyos": "vyos",
    "amzn": "ec2-user", "al2023": "ec2-user", "rhel": "cloud-user", "openwrt": "root",
  ]

  static func of(_ name: String) -> String? {
    let word = name.lowercased().prefix { $0.isLetter || $0.isNumber }
    return users[String(word)] ?? users.first { word.hasPrefix($0.key) }?.value
  }
}
