import Frames

/// `nodes:` entry, one for each name of a range.
struct NodeDraft {
  var name: Located<String>
  /// The key as written, when it stands for several names.
  var range: String?
  var kind: Located<String>?
  /// Nil for kinds that are no virtual machine.
  ///
  /// Of a container it has `ready` and `after` alone.
  var machine: MachineDraft?
  /// Nil for other kinds.
  var container: ContainerDraft?
  var nics: [NICDraft] = []
  /// What it says itself, or a profile of it.
  var setup = SetupDraft()
  /// Its interfaces are taken though the host uses them.
  var isForced = false
  /// `networks:`, by names of its appliance's networks.
  var networks: [NICDraft] = []
  /// Set once its image is known to be one.
  var appliance: ApplianceDraft?

  /// Nodes, NICs, addresses and VLANs that it is: what a range of it is many times.
  var size: Int {
    let words = (container?.command?.value.count ?? 0) + (container?.env?.value.count ?? 0)
    return (nics + networks).reduce(1 + words + wholeSetup.size + (machine?.after.count ?? 0)) { size, nic in
      var vlans = 0
      if case .list(let items)? = nic.membership.trunk?.value { vlans = items.count }
      return size + 1 + nic.addresses.count + nic.routes.count + vlans + nic.rules.size
    }
  }
}

/// `nics:` entry, or a NIC that a link end created.
struct NICDraft {
  enum Attachment {
    case none
    case switchPort(name: Located<String>, mode: MembershipDraft)
    /// Index into the draft's links.
    case wire(link: Int)
  }

  struct Address {
    /// The VLAN of `addresses:`, nil for `address:`.
    var vlan: Located<String>?
    var prefix: Located<IPPrefix>
  }

  struct Route {
    /// Nil = `default`.
    var to: IPPrefix?
    var via: Located<IPAddress>
    var metric: Int?
    var isOnLink = false
    /// Where its destination stands.
    var span: Span
  }

  var name: Located<String>
  var switchName: Located<String>?
  var membership = MembershipDraft()
  var impair: Located<ImpairDraft>?
  var addresses: [Address] = []
  var gateway: Located<IPAddress>?
  var routes: [Route] = []
  var mac: Located<MACAddress>?
  var model: Located<NICModel>?
  var mtu: Located<Int>?
  var queues: Located<Int>?
  var offload: Located<NICDefinition.Offload>?
  /// Bytes.
  var migrationBuffer: Int?
  var role = NICDefinition.Role.listen
  /// As written.
  var socket: Located<String>?
  var socketMode: Int?
  var socketOwner: Located<String>?
  var frontEnd: NICDefinition.FrontEnd?
  var transport = NICDefinition.Transport.vhostUser
  var rules = RulesDraft()
  /// Where it leads; set when links are wired.
  var attachment = Attachment.none
  /// The `impair` of the link to the switch it is on, seen from the NIC; set when links are wired.
  var linkImpair: Located<ImpairDraft>?
  /// The link end that took it, or the `switch:` that did.
  var takenAt: Span?

  init(name: Located<String>) { self.name = name }

  /// Where its VLANs are set: in the NIC, or in the link to its switch.
  var membershipSpan: Span? {
    if let span = membership.span { return span }
    guard case .switchPort(_, let mode) = attachment else { return nil }
    return mode.span
  }
}
