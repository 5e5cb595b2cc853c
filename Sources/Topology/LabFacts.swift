/// What the loader asks about the host.
///
/// The loader itself touches neither disk nor kernel.
package protocol LabFacts {
  /// Whether a file is there.
  func fileExists(_ absolutePath: String) -> Bool
  /// The first bytes of a file, at most `count`; nil when it cannot be read.
  func head(of absolutePath: String, count: Int) -> [UInt8]?
  /// SHA-256 of a file in hexadecimal; nil when it cannot be made.
  func sha256(of absolutePath: String) -> String?
  /// Folder of images that labs share: `<data>/images`.
  var imageDirectory: String { get }
  /// Whether virtual machines run under KVM here.
  var hasKVM: Bool { get }
  /// Whether the host has a network interface of that name.
  func hostInterfaceExists(_ name: String) -> Bool
  /// Bytes that are free for virtual machines; nil = not known.
  var availableMemory: UInt64? { get }
  /// Folder of the state of all labs (`<state>`), for the length of socket paths; nil = not known.
  var stateDirectory: String? { get }
  /// Whether the running lab of that name made a host interface, so that finding it there is no surprise.
  func interface(_ name: String, belongsTo lab: String) -> Bool
  /// Bytes that a running lab of that name has taken already.
  func memoryTaken(by lab: String) -> UInt64
  /// Whether a folder is there.
  func folderExists(_ absolutePath: String) -> Bool
  /// What is wrong with a filter of captures (pcap-filter(7)); nil = nothing, or nobody here can say.
  func mistake(inFilter text: String) -> String?
}

extension LabFacts {
  package var stateDirectory: String? { nil }
  package func interface(_ name: String, belongsTo lab: String) -> Bool { false }
  package func memoryTaken(by lab: String) -> UInt64 { 0 }
  package func folderExists(_ absolutePath: String) -> Bool { true }
  package func mistake(inFilter text: String) -> String? { nil }
}
