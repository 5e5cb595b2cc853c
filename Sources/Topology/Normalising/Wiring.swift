/// Finds out where every NIC leads: `switch:` keys first, then links in file order.
struct Wiring {
  private enum End {
    case switchPort(Located<String>)
    case nic(node: Int, nic: Int)
  }

  let index: NameIndex
  let reporter: Reporter
  private let nics = NICTable()
  /// NICs that a link names (`node`, `nic`), so that a bare node takes another.
  private var named: Set<[String]> = []

  init(_ draft: LabDraft, index: NameIndex, reporter: Reporter) {
    self.index = index
    self.reporter = reporter
    for end in draft.links.flatMap(\.ends) {
      if let nic = end.nic { named.insert([end.name, nic]) }
    }
  }

  /// Sets `attachment` of the NICs and `wired` of the links, and creates the NICs that link ends name.
  func wire(_ draft: inout LabDraft) {
    for node in draft.nodes.indices {
      for nic in draft.nodes[node].nics.indices { attachDeclared(&draft.nodes[node].nics[nic]) }
    }
    for link in draft.links.indices { wire(link, &draft) }
    for node in draft.nodes {
      for nic in node.nics {
        guard case .none = nic.attachment, nic.takenAt == nil else { continue }
        let end = PortName.end(node: node.name.value, nic: nic.name.value)
        let needs = "needs \"switch\", or a link from \(end) to a switch"
        if let span = nic.membership.span { reporter.error(.contradiction, span, "a VLAN \(needs)") }
        if let span = nic.impair?.span { reporter.error(.contradiction, span, "\"impair\" \(needs)") }
      }
    }
  }

  private func attachDeclared(_ nic: inout NICDraft) {
    guard let name = nic.switchName else { return }
    nic.takenAt = name.span
    guard index.switches[name.value] != nil else {
      index.reportUnknownSwitch(name.value, at: name.span, reporter)
      return
    }
    nic.attachment = .switchPort(name: name, mode: nic.membership)
  }

  private func wire(_ link: Int, _ draft: inout LabDraft) {
    let ends = draft.links[link].ends
    guard ends.count == 2 else { return wireLAN(link, &draft) }
    let isSame = ends[0].name == ends[1].name && ends[0].nic == ends[1].nic
    if isSame, ends[0].nic != nil || index.switches[ends[0].name] != nil {
      let name = ends[0].nic.map { PortName.end(node: ends[0].name, nic: $0) } ?? ends[0].name
      reporter.error(.selfLink, ends[1].span, "link connects \(name) to itself")
      return
    }
    let first = resolve(ends[0], &draft)
    // Taken before the second end is resolved, so that two bare ends of one node are two NICs.
    let isFirstFree = take(first, by: ends[0], &draft)
    let second = resolve(ends[1], &draft)
    let isSecondFree = take(second, by: ends[1], &draft)
    guard let first, let second, isFirstFree, isSecondFree else { return }
    connect(link, first, second, &draft)
  }

  private func connect(_ link: Int, _ first: End, _ second: End, _ draft: inout LabDraft) {
    switch (first, second) {
    case (.nic(let nodeA, let nicA), .nic(let nodeB, let nicB)):
      draft.nodes[nodeA].nics[nicA].attachment = .wire(link: link)
      draft.nodes[nodeB].nics[nicB].attachment = .wire(link: link)
      reportVLANOnWire(link, [(nodeA, nicA), (nodeB, nicB)], draft)
      let ends = [end(nodeA, nicA, draft), end(nodeB, nicB, draft)]
      let name = draft.links[link].name?.value ?? ends.map(\.text).joined(separator: "--")
      draft.links[link].wired = LinkDefinition(name: name, kind: .wire, ends: ends)
      reportImpairOnWire(link, [(nodeA, nicA), (nodeB, nicB)], draft)
    case (.nic(let node, let nic), .switchPort(let name)):
      plug(link, node, nic, into: name, draft.links[link].impair, &draft)
    case (.switchPort(let name), .nic(let node, let nic)):
      let impair = draft.links[link].impair.map { Located($0.value.reversed, $0.span) }
      plug(link, node, nic, into: name, impair, &draft)
    case (.switchPort(let a), .switchPort(let b)):
      let name = draft.links[link].name?.value ?? "\(a.value)--\(b.value)"
      let all = VLANMode.trunk(allowed: [1...4094], native: nil)
      draft.links[link].wired = LinkDefinition(
        name: name, kind: .trunk(all), ends: [.switchPort(a.value), .switchPort(b.value)])
    }
  }

