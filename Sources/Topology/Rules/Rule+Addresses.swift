import Frames

extension Rule {
  /// L207: two NICs with one MAC address. (Derived ones avoid each other and the declared ones.)
  static func duplicateMACs(_ subject: RuleSubject) {
    var first: [MACAddress: (name: String, span: Span)] = [:]
    var reported: Set<[Span]> = []
    for nic in subject.nics {
      guard let mac = nic.draft.mac else { continue }
      guard let other = first[nic.definition.mac] else {
        first[nic.definition.mac] = (nic.name, mac.span)
        continue
      }
      // The nodes of a range share their text: two of them say what a hundred would.
      guard reported.insert([other.span, mac.span]).inserted else { continue }
      let users = "\(other.name) (\(other.span.position)) and \(nic.name)"
      let message = "MAC address \(nic.definition.mac) is used by \(users)"
      let hint = nic.isInRange ? "leave \"mac\" out of a range: each NIC gets its own" : nil
      let notes = [Diagnostic.Note("\(other.name) has it here", at: other.span)]
      subject.reporter.error(.address, mac.span, message, hint: hint, notes: notes)
    }
  }

  /// L207: one address twice where a frame gets from the one to the other without a node that forwards it.
  ///
  /// The same address on two switches that nothing joins, or on two wires, even of one node, is nobody's mistake.
  static func duplicateAddresses(_ subject: RuleSubject) {
    struct Use: Hashable {
      var place: ConnectedPlaces.Place
      var address: IPAddress
    }
    var places = ConnectedPlaces(subject.lab)
    var first: [Use: (name: String, span: Span)] = [:]
    var reported: Set<[Span]> = []
    for (number, nic) in subject.nics.enumerated() {
      for address in declared(nic) {
        let value = address.prefix.value.address
        guard let place = places.place(of: nic.definition.attachment, number: number, vlan: address.vlan) else {
          continue
        }
        let use = Use(place: place, address: value)
        guard let other = first[use] else {
          first[use] = (nic.name, address.prefix.span)
          continue
        }
        guard reported.insert([other.span, address.prefix.span]).inserted else { continue }
        let message = "address \(value) is used by \(other.name) (\(other.span.position)) and \(nic.name)"
        let advice = "leave \"address\" out of a range, and give its VLAN a \"subnet\""
        let hint = nic.isInRange ? advice : nil
        let notes = [Diagnostic.Note("\(other.name) has it here", at: other.span)]
        subject.reporter.error(.address, address.prefix.span, message, hint: hint, notes: notes)
      }
    }
  }

  /// L207: an address that its VLAN's subnet does not contain, or that no host may have.
  static func addressesOutsideSubnets(_ subject: RuleSubject) {
    let subnets = Dictionary(
      subject.draft.vlans.compactMap { vlan in vlan.subnet.map { (vlan.id.value, (vlan.name.value, $0)) } },
      uniquingKeysWith: { first, _ in first })
    for nic in subject.nics {
      for address in declared(nic) {
        let prefix = address.prefix.value
        if let what = prefix.groupWord(of: prefix.address) {
          let message = "\(prefix) is the \(what) address of \(prefix.network), not a host's"
          subject.reporter.error(.address, address.prefix.span, message)
          continue
        }
        var id = address.vlan
        if case .switchPort(_, let mode) = nic.definition.attachment { id = id ?? mode.untagged }
        guard let id, let (name, declared) = subnets[id] else { continue }
        let subnet = declared.value
        guard subnet.address.family == prefix.address.family else { continue }
        let notes = [Diagnostic.Note("the subnet is declared here", at: declared.span)]
        if !subnet.contains(prefix.address) {
          let message = "address \(prefix) is outside the subnet of VLAN \(name), \(subnet)"
          subject.reporter.error(.address, address.prefix.span, message, notes: notes)
        } else if subnet.length != prefix.length {
          let message = "address \(prefix) has another prefix length than the subnet of VLAN \(name), \(subnet)"
          subject.reporter.warning(.address, address.prefix.span, message, notes: notes)
        }
      }
    }
  }

