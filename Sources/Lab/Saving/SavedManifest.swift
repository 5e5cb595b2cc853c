import FoundationEssentials

/// `manifest.json` of the folder of a saved lab: what the folder is, written last; a folder without it is no saved lab.
struct SavedManifest: Codable, Sendable, Equatable {
  /// A file of the folder.
  struct File: Codable, Sendable, Equatable {
    /// Without a slash.
    var name: String
    /// Bytes.
    var size: UInt64
    /// In lower-case hexadecimal digits.
    var sha256: String
  }

  static let file = "manifest.json"
  /// The form of all that is in the folder: rises with each change by which an older Apus would go wrong.
  static let format = 1
  /// Bytes of the longest one that is read.
  static let limit = 16 << 20

  var format = Self.format
  /// Who has written it: `apus 0.1.0`.
  var apus: String
  /// Version of the QEMU whose machines are in it: `7.2.22`; nil = there is none.
  var qemu: String?
  /// ISO 8601: the instant.
  var time: String
  /// Name of the lab.
  var lab: String
  /// All files but this one.
  var files: [File]

  /// Its number alone, which is looked at before anything else: the rest may have changed with it.
  struct Head: Decodable {
    var format: Int
  }
}

/// The fixed names in the folder of a saved lab.
enum SavedFile: String, CaseIterable {
  /// Its canonical form.
  case lab = "lab.json"
  /// What was said at run time.
  case runTime = "runtime.json"
  /// The data plane.
  case plane = "plane.json"
  /// Machines, namespaces, and who is not in it.
  case nodes = "nodes.json"

  static func memory(of node: String) -> String { "\(node).memory" }
  static func disk(_ number: Int, of node: String) -> String { "\(node).\(number).qcow2" }
  /// A copy of what lies in the node's folder.
  static func copy(_ file: String, of node: String) -> String { "\(node).\(file)" }

  /// What is copied so, by the names there: what UEFI remembers, CDs, leases.
  static let copied: [NodeFile] = [.variables, .seed, .environment, .leases]
}

/// `nodes.json`: what the nodes were at the instant.
struct SavedNodes: Codable, Sendable, Equatable {
  /// A virtual machine.
  struct Machine: Codable, Sendable, Equatable {
    var node: String
    /// It ran, and goes on where it was; else it was stopped, and has its disks alone.
    var isRunning: Bool
    /// What was written down of it; without its process.
    var record: NodeRecord?
    /// QEMU's name of its board, such as `pc-i440fx-7.2`.
    var board: String?
    /// Who executes its instructions: `kvm` or `tcg`.
    var accelerator: String?
    /// Where its NICs are on the bus, by their names.
    var places: [String: Place] = [:]
    var disks: [Disk] = []
  }

  /// A place on the machine's bus.
  struct Place: Codable, Sendable, Equatable {
    var slot: Int
    var function: Int
  }

  /// A disk, by its place among the machine's.
  struct Disk: Codable, Sendable, Equatable {
    /// The image that it lies over; nil = none.
    var image: ImageIdentity?
    /// Where that was, for a person.
    var path: String?
  }

  var machines: [Machine] = []
  var namespaces: [NamespaceState] = []
  /// Copies of files of the nodes' folders, by the nodes' names.
  var copies: [String: [String]] = [:]
  /// Nodes that went on and are not in it, or only by their definition, with their kinds.
  var others: [String: String] = [:]
  /// Folders that paths in `lab.json` may begin with: that of the file, and that of images and the like.
  var directory: String
  var dataRoot: String
}
