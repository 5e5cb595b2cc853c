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
  /// Bytes of memory that the host has in all; nil = not known.
  var totalMemory: UInt64? { get }
  /// Folder of the state of all labs (`<state>`), for the length of socket paths; nil = not known.
  var stateDirectory: String? { get }
  /// Longest path of a Unix socket, in bytes.
  var longestSocketPath: Int { get }
  /// Whether the running lab of that name made a host interface, so that finding it there is no surprise.
  func interface(_ name: String, belongsTo lab: String) -> Bool
  /// Why a node of a lab cannot take a host interface; nil = it can, or it is not known.
  func trouble(
    taking name: String, for lab: String, node: String, isForced: Bool
  ) -> (message: String, hint: String?)?
  /// Bytes that a running lab of that name has taken already.
  func memoryTaken(by lab: String) -> UInt64
  /// Whether a folder is there.
  func folderExists(_ absolutePath: String) -> Bool
  /// What lies at a path, symbolic links followed; nil = nothing, or it is not known.
  func fileKind(_ absolutePath: String) -> FileKind?
  /// What is wrong with `user` or `user:group` as the owner of a socket; nil = nothing, or it is not known.
  func mistake(inOwner text: String) -> String?
  /// Processors on which this program may run; nil = not known.
  var processors: [ClosedRange<Int>]? { get }
  /// Debian's package that has what a lab needs of this host, if it is missing; nil = it is there, or it is not known.
  func missingPackage(of need: HostNeed) -> String?
  /// Whether a program is there.
  func hasProgram(_ name: String) -> Bool
  /// What is wrong with a filter of captures (pcap-filter(7)); nil = nothing, or nobody here can say.
  func mistake(inFilter text: String) -> String?
  /// What an image is, beyond what its first bytes say; nil = nothing more is known of it.
  /// - Throws: why it is not taken: it refers to other files of the host, say.
  func image(at absolutePath: String) throws(ImageFault) -> ImageContent?
}

/// What an image is that is more than the bytes of a disk.
package enum ImageContent: Sendable, Equatable {
  /// An entry of the catalogue; the format is what was found when it was added.
  case disk(DiskDefinition.Format)
  case appliance(OVFDescriptor)
}

/// What only some labs need of the host.
package enum HostNeed: Sendable, CaseIterable {
  /// Firmware with UEFI, and its empty store of variables.
  case uefi
  /// The ROM with which a NIC boots under a BIOS.
  case bootROM
  /// The DHCP, DNS and TFTP server.
  case dhcpServer
  /// The HTTP server.
  case webServer
}

/// What can lie at a path.
package enum FileKind: String, Sendable {
  case file, folder, socket
  case other = "special file"
}

extension LabFacts {
  package var totalMemory: UInt64? { nil }
  package var stateDirectory: String? { nil }
  package func interface(_ name: String, belongsTo lab: String) -> Bool { false }
  package func trouble(
    taking name: String, for lab: String, node: String, isForced: Bool
  ) -> (message: String, hint: String?)? { nil }
  package func memoryTaken(by lab: String) -> UInt64 { 0 }
  package func folderExists(_ absolutePath: String) -> Bool { true }
  package func fileKind(_ absolutePath: String) -> FileKind? { nil }
  package func mistake(inOwner text: String) -> String? { nil }
  package var processors: [ClosedRange<Int>]? { nil }
  package func missingPackage(of need: HostNeed) -> String? { nil }
  package func hasProgram(_ name: String) -> Bool { true }
  package func mistake(inFilter text: String) -> String? { nil }
  package func image(at absolutePath: String) throws(ImageFault) -> ImageContent? { nil }
}
