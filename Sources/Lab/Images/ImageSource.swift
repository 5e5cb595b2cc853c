import LinuxHost
import Topology

/// A file from which something in the store is made.
enum ImageSource: Sendable {
  case disk(ImageBytes, ImageSummary)
  case appliance(ApplianceFile)

  /// - Parameter format: what it is known to be; nil = as its first bytes and its name say.
  /// - Throws: why it is not taken.
  init(path: String, format: DiskDefinition.Format? = nil) throws(ImageFault) {
    let bytes = try ImageBytes(path: path)
    let head = try bytes.read(at: 0, count: 512)
    guard !head.isEmpty else { throw ImageFault("is an empty file") }
    if format == nil, ApplianceFile.isOne(path, head: head) {
      self = .appliance(try ApplianceFile(path: path))
    } else {
      self = .disk(bytes, try ImageSummary.of(bytes, format: format))
    }
  }

  var path: String {
    switch self {
    case .disk(let bytes, _): bytes.path
    case .appliance(let file): file.path
    }
  }

  /// As people read it.
  var format: String {
    switch self {
    case .disk(_, let summary): summary.words
    case .appliance(let file): file.isArchive ? "ova" : "ovf"
    }
  }

  /// Files whose touching makes it another: the image's own under an empty name, and what it refers to.
  var stamps: [String: FileStamp] {
    var names: [String: ImageBytes] = [:]
    var folder = Paths.folder(of: path) ?? ""
    folder += "/"
    if let own = try? ImageBytes(path: path) { names[""] = own }
    switch self {
    case .disk(_, let summary):
      for name in summary.references { names[name] = try? ImageBytes(path: folder + name) }
    case .appliance(let file):
      guard !file.isArchive else { break }
      for disk in file.disks {
        names[disk.name] = disk.bytes
        for name in disk.summary.references { names[name] = try? ImageBytes(path: folder + name) }
      }
    }
    return names.compactMapValues(\.stamp)
  }

  /// Bytes of all its files.
  var size: UInt64 { stamps.values.reduce(0) { $0 &+ $1.size } }

  /// What is to be unpacked of it.
  var disks: [ApplianceFile.Disk] {
    switch self {
    case .disk(let bytes, let summary): [ApplianceFile.Disk(name: "", bytes: bytes, summary: summary)]
    case .appliance(let file): file.disks
    }
  }
}
