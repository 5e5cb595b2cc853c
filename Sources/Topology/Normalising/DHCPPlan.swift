import Frames

/// The servers of a lab's VLANs with `dhcp`: their names, addresses, and what they hand out.
struct DHCPPlan {
  /// The server of one VLAN.
  struct Server {
    let vlan: VLANDraft
    let dhcp: DHCPDraft
    let subnet: IPPrefix
    /// Nil when no address of the subnet is left for it.
    let address: IPAddress?

    /// Name of its node: `dhcp-blue`, or `dhcp-20` where that would be too long.
    var name: String { DHCPPlan.name(of: vlan) }
  }

  /// Of the VLANs with `dhcp` and a subnet of IPv4, in file order; of others nothing can be said.
  let servers: [Server]
  private let declared: Set<IPAddress>

  init(_ draft: LabDraft) {
    let declared = draft.declaredAddresses
    self.declared = declared
    servers = draft.vlans.compactMap { vlan in
      guard let dhcp = vlan.dhcp, let subnet = vlan.subnet?.value, subnet.address.family == .ipv4 else { return nil }
      let address = dhcp.address?.value ?? Self.highest(subnet, dhcp, declared)
      return Server(vlan: vlan, dhcp: dhcp, subnet: subnet, address: address)
    }
  }

  static func name(of vlan: VLANDraft) -> String {
    let name = "dhcp-\(vlan.name.value)"
    return Names.valid(name) ? name : "dhcp-\(vlan.id.value)"
  }

  /// Whether an address is kept for a server, or for those who are not in the file.
  func keeps(_ address: IPAddress, in id: Int) -> Bool {
    servers.contains { server in
      guard server.vlan.id.value == id else { return false }
      if server.address == address || server.dhcp.gateway?.value == address { return true }
      guard let range = server.dhcp.range?.value, range[0].value <= range[1].value else { return false }
      return (range[0].value...range[1].value).contains(address.value)
    }
  }

  /// The highest address of a subnet that nobody declares.
  private static func highest(_ subnet: IPPrefix, _ dhcp: DHCPDraft, _ declared: Set<IPAddress>) -> IPAddress? {
    let hosts = subnet.hosts
    var value = hosts.upperBound
    while true {
      let address = IPAddress(family: .ipv4, value: value)
      // A range that goes to the end of its subnet has one less for others.
      if !declared.contains(address), dhcp.gateway?.value != address { return address }
      guard value > hosts.lowerBound else { return nil }
      value -= 1
    }
  }

  // MARK: - Nodes

  /// The nodes that are these servers; those of which something is wrong, which is reported, are left out.
  func nodes(of lab: CanonicalLab) -> [NodeDefinition] {
    guard !servers.isEmpty else { return [] }
    var taken = Set(lab.nodes.flatMap(\.nics).map(\.mac))
    var places = ConnectedPlaces(lab)
    return servers.compactMap { server in
      guard let address = server.address, let name = Self.switchName(of: server.vlan.id.value, in: lab) else {
        return nil
      }
      var attempt = 0
      var mac: MACAddress
      repeat {
        mac = Names.derivedMAC(lab: lab.name, node: server.name, nic: "eth0", attempt: attempt)
        attempt += 1
      } while !taken.insert(mac).inserted
      var nic = NICDefinition(name: "eth0", mac: mac)
      nic.attachment = .switchPort(switch: name, mode: .access(server.vlan.id.value))
      nic.addresses = [AddressDefinition(address: "\(IPPrefix(address: address, length: server.subnet.length))")]
      var node = NodeDefinition(name: server.name, kind: NodeKind.dhcp.word)
      node.nics = [nic]
      let hosts = Self.hosts(of: server.vlan.id.value, near: nic.attachment, in: lab, &places)
      node.dhcp = definition(server, address, hosts, lab)
      return node
    }
  }

  /// The switch that a server is plugged into: one that has the VLAN, by a NIC's port or a trunk.
  static func switchName(of id: Int, in lab: CanonicalLab) -> String? {
    for nic in lab.nodes.flatMap(\.nics) {
      if case .switchPort(let name, let mode) = nic.attachment, mode.carries(id) { return name }
    }
    let aware = lab.switches.filter(\.isVLANAware).map(\.name)
    for link in lab.links {
      guard case .trunk(let mode) = link.kind, mode.carries(id) else { continue }
      if let end = link.ends.first(where: { aware.contains($0.text) }) { return end.text }
    }
    return aware.first
  }

