/// One entry of `capture:`: what is written to a file from the time the lab is up.
package struct CaptureDefinition: Codable, Sendable, Equatable {
  /// Seen from the node: *in* is what it sends into the switch or wire, *out* what it gets.
  package enum Direction: String, Codable, Sendable, CaseIterable { case `in`, out, both }

  /// What is captured.
  package enum Target: Codable, Sendable, Hashable {
    /// One NIC of a node.
    case port(node: String, nic: String)
    /// A wire or a trunk, by its name in `CanonicalLab.links`.
    case link(String)
    /// Every NIC of a node.
    case node(String)
    /// Every port of a switch, or of the LAN of that name.
    case `switch`(String)
    /// Every port of the lab.
    case all
  }

  /// Files that are written in turn, the oldest again when the last is full.
  package struct Ring: Codable, Sendable, Equatable {
    /// 2 to 1000.
    package var files: Int
    /// Bytes of each.
    package var size: Int
    package init(files: Int, size: Int) {
      self.files = files
      self.size = size
    }
  }

  /// The longest a frame can be, and so all of it.
  package static let wholeFrame = 262_144

  /// In the order of the file, each once.
  package var targets: [Target]
  /// Absolute path of the pcapng file.
  package var file: String
  /// Nil = one file that grows.
  package var ring: Ring?
  /// Bytes of each frame that are kept.
  package var snap = CaptureDefinition.wholeFrame
  /// Filter in the language of pcap-filter(7); nil = every frame.
  package var filter: String?
  /// Nil = both, but of links alone each frame once, as it was sent.
  package var direction: Direction?
  package init(targets: [Target], file: String) {
    self.targets = targets
    self.file = file
  }
}
