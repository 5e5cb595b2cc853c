/// The disk of a machine from an image: the image itself is never written to.
package struct DiskDefinition: Codable, Sendable, Equatable {
  package enum Format: String, Codable, Sendable, CaseIterable { case qcow2, raw, vmdk }
  package var format: Format
  /// SHA-256 that the image's file must have, 64 lower-case hexadecimal digits; nil = not checked.
  package var sha256: String?
  /// What the machine has written stays when the lab is taken down.
  package var persist = false
  package init(format: Format) { self.format = format }
}

/// The seed of cloud-init's NoCloud data source.
package struct CloudInitDefinition: Codable, Sendable, Equatable {
  /// A document of the seed, or a file of a node: in a file, or written in the lab file itself.
  package enum Document: Codable, Sendable, Equatable {
    /// Absolute path.
    case file(String)
    case text(String)
  }
  /// nil = `#cloud-config` with nothing in it.
  package var userData: Document?
  /// nil = instance id and host name from the names of lab and node.
  package var metaData: Document?
  /// nil = made from the NICs' addresses.
  package var networkConfig: Document?
  package init() {}
}

/// When a machine counts as ready; all that is said must be true.
package struct ReadyDefinition: Codable, Sendable, Equatable {
  /// Text that its console has shown since it was started; plain, no pattern, as a guest writes what is searched.
  package var console: String?
  /// TCP port that accepts a connection at the machine's first address on a switch.
  package var tcp: Int?
  /// QEMU's guest agent (or the builtin guest's own) answers.
  package var agent = false
  /// Seconds that it may take.
  package var timeout: Double = 300
  package init() {}
}

/// What another node must have come to before a machine starts.
package struct StartCondition: Codable, Sendable, Equatable {
  package enum State: String, Codable, Sendable, CaseIterable { case started, ready }
  package var node: String
  package var state = State.ready
  package init(node: String) { self.node = node }
}
