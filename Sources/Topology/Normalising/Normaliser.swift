import Frames

/// Turns a wired draft into the canonical lab: VLANs resolved, addresses given out, MAC addresses derived.
///
/// Nodes and NICs keep their indices, so that rules find the position of each in the draft. What could not be resolved
/// was reported, and stands for nothing: a lab with errors is never handed out.
struct Normaliser {
  let draft: LabDraft
  let directory: String
  let reporter: Reporter
  let vlans: VLANTable
  let images: ImageTable
  let unaware: UnawareSwitches

  func lab(source: String) -> CanonicalLab {
    var lab = CanonicalLab(name: draft.name?.value ?? "")
    lab.directory = directory
    lab.source = source == "-" ? "-" : Paths.absolute(source, in: directory, keepingFolder: false)
    lab.workers = draft.workers
    lab.switches = draft.switches.map(\.definition) + draft.links.compactMap(\.lan).map { Self.lan($0) }
    lab.nodes = draft.nodes.map { node($0) }
    AddressPlan(draft, reporter: reporter).giveOut(&lab)
    lab.links = draft.links.compactMap { link($0) }
    lab.tests = TestReader(draft: draft, lab: lab, reporter: reporter).tests()
    lab.captures = CaptureReader(draft: draft, lab: lab, reporter: reporter).captures()
    // The default said aloud is the default.
    lab.recorderSize = draft.recorderSize == Limits.usualRecorder ? nil : draft.recorderSize
    lab.http = draft.http?.definition(in: directory)
    lab.access = draft.access.isEmpty ? nil : draft.access.map(\.definition)
    deriveMACs(&lab)
    lab.vlans = draft.vlans.map {
      VLANDefinition(name: $0.name.value, id: $0.id.value, subnet: $0.subnet?.value.description)
    }
    let declared = Set(lab.vlans.map(\.id))
    lab.vlans += vlans.used.subtracting(declared).sorted().map { VLANDefinition(name: nil, id: $0) }
    return lab
  }

  private func node(_ draft: NodeDraft) -> NodeDefinition {
    var node = NodeDefinition(name: draft.name.value, kind: draft.kind?.value ?? "")
    if draft.traits.isMachine, let machine = draft.machine { fill(&node, machine) }
    if let container = draft.container { fill(&node, container, draft.machine ?? MachineDraft()) }
    if let appliance = draft.appliance { fill(&node, appliance) }
    node.setup = setup(draft)
    node.nics = draft.nics.map { nic($0, draft.traits) }
    node.isForced = draft.isForced && draft.traits.takesInterfaces
    return node
  }

  /// Of a NIC whose file says none, until one is derived; no file can say it.
  private static let underived = MACAddress(bits: 0)

  private func nic(_ draft: NICDraft, _ kind: NodeKind) -> NICDefinition {
    var nic = NICDefinition(name: draft.name.value, mac: draft.mac?.value ?? Self.underived)
    nic.attachment = unaware.attachment(draft) ?? attachment(draft)
    nic.impair = impair(draft)
    nic.addresses = draft.addresses.compactMap { address($0, nic.attachment, at: draft.membershipSpan) }
    nic.gateway = draft.gateway?.value.description
    nic.routes = draft.routes.map { Self.route($0) }
    nic.mtu = draft.mtu?.value
    nic.queues = draft.queues?.value ?? usualQueues(draft, kind)
    nic.role = draft.role
    nic.socket = draft.socket.map { Paths.absolute($0.value, in: directory) }
    nic.socketMode = draft.socketMode
    nic.socketOwner = draft.socketOwner?.value
    nic.frontEnd = draft.frontEnd
    nic.offload = draft.offload?.value ?? nic.offload
    nic.migrationBuffer = draft.migrationBuffer ?? nic.migrationBuffer
    nic.model = draft.model?.value ?? nic.model
    nic.transport = draft.transport
    nic.rules = draft.rules.definition
    return nic
  }

  /// Pairs of a NIC whose file says none: a front-end that somebody else starts may take as many as there can be.
  ///
  /// But crosvm gives its guest all that it is offered, and a socket that frames go over as they are has one.
  private func usualQueues(_ draft: NICDraft, _ kind: NodeKind) -> Int {
    guard draft.transport == .vhostUser else { return 1 }
    return kind.isForeign && draft.frontEnd != .crosvm ? Limits.queues.upperBound : 1
  }

  private static func route(_ draft: NICDraft.Route) -> RouteDefinition {
    var route = RouteDefinition(to: draft.to?.description ?? "default", via: draft.via.value.description)
    route.metric = draft.metric
    route.isOnLink = draft.isOnLink
    return route
  }

  private func attachment(_ nic: NICDraft) -> Attachment {
    switch nic.attachment {
    case .none:
      // On an unknown switch: its VLANs are looked up all the same, for what is wrong with them.
      if nic.switchName != nil { _ = vlans.mode(nic.membership, standard: .access(1)) }
      return .none
    case .wire(let link): return draft.links[link].wired.map { .wire(link: $0.name) } ?? .none
    case .switchPort(let name, let membership):
      guard let mode = mode(nic, linkMembership: nic.switchName == nil ? membership : nil) else { return .none }
      return .switchPort(switch: name.value, mode: mode)
    }
  }