  private func definition(
    _ server: Server, _ address: IPAddress, _ hosts: [DHCPDefinition.Host], _ lab: CanonicalLab
  ) -> DHCPDefinition {
    var definition = DHCPDefinition()
    definition.lease = server.dhcp.lease
    definition.gateway = server.dhcp.gateway?.value.description
    definition.hosts = hosts
    if let boot = server.dhcp.boot {
      var files = DHCPDefinition.Boot(root: Paths.absolute(boot.root.value, in: lab.directory))
      files.bios = boot.bios?.value
      files.uefi = boot.uefi?.value
      definition.boot = files
    }
    var taken = declared.union([address])
    if let gateway = server.dhcp.gateway { taken.insert(gateway.value) }
    taken.formUnion(hosts.flatMap(\.addresses).compactMap { IPAddress($0[...]) })
    var bounds = server.subnet.hosts
    if let range = server.dhcp.range?.value, range[0].value <= range[1].value {
      bounds = range[0].value...range[1].value
    }
    definition.ranges = Self.gaps(in: bounds, without: taken).map {
      DHCPDefinition.Range(
        first: IPAddress(family: .ipv4, value: $0.lowerBound).description,
        last: IPAddress(family: .ipv4, value: $0.upperBound).description)
    }
    return definition
  }

  /// The NICs with addresses in a VLAN: first those that frames get to from where the server is.
  ///
  /// An address may be there twice, on switches that nothing in the file joins. dnsmasq refuses one that it is told twice:
  /// the farther one is left out. Others of there stay, as what joins the switches may not be a part of the file.
  private static func hosts(
    of id: Int, near server: Attachment, in lab: CanonicalLab, _ places: inout ConnectedPlaces
  ) -> [DHCPDefinition.Host] {
    let home = places.place(of: server, number: -1, vlan: nil)
    var (near, far): ([DHCPDefinition.Host], [DHCPDefinition.Host]) = ([], [])
    for node in lab.nodes {
      for nic in node.nics {
        guard case .switchPort(_, let mode) = nic.attachment else { continue }
        let own = nic.addresses.filter { ($0.vlan ?? mode.untagged) == id }
        guard let first = own.first else { continue }
        let addresses = own.compactMap { IPPrefix($0.address)?.address.description }
        let host = DHCPDefinition.Host(name: node.name, mac: nic.mac, addresses: addresses)
        if places.place(of: nic.attachment, number: -1, vlan: first.vlan) == home {
          near.append(host)
        } else {
          far.append(host)
        }
      }
    }
    var known: Set<String> = []
    return (near + far).compactMap { host in
      var host = host
      host.addresses.removeAll { !known.insert($0).inserted }
      return host.addresses.isEmpty ? nil : host
    }
  }

  /// The IPv4 addresses between those that are taken, as ranges.
  private static func gaps(in bounds: ClosedRange<UInt128>, without taken: Set<IPAddress>) -> [ClosedRange<UInt128>] {
    var gaps: [ClosedRange<UInt128>] = []
    var next = bounds.lowerBound
    let values = taken.lazy.filter { $0.family == .ipv4 && bounds.contains($0.value) }.map(\.value)
    // None of these is the last number there is: they have 32 bits.
    for value in values.sorted() {
      if value > next { gaps.append(next...(value - 1)) }
      next = value + 1
    }
    if next <= bounds.upperBound { gaps.append(next...bounds.upperBound) }
    return gaps
  }
}

extension LabDraft {
  /// Every address that nodes have, or have as a gateway or next hop.
  var declaredAddresses: Set<IPAddress> {
    var addresses: Set<IPAddress> = []
    for node in nodes {
      for nic in node.nics {
        for address in nic.addresses { addresses.insert(address.prefix.value.address) }
        for route in nic.routes { addresses.insert(route.via.value) }
        if let gateway = nic.gateway { addresses.insert(gateway.value) }
      }
    }
    return addresses
  }
}
