import FoundationEssentials
import LinuxHost
import Topology

/// What lies in the store: an image in the form in which machines use it, by the sum of what it was made of.
package struct StoredImage: Codable, Sendable, Equatable {
  package struct Disk: Codable, Sendable, Equatable {
    /// Its file in an appliance; nil for an image that is one disk.
    package var name: String?
    /// Its file in the store.
    var file: String
    package var format: DiskDefinition.Format
    /// Bytes of the disk as its guest sees it; 0 = not known.
    package var virtualSize: UInt64
  }

  /// SHA-256 of the file; of an OVF descriptor and its disks, of the list of their sums.
  package var digest: String
  /// Name of the file it was made of.
  package var source: String
  /// Bytes of that.
  package var size: UInt64
  /// As it was found: `qcow2`, `vmdk (streamOptimized)`, `ova`.
  package var format: String
  package var disks: [Disk]
  package var isAppliance: Bool

  static let record = "content.json"
  /// The descriptor of an appliance.
  static let descriptor = "appliance.ovf"
  static func disk(_ number: Int, _ format: DiskDefinition.Format) -> String { "disk-\(number).\(format)" }

  /// Reads what is in a folder of the store.
  /// - Returns: nil when it is not whole.
  static func read(in folder: Folder) -> StoredImage? {
    folder.read(record, limit: 1 << 20).flatMap { try? JSONDecoder().decode(StoredImage.self, from: Data($0)) }
  }
}

/// An entry of the catalogue: a name for something in the store.
struct ImageRecord: Codable, Sendable, Equatable {
  var digest: String
  /// ISO 8601.
  var added: String
}

/// Which file led to what in the store, so that it need not be read whole again while it is not touched.
struct SeenImage: Codable, Sendable, Equatable {
  var path: String
  /// By the names of the files, the image's own under an empty one.
  var stamps: [String: FileStamp]
  var digest: String
}
