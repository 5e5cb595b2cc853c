import LinuxHost
import Topology

/// What the head of an image says: read by us before QEMU opens it, and before anything that it refers to is opened.
struct ImageSummary: Sendable, Equatable {
  var format: DiskDefinition.Format
  /// Of a VMDK: its create type, such as `streamOptimized`.
  var variant: String?
  /// Bytes of the disk as its guest sees it; 0 = not said in this file.
  var virtualSize: UInt64 = 0
  /// Plain names of the files beside it that belong to it, those of its backing files included.
  var references: [String] = []
  /// It lies over another image.
  var hasBacking = false

  /// Reading it at random is slow: it is unpacked before a machine runs on it.
  var isStream: Bool { variant == "streamOptimized" }

  /// As people read it.
  var words: String { variant.map { "\(format) (\($0))" } ?? "\(format)" }

  /// Images that lie over one another at most.
  private static let deepest = 8

  /// Looks at an image, and at every file that it refers to.
  /// - Parameter format: what it is known to be; nil = as its first bytes say, and raw if they say nothing.
  /// - Throws: why it is not taken.
  static func of(
    _ bytes: ImageBytes, format: DiskDefinition.Format? = nil, depth: Int = 0
  ) throws(ImageFault) -> ImageSummary {
    guard depth < deepest else { throw ImageFault("lies over more than \(deepest) images, or over itself") }
    let head = try bytes.read(at: 0, count: 4096)
    let found = Self.format(of: head)
    if let format, format != .raw, found != format { throw ImageFault("is not \(format)") }
    switch format ?? found ?? .raw {
    case .raw: return ImageSummary(format: .raw, virtualSize: bytes.size)
    case .qcow2: return try QCOW2Head.summary(bytes, head, depth)
    case .vmdk: return try VMDKHead.summary(bytes, head)
    }
  }

  /// What the first bytes say; nil = nothing that is known.
  static func format(of head: [UInt8]) -> DiskDefinition.Format? {
    if head.starts(with: QCOW2Head.magic) { return .qcow2 }
    return head.starts(with: VMDKHead.magic) || head.starts(with: VMDKHead.descriptorMagic) ? .vmdk : nil
  }

  /// QEMU would look for a file of those very bytes, which no text of ours says.
  static let unreadableName = ImageFault("names a file whose name is not UTF-8")

  /// A file that an image refers to: one beside it, by its plain name, and no link to anywhere.
  /// - Parameter role: what it is to the image, such as `backing file`.
  static func reference(_ name: String, _ role: String, of image: ImageBytes) throws(ImageFault) -> ImageBytes {
    guard PlainName.isValid(name) else {
      throw ImageFault("names \(ShownText.line(name)) as its \(role)", hint: PlainName.rule)
    }
    // Within an archive there is nothing beside it.
    guard image.isWhole else {
      throw ImageFault("needs another file, \(name), as its \(role)", hint: "unpack the OVA, and use the .ovf in it")
    }
    let folder = Paths.folder(of: image.path) ?? "/"
    let kind = try? Folder(folder).kind(of: name)
    switch kind {
    case .file: return try ImageBytes(path: "\(folder)/\(name)")
    case nil: throw ImageFault("lacks its \(role) \(name), which is not beside it")
    default: throw ImageFault("has a \(role) \(name) that is no plain file", hint: PlainName.rule)
    }
  }
}