  /// A link from a NIC to a switch is the NIC's `switch:`.
  private func plug(
    _ link: Int, _ node: Int, _ nic: Int, into name: Located<String>, _ impair: Located<ImpairDraft>?,
    _ draft: inout LabDraft
  ) {
    draft.nodes[node].nics[nic].attachment = .switchPort(name: name, mode: draft.links[link].membership)
    draft.nodes[node].nics[nic].linkImpair = impair
    let port = Names.port(node: draft.nodes[node].name.value, nic: draft.nodes[node].nics[nic].name.value)
    draft.links[link].port = port
    if let name = draft.links[link].name {
      let message = "\(name.value.quoted) names nothing: a NIC's link to a switch is called as its port, \(port)"
      reporter.warning(.withoutEffect, name.span, message)
    }
  }

  /// A link with more than two ends: a switch of its own, with every NIC on it.
  private func wireLAN(_ link: Int, _ draft: inout LabDraft) {
    var nics: [(node: Int, nic: Int)] = []
    let ends = draft.links[link].ends
    for end in ends {
      let resolved = resolve(end, &draft)
      if case .switchPort(let name) = resolved {
        let message = "a link with more than two ends is a LAN of nodes, and \(name.value.quoted) is a switch"
        reporter.error(.contradiction, end.span, message, hint: "give the NICs \"switch: \(name.value)\" instead")
      } else if take(resolved, by: end, &draft), case .nic(let node, let nic) = resolved {
        nics.append((node, nic))
      }
    }
    guard nics.count == ends.count else { return }
    let name = draft.links[link].name?.value ?? nics.map { end($0.node, $0.nic, draft).text }.joined(separator: "--")
    let span = draft.links[link].name?.span ?? draft.links[link].span
    let impair = lanImpair(draft.links[link].impair)
    reportVLANOnWire(link, nics, draft)
    for (node, nic) in nics {
      draft.nodes[node].nics[nic].attachment = .switchPort(name: Located(name, span), mode: MembershipDraft())
      draft.nodes[node].nics[nic].linkImpair = impair
    }
    draft.links[link].lan = name
  }

  /// What a LAN does to a frame it does once: where the frame enters.
  private func lanImpair(_ impair: Located<ImpairDraft>?) -> Located<ImpairDraft>? {
    guard var impair else { return nil }
    if impair.value.isDirected {
      let message = "a link with more than two ends has no end a and b"
      reporter.error(.contradiction, impair.span, message, hint: "set \"impair\" in the NICs")
    }
    impair.value.pair.fromSecond = nil
    return impair
  }

  /// Finds the switch or NIC an end means; creates the NIC if need be.
  private func resolve(_ end: EndDraft, _ draft: inout LabDraft) -> End? {
    if index.switches[end.name] != nil {
      if let nic = end.nic {
        let message =
          "\(end.name.quoted) is a switch, so \(nic.quoted) means nothing; its ports are named as what is on them"
        reporter.error(.unknownName, end.span, message, hint: "write \(end.name)")
        return nil
      }
      return .switchPort(Located(end.name, end.span))
    }
    guard let node = index.nodes[end.name] else {
      index.reportUnknownEnd(end, reporter)
      return nil
    }
    let kind = draft.nodes[node].traits
    guard let name = end.nic ?? freeNIC(of: node, draft) else {
      let message = "\(end.name.quoted) has no free NIC; the NICs of kind \(kind.word) are named as their interfaces"
      reporter.error(.unknownName, end.span, message, hint: "write \(end.name):INTERFACE")
      return nil
    }
    if let nic = nics.place(of: name, in: node, draft) { return .nic(node: node, nic: nic) }
    NodeReader.checkName(Located(name, end.span), kind, reporter)
    return .nic(node: node, nic: nics.add(NICDraft(name: Located(name, end.span)), to: node, &draft))
  }

