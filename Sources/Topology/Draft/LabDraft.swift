/// What a lab file says, typed and with positions, before names are resolved.
struct LabDraft {
  var name: Located<String>?
  /// Where the keys of the top level stand, by name.
  var sections: [String: Span] = [:]
  var workers = WorkerSettings()
  /// Where the number of workers is said.
  var workersPlace: Span?
  /// `cpus` of the workers.
  var processors: [Located<Int>] = []
  var vlans: [VLANDraft] = []
  /// Names under `vlans` without an id, which was reported.
  var unusableVLANs: Set<String> = []
  var switches: [SwitchDraft] = []
  /// Ranges are expanded.
  var nodes: [NodeDraft] = []
  var links: [LinkDraft] = []
  var tests: [TestDraft] = []
  var captures: [CaptureDraft] = []
  /// Nil = no API over TCP.
  var http: HTTPDraft?
  /// Bytes; 0 = off, nil = not said.
  var recorderSize: Int?
  var access: [AccessDraft] = []
}

/// `vlans:` entry.
struct VLANDraft {
  var name: Located<String>
  var id: Located<Int>
  var subnet: Located<IPPrefix>?
  /// Nil without a server.
  var dhcp: DHCPDraft?
}

/// `switches:` entry.
struct SwitchDraft {
  var name: Located<String>
  var definition: SwitchDefinition
  /// Where it is said whether it has VLANs.
  var awarenessPlace: Span?
}

/// The keys `vlan`, `trunk` and `native` of a NIC or a link.
struct MembershipDraft {
  enum Trunk {
    case all
    /// VLANs by name or number, and ranges of numbers.
    case list([Located<String>])
  }

  var vlan: Located<String>?
  var trunk: Located<Trunk>?
  var native: Located<String>?

  /// The place of the first key that is there.
  var span: Span? { vlan?.span ?? trunk?.span ?? native?.span }
}
