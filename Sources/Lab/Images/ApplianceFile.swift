import LinuxHost
import Topology

/// An appliance as it was given: an OVA, which is a tar archive, or an OVF descriptor with its files beside it.
struct ApplianceFile: Sendable {
  /// A disk's file in it.
  struct Disk: Sendable {
    var name: String
    var bytes: ImageBytes
    var summary: ImageSummary
  }

  private static let largestManifest: UInt64 = 4 << 20

  let path: String
  /// The descriptor as it is written.
  let text: [UInt8]
  let descriptor: OVFDescriptor
  /// nil = there is none.
  let manifest: ApplianceManifest?
  let disks: [Disk]
  /// Everything it consists of, by name: in an OVA its members, else the descriptor and its disks.
  let files: [String: ImageBytes]
  /// The whole is one file.
  let isArchive: Bool
  private let whole: ImageBytes

  /// Whether a file is to be read as one, by its first bytes and its name.
  static func isOne(_ path: String, head: [UInt8]) -> Bool {
    let name = path.lowercased()
    return TarArchive.isOne(head) || name.hasSuffix(".ova") || name.hasSuffix(".ovf")
  }

  /// Reads all of it but the disks' contents.
  /// - Throws: what is wrong with it.
  init(path: String) throws(ImageFault) {
    let whole = try ImageBytes(path: path)
    let head = try whole.read(at: 0, count: 512)
    self.path = path
    self.whole = whole
    isArchive = !path.lowercased().hasSuffix(".ovf")
    if isArchive, !TarArchive.isOne(head) { throw ImageFault("is no tar archive, as an OVA is one") }
    let (name, known) = isArchive ? try Self.members(of: whole) : try Self.beside(path, whole)
    guard let main = known[name] else { throw ImageFault("has no OVF descriptor") }
    guard main.size <= UInt64(OVFReader.largest) else { throw ImageFault("has an OVF descriptor that is too large") }
    text = try main.read(at: 0, count: Int(main.size))
    descriptor = try OVFReader.read(text)
    var files = known
    var disks: [Disk] = []
    for file in descriptor.diskFiles {
      let bytes: ImageBytes
      if let member = known[file.name] {
        bytes = member
      } else {
        bytes = try Self.find(file.name, of: whole, isArchive)
      }
      files[file.name] = bytes
      guard file.compression == nil else { continue }
      do throws(ImageFault) {
        disks.append(Disk(name: file.name, bytes: bytes, summary: try Self.summary(of: bytes, file.name)))
      } catch {
        throw ImageFault("its disk \(file.name) \(error.message)", hint: error.hint)
      }
    }
    self.disks = disks
    self.files = files
    manifest = try Self.manifest(of: name, files)
    for line in manifest?.lines ?? [] { _ = try self.bytes(of: line.name) }
  }

  /// A file that the manifest names: beside a descriptor it may be one that no disk is in.
  /// - Throws: when there is none.
  func bytes(of name: String) throws(ImageFault) -> ImageBytes {
    if let known = files[name] { return known }
    guard !isArchive else { throw ImageFault("lacks \(ShownText.line(name)), which its manifest names") }
    return try ImageSummary.reference(name, "file", of: whole)
  }

  /// Bytes that say nothing are a disk only if their name says so.
  private static func summary(of bytes: ImageBytes, _ name: String) throws(ImageFault) -> ImageSummary {
    let summary = try ImageSummary.of(bytes)
    let isSaid = [".raw", ".img", ".iso"].contains { name.lowercased().hasSuffix($0) }
    guard summary.format != .raw || isSaid && summary.virtualSize > 0 else {
      throw ImageFault("is of no known format")
    }
    return summary
  }

  private static func find(
    _ name: String, of whole: ImageBytes, _ isArchive: Bool
  ) throws(ImageFault) -> ImageBytes {
    guard !isArchive else { throw ImageFault("lacks its disk \(name)") }
    return try ImageSummary.reference(name, "disk", of: whole)
  }

  /// The name of the descriptor, and what lies in its folder within an archive.
  private static func members(of whole: ImageBytes) throws(ImageFault) -> (String, [String: ImageBytes]) {
    let archive = try TarArchive(whole)
    let descriptors = archive.members.filter { $0.name.lowercased().hasSuffix(".ovf") && !isHidden($0.name) }
    guard descriptors.count == 1, let main = descriptors.first else {
      throw ImageFault("has \(descriptors.count) OVF descriptors; an OVA has one")
    }
    let folder = main.name.split(separator: "/").dropLast().map { "\($0)/" }.joined()
    var files: [String: ImageBytes] = [:]
    for member in archive.members where member.name.hasPrefix(folder) {
      files[String(member.name.dropFirst(folder.count))] = whole.part(from: member.offset, size: member.size)
    }
    return (String(main.name.dropFirst(folder.count)), files)
  }

  /// What some systems put beside a file for themselves.
  private static func isHidden(_ name: String) -> Bool { name.split(separator: "/").last?.hasPrefix(".") ?? true }

  /// A descriptor on its own, with its manifest if there is one.
  private static func beside(
    _ path: String, _ whole: ImageBytes
  ) throws(ImageFault) -> (String, [String: ImageBytes]) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    var files = [name: whole]
    let manifest = manifestName(name)
    let kind: Folder.Kind?
    do throws(SystemError) {
      kind = try Folder(Paths.folder(of: path) ?? "/").kind(of: manifest)
    } catch {
      throw ImageFault("has a folder that cannot be looked into: \(SystemError.text(of: error.code))")
    }
    if PlainName.isValid(manifest), kind != nil {
      files[manifest] = try ImageSummary.reference(manifest, "manifest", of: whole)
    }
    return (name, files)
  }

  private static func manifestName(_ descriptor: String) -> String { "\(descriptor.dropLast(4)).mf" }

  private static func manifest(
    of descriptor: String, _ files: [String: ImageBytes]
  ) throws(ImageFault) -> ApplianceManifest? {
    let others = files.keys.filter { $0.lowercased().hasSuffix(".mf") && !isHidden($0) && !$0.contains("/") }
    guard let file = files[manifestName(descriptor)] ?? (others.count == 1 ? files[others[0]] : nil) else { return nil }
    guard file.size <= largestManifest else { throw ImageFault("has a manifest that is too large") }
    return try ApplianceManifest(try file.read(at: 0, count: Int(file.size)))
  }
}