  /// The first ethN of a node that neither `switch:` nor a link has; of one on this host the first declared NIC that is free.
  private func freeNIC(of index: Int, _ draft: LabDraft) -> String? {
    let node = draft.nodes[index]
    func isNamed(_ nic: String) -> Bool { named.contains([node.name.value, nic]) }
    guard node.traits.isOnHost else { return nics.freeName(of: index, draft, isReserved: isNamed) }
    return node.nics.first { $0.takenAt == nil && !isNamed($0.name.value) }?.name.value
  }

  /// Marks a NIC as used by an end; reports one that something else has (L202) and answers false.
  private func take(_ end: End?, by place: EndDraft, _ draft: inout LabDraft) -> Bool {
    guard case .nic(let node, let nic) = end else { return end != nil }
    let current = draft.nodes[node].nics[nic]
    if let taken = current.takenAt {
      let name = PortName.end(node: draft.nodes[node].name.value, nic: current.name.value)
      let use = current.switchName.map { "is already on switch \($0.value)" } ?? "already has a link"
      let notes = [Diagnostic.Note("\(name) is plugged in here", at: taken)]
      let message = "\(name) \(use) (\(taken.position))"
      reporter.error(.usedTwice, place.span, message, hint: "a NIC has one cable", notes: notes)
      return false
    }
    draft.nodes[node].nics[nic].takenAt = place.span
    return true
  }

  private func end(_ node: Int, _ nic: Int, _ draft: LabDraft) -> LinkEnd {
    .nic(node: draft.nodes[node].name.value, nic: draft.nodes[node].nics[nic].name.value)
  }

  /// `impair` of a NIC at an end of a wire (L211).
  private func reportImpairOnWire(_ link: Int, _ nics: [(node: Int, nic: Int)], _ draft: LabDraft) {
    for (node, nic) in nics {
      guard let span = draft.nodes[node].nics[nic].impair?.span else { continue }
      let message = "\"impair\" of a wire belongs to the link, not to its NIC"
      let notes = [Diagnostic.Note("the wire is here", at: draft.links[link].place)]
      reporter.error(.contradiction, span, message, hint: "for one direction: impair: { from-a: ... }", notes: notes)
    }
  }

  /// VLAN keys of a wire (L206), of a LAN (L217), or of the NICs at their ends.
  private func reportVLANOnWire(_ link: Int, _ nics: [(node: Int, nic: Int)], _ draft: LabDraft) {
    let isWire = nics.count == 2
    let code = isWire ? DiagnosticCode.vlanMismatch : .unaware
    let message =
      isWire
      ? "a wire between two nodes passes every frame as it is; a VLAN belongs to a switch's port"
      : "a link with more than two ends is a LAN without VLANs: \(UnawareSwitches.frames)"
    let hint = isWire ? nil : "for VLANs make it a switch, with the NICs on it"
    if let span = draft.links[link].membership.span { reporter.error(code, span, message, hint: hint) }
    for (node, nic) in nics {
      let nic = draft.nodes[node].nics[nic]
      guard let span = nic.membership.span, nic.switchName == nil else { continue }
      let notes = [Diagnostic.Note("the \(isWire ? "wire" : "LAN") is here", at: draft.links[link].place)]
      reporter.error(code, span, message, hint: hint, notes: notes)
    }
  }
}

extension LinkEnd {
  /// `node:nic`, or the switch's name.
  package var text: String {
    switch self {
    case .nic(let node, let nic): PortName.end(node: node, nic: nic)
    case .switchPort(let name): name
    }
  }
}
