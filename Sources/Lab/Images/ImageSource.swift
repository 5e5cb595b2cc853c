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

  /// Names of the files whose touching makes it another, sorted: an empty one for its own, and those it refers to.
  var names: [String] {
    var names: Set<String> = [""]
    switch self {
    case .disk(_, let summary): names.formUnion(summary.references)
    case .appliance(let file):
      guard !file.isArchive else { break }
      for disk in file.disks {
        names.insert(disk.name)
        names.formUnion(disk.summary.references)
      }
    }
    return names.sorted()
  }

  /// Where a file of `names` is.
  func path(of name: String) -> String { name.isEmpty ? path : "\(Paths.folder(of: path) ?? "")/\(name)" }

  /// How the files of `names` are now; each is open only while it is asked.
  /// - Throws: for one that is gone, or cannot be read.
  func stamps() throws(ImageFault) -> [String: FileStamp] {
    var stamps: [String: FileStamp] = [:]
    for name in names {
      guard let stamp = try ImageBytes(path: path(of: name)).stamp else { throw ImageFault("cannot be read") }
      stamps[name] = stamp
    }
    return stamps
  }

  /// What is to be unpacked of it.
  var disks: [ApplianceFile.Disk] {
    switch self {
    case .disk(let bytes, let summary): [ApplianceFile.Disk(name: "", bytes: bytes, summary: summary)]
    case .appliance(let file): file.disks
    }
  }
}
