extension Rule {
  /// L225: `dhcp` of a VLAN that cannot have it; L217: where no switch has VLANs.
  ///
  /// L102: a node, switch or link with the name of the server's node. L207, L209, L210: the addresses of the server, of
  /// the router that it offers, of its range.
  static func dhcpServers(_ subject: RuleSubject) {
    for vlan in subject.draft.vlans {
      guard let dhcp = vlan.dhcp else { continue }
      checkVLAN(vlan, dhcp, subject)
      checkName(vlan, dhcp, subject)
    }
    for server in DHCPPlan(subject.draft).servers {
      checkServer(server, subject)
      checkRange(server, subject)
      if let gateway = server.dhcp.gateway { checkGateway(gateway, server, subject) }
    }
  }

  private static func checkVLAN(_ vlan: VLANDraft, _ dhcp: DHCPDraft, _ subject: RuleSubject) {
    let label = "VLAN \(vlan.name.value)"
    guard let subnet = vlan.subnet else {
      let message = "\"dhcp\" of \(label) needs a subnet to give addresses of"
      return subject.reporter.error(.dhcp, dhcp.span, message, hint: "subnet: 10.0.\(vlan.id.value % 256).0/24")
    }
    guard subnet.value.address.family == .ipv4 else {
      let message = "\"dhcp\" of \(label) needs a subnet of IPv4, found \(subnet.value)"
      return subject.reporter.error(.dhcp, subnet.span, message)
    }
    for other in subject.draft.vlans where other.name.span != vlan.name.span {
      // Of two with a server, the later one says it.
      guard let theirs = other.subnet, overlap(theirs.value, subnet.value),
        other.dhcp == nil || isAfter(dhcp.span, other.name.span)
      else { continue }
      let message = "subnet \(subnet.value) of \(label), which has \"dhcp\", is also that of VLAN \(other.name.value)"
      let notes = [Diagnostic.Note("VLAN \(other.name.value) has \(theirs.value) here", at: theirs.span)]
      return subject.reporter.error(.dhcp, subnet.span, message, hint: "give each its own", notes: notes)
    }
    if DHCPPlan.switchName(of: vlan.id.value, in: subject.lab) == nil {
      let declared = subject.lab.switches.filter { !$0.isAnonymous }.map(\.name)
      guard declared.isEmpty else {
        let message = "\"dhcp\" of \(label): no switch has VLANs, as \(Quoting.list(declared)) is \"vlan-aware: off\""
        return subject.reporter.error(.unaware, dhcp.span, message, hint: "link it to a switch that has the VLAN")
      }
      let message = "\"dhcp\" of \(label): there is no switch to plug its server into"
      subject.reporter.error(.dhcp, dhcp.span, message, hint: "switches: { sw1: }")
    }
  }

  private static func overlap(_ one: IPPrefix, _ other: IPPrefix) -> Bool {
    one.contains(other.address) || other.contains(one.address)
  }

  private static func isAfter(_ one: Span, _ other: Span) -> Bool {
    (one.line, one.column) > (other.line, other.column)
  }

  private static func checkName(_ vlan: VLANDraft, _ dhcp: DHCPDraft, _ subject: RuleSubject) {
    let name = DHCPPlan.name(of: vlan)
    var owners = subject.draft.switches.map { ("switch", $0.name) } + subject.draft.nodes.map { ("node", $0.name) }
    for link in subject.draft.links {
      if let found = link.wired?.name ?? link.lan {
        owners.append(("link", Located(found, link.name?.span ?? link.span)))
      }
    }
    guard let (what, owner) = owners.first(where: { $0.1.value == name }) else { return }
    let message = "\(what) \(name.quoted) has the name of the server of VLAN \(vlan.name.value)"
    let notes = [Diagnostic.Note("the server is asked for here", at: dhcp.span)]
    subject.reporter.error(.collision, owner.span, message, hint: "give the \(what) another name", notes: notes)
  }

  private static func checkServer(_ server: DHCPPlan.Server, _ subject: RuleSubject) {
    let name = server.vlan.name.value
    guard let address = server.address else {
      let message = "subnet \(server.subnet) has no address left for the server of VLAN \(name)"
      return subject.reporter.error(.exhausted, server.dhcp.span, message)
    }
    guard let written = server.dhcp.address else { return }
    if !server.subnet.contains(address) {
      let message = "address \(address) of the server is outside the subnet of VLAN \(name), \(server.subnet)"
      subject.reporter.error(.address, written.span, message)
    } else if let word = server.subnet.groupWord(of: address) {
      let message = "\(address) is the \(word) address of \(server.subnet), not a host's"
      subject.reporter.error(.address, written.span, message)
    } else if let owner = owner(of: address, server.vlan, subject) {
      let message = "address \(address) of the server is used by \(owner.name)"
      let notes = Diagnostic.Note.ifPlaced("\(owner.name) has it here", at: owner.span)
      subject.reporter.error(.address, written.span, message, notes: notes)
    }
  }

  /// Who has an address in a VLAN.
  private static func owner(
    of address: IPAddress, _ vlan: VLANDraft, _ subject: RuleSubject
  ) -> (name: String, span: Span?)? {
    for nic in subject.nics {
      guard case .switchPort(_, let mode) = nic.definition.attachment else { continue }
      for (index, own) in nic.definition.addresses.enumerated() where (own.vlan ?? mode.untagged) == vlan.id.value {
        guard IPPrefix(own.address)?.address == address else { continue }
        return (nic.name, nic.draft.addresses.indices.contains(index) ? nic.draft.addresses[index].prefix.span : nil)
      }
    }
    return nil
  }

  private static func checkRange(_ server: DHCPPlan.Server, _ subject: RuleSubject) {
    guard let range = server.dhcp.range else { return }
    let (first, last) = (range.value[0], range.value[1])
    for end in range.value where !server.subnet.contains(end) || !server.subnet.hosts.contains(end.value) {
      let message = "range \(first) to \(last) is not among the hosts of \(server.subnet): \(end)"
      return subject.reporter.error(.dhcp, range.span, message)
    }
    guard first.value > last.value else { return }
    let message = "range \(first) to \(last) ends before it begins"
    subject.reporter.error(.dhcp, range.span, message, hint: "range: [\(last), \(first)]")
  }

  private static func checkGateway(
    _ gateway: Located<IPAddress>, _ server: DHCPPlan.Server, _ subject: RuleSubject
  ) {
    if !server.subnet.contains(gateway.value) {
      let message = "gateway \(gateway.value) is outside the subnet of VLAN \(server.vlan.name.value), \(server.subnet)"
      subject.reporter.error(.gateway, gateway.span, message)
    } else if let word = server.subnet.groupWord(of: gateway.value) {
      let message = "gateway \(gateway.value) is the \(word) address of \(server.subnet), not a router's"
      subject.reporter.error(.gateway, gateway.span, message)
    } else if gateway.value == server.address {
      let message = "gateway \(gateway.value) is the server itself, which routes nothing"
      subject.reporter.error(.gateway, gateway.span, message)
    }
  }
}