  /// L209: a gateway that is no neighbour, or is the NIC itself.
  static func gateways(_ subject: RuleSubject) {
    for nic in subject.nics where nic.draft.takenAt == nil || nic.definition.attachment != .none {
      let own = nic.definition.addresses.compactMap { IPPrefix($0.address) }
      let gateways =
        [(nic.draft.gateway, "gateway", false)] + nic.draft.routes.map { (Optional($0.via), "next hop", $0.isOnLink) }
      for (gateway, what, isOnLink) in gateways {
        guard let gateway else { continue }
        if !gateway.value.isLinkLocal, let special = gateway.value.special {
          subject.reporter.error(.gateway, gateway.span, "\(what) \(gateway.value) is \(special); no router has it")
        } else if own.contains(where: { $0.address == gateway.value }) {
          subject.reporter.error(.gateway, gateway.span, "\(what) \(gateway.value) is \(nic.name) itself")
        } else if let (group, subnet) = groupAddress(gateway.value, own) {
          let message = "\(what) \(gateway.value) is the \(group) address of \(subnet), not a router's"
          subject.reporter.error(.gateway, gateway.span, message)
        } else if own.contains(where: { $0.contains(gateway.value) }) {
          continue
        } else if gateway.value.isLinkLocal || isOnLink {
          checkLink(of: gateway, what, nic, subject.reporter)
        } else {
          let list = own.isEmpty ? "it has no address" : Quoting.list(own.map(\.description))
          let message = "\(what) \(gateway.value) is in no subnet of \(nic.name) (\(list))"
          let route = "write routes: [{ to: default, via: \(gateway.value), onlink: on }]"
          let hint = "if it is a neighbour all the same, " + (what == "gateway" ? route : "say onlink: on")
          let isPossible = own.contains { $0.address.family == gateway.value.family }
          subject.reporter.error(.gateway, gateway.span, message, hint: isPossible ? hint : nil)
        }
      }
      for route in nic.draft.routes {
        guard let to = route.to, to.address.family != route.via.value.family else { continue }
        let message = "next hop \(route.via.value) is of another family than \(to)"
        subject.reporter.error(.gateway, route.via.span, message)
      }
    }
  }

  /// What an IPv4 address stands for in the subnets it is in; nil when one of them can have it as a host's.
  ///
  /// In IPv6 the first address of a subnet is that of its routers (RFC 4291 section 2.6.1).
  private static func groupAddress(_ address: IPAddress, _ own: [IPPrefix]) -> (word: String, subnet: IPPrefix)? {
    let subnets = own.filter { $0.contains(address) }
    guard address.family == .ipv4, let first = subnets.first,
      let word = first.groupWord(of: address), subnets.allSatisfy({ $0.groupWord(of: address) != nil })
    else { return nil }
    return (word, first.network)
  }

  /// A gateway that is in no subnet, and may be behind several interfaces of the node, or behind none.
  private static func checkLink(
    of gateway: Located<IPAddress>, _ what: String, _ nic: RuleSubject.NIC, _ reporter: Reporter
  ) {
    let links = nic.definition.linksWithoutSubnet.map { nic.definition.interfaceName(vlan: $0) }
    guard links.count != 1 else { return }
    let message =
      links.isEmpty
      ? "\(what) \(gateway.value) is behind no interface: \(nic.name) is a trunk without \"native\" and has no address"
      : "\(what) \(gateway.value) is in no subnet, so it may be behind each of \(Quoting.list(links))"
    reporter.error(.gateway, gateway.span, message, hint: "use an address of it in the subnet of one VLAN")
  }

  /// The addresses a file gives a NIC, each with the ID of its VLAN subinterface.
  private static func declared(_ nic: RuleSubject.NIC) -> [(prefix: Located<IPPrefix>, vlan: Int?)] {
    guard nic.draft.addresses.count == nic.definition.addresses.count else { return [] }
    return zip(nic.draft.addresses, nic.definition.addresses).map { ($0.prefix, $1.vlan) }
  }
}