  /// The mode of a port whose NIC says one thing and whose link may say another (L206).
  private func mode(_ nic: NICDraft, linkMembership: MembershipDraft?) -> VLANMode? {
    guard let link = linkMembership, let span = link.span else {
      return vlans.mode(nic.membership, standard: .access(1))
    }
    guard let ownSpan = nic.membership.span else { return vlans.mode(link, standard: .access(1)) }
    guard let own = vlans.mode(nic.membership, standard: .access(1)), let other = vlans.mode(link, standard: .access(1))
    else { return nil }
    if own != other {
      let modes = [own, other].map { $0.described(vlans) }.joined(separator: ", ")
      let message = "the link and its NIC \(nic.name.value) carry different VLANs (\(modes))"
      let notes = [Diagnostic.Note("the NIC's own is here", at: ownSpan)]
      reporter.error(.vlanMismatch, span, message, notes: notes)
    }
    return own
  }

  /// The switch that a link with more than two ends is.
  private static func lan(_ name: String) -> SwitchDefinition {
    var definition = SwitchDefinition(name: name)
    definition.isAnonymous = true
    definition.isVLANAware = false
    definition.linkLocal = SwitchDefinition.usualLinkLocal(isVLANAware: false)
    return definition
  }

  /// The impairments of a NIC that says one thing, and whose link may say another (L211).
  private func impair(_ nic: NICDraft) -> ImpairmentPair? {
    if let own = nic.impair, let link = nic.linkImpair, own.value.canonical != link.value.canonical {
      let message = "the link of NIC \(nic.name.value) has an \"impair\" of its own (\(link.span.position))"
      let notes = [Diagnostic.Note("the link's \"impair\" is here", at: link.span)]
      reporter.error(.contradiction, own.span, message, hint: "keep one", notes: notes)
    }
    guard case .switchPort = nic.attachment else { return nil }
    return (nic.impair ?? nic.linkImpair)?.value.canonical
  }

  /// An address on the NIC itself or on a VLAN subinterface (L211 when no frame could carry it).
  private func address(
    _ draft: NICDraft.Address, _ attachment: Attachment, at membership: Span?
  ) -> AddressDefinition? {
    let text = draft.prefix.value.description
    guard let vlan = draft.vlan else {
      if case .switchPort(_, .trunk(_, nil)) = attachment {
        let message = "this NIC is a trunk without \"native\", so untagged frames from \(text) are dropped"
        let hint = "use \"addresses\" by VLAN, or set \"native\""
        let notes = Diagnostic.Note.ifPlaced("the trunk is here", at: membership)
        reporter.error(.contradiction, draft.prefix.span, message, hint: hint, notes: notes)
      }
      return AddressDefinition(address: text)
    }
    if case .switchPort(let name, .transparent) = attachment {
      unaware.report(address: draft.prefix.value, vlan, on: name)
      return nil
    }
    guard let id = vlans.id(vlan) else { return nil }
    guard case .switchPort(_, let mode) = attachment else { return AddressDefinition(address: text, vlan: id) }
    guard mode.carries(id) else {
      let message = "VLAN \(vlan.value.quoted) is not on this NIC (\(mode.described(vlans)))"
      let notes = Diagnostic.Note.ifPlaced("its VLANs are set here", at: membership)
      reporter.error(.contradiction, vlan.span, message, notes: notes)
      return nil
    }
    return AddressDefinition(address: text, vlan: mode.untagged == id ? nil : id)
  }

  private func link(_ draft: LinkDraft) -> LinkDefinition? {
    guard var link = draft.wired else { return nil }
    link.impair = draft.impair?.value.canonical
    if case .trunk(let all) = link.kind {
      if unaware.joins(link) {
        unaware.report(draft.membership, link)
        link.kind = .trunk(.transparent)
        return link
      }
      // To a switch with VLANs another one without them is what a NIC is.
      let standard = unaware.isEnd(of: link) ? VLANMode.access(1) : all
      guard let mode = vlans.mode(draft.membership, standard: standard) else { return nil }
      link.kind = .trunk(mode)
    }
    return link
  }

  /// Gives every NIC without a MAC address the one that follows from its names; a taken one leads to the next.
  private func deriveMACs(_ lab: inout CanonicalLab) {
    var taken: Set<MACAddress> = []
    for node in lab.nodes {
      for nic in node.nics { taken.insert(nic.mac) }
    }
    for node in lab.nodes.indices {
      for nic in lab.nodes[node].nics.indices where lab.nodes[node].nics[nic].mac == Self.underived {
        var attempt = 0
        var mac = Self.underived
        repeat {
          let name = lab.nodes[node].nics[nic].name
          mac = Names.derivedMAC(lab: lab.name, node: lab.nodes[node].name, nic: name, attempt: attempt)
          attempt += 1
        } while !taken.insert(mac).inserted
        lab.nodes[node].nics[nic].mac = mac
      }
    }
  }
}

extension VLANMode {
  /// `access red`, `trunk [red, blue]`, for messages.
  func described(_ vlans: VLANTable) -> String {
    switch self {
    case .access(let id): return "access \(vlans.name(of: id))"
    case .transparent: return "transparent"
    case .trunk([1...4094], _): return "trunk all"
    case .trunk(let allowed, _):
      let names = allowed.map {
        $0.count == 1 ? vlans.name(of: $0.lowerBound) : "\($0.lowerBound)-\($0.upperBound)"
      }
      return "trunk [\(Quoting.list(names))]"
    }
  }
}
