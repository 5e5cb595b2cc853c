import Frames

/// One thing that has to be done to a node's interfaces.
///
/// The list of a node is made in one place (`NodeDefinition.networkSteps`), and everybody who sets up a node works from
/// it: netlink in a namespace, the words for the built-in guest, the seed of cloud-init. So they cannot differ.
package enum NetworkStep: Sendable, Equatable, CustomStringConvertible {
  /// The NIC with this MAC address has this name, and is up; its MTU in bytes, nil = 1500.
  case link(name: String, mac: MACAddress, mtu: Int?)
  /// A VLAN subinterface (802.1Q) of a NIC, up.
  case vlan(name: String, parent: String, id: Int)
  /// An address with its prefix length.
  case address(String, link: String)
  case route(NetworkRoute)

  /// What is done, in words.
  package var description: String {
    switch self {
    case .link(let name, _, _): "interface \(name)"
    case .vlan(let name, let parent, let id): "VLAN interface \(name) (VLAN \(id) on \(parent))"
    case .address(let address, let link): "address \(address) on \(link)"
    case .route(let route): route.description
    }
  }
}

extension NodeDefinition {
  /// What has to be done to the node's interfaces, in this order: NICs; VLAN subinterfaces and addresses; routes.
  package var networkSteps: [NetworkStep] {
    var steps: [NetworkStep] = nics.map { .link(name: $0.name, mac: $0.mac, mtu: $0.mtu) }
    for nic in nics {
      var made: Set<Int> = []
      for address in nic.addresses {
        let link = nic.interfaceName(vlan: address.vlan)
        if let vlan = address.vlan, made.insert(vlan).inserted {
          steps.append(.vlan(name: link, parent: nic.name, id: vlan))
        }
        steps.append(.address(address.address, link: link))
      }
    }
    var known: Set<[String]> = []
    for route in nics.flatMap(\.networkRoutes) where known.insert(route.identity).inserted {
      steps.append(.route(route))
    }
    return steps
  }
}

extension NICDefinition {
  /// Name of the NIC in its node, or of its subinterface of a VLAN, as `ip link` users call it: `eth0.10`.
  ///
  /// 15 bytes at most, as Linux allows.
  package func interfaceName(vlan: Int?) -> String {
    vlan.map { Names.shortInterfaceName("\(name).\($0)") } ?? name
  }

  /// Its gateway and routes, in the order of the file; two may be equal.
  var networkRoutes: [NetworkRoute] {
    let all = (gateway.map { [RouteDefinition(to: "default", via: $0)] } ?? []) + routes
    return all.map { route in
      NetworkRoute(
        destination: IPPrefix(route.to)?.length == 0 ? "default" : route.to, gateway: route.via,
        link: interfaceName(vlan: gatewayVLAN(route.via)), metric: route.metric, isOnLink: route.isOnLink)
    }
  }

  /// The VLAN subinterface behind which a gateway is; nil = the NIC itself.
  private func gatewayVLAN(_ gateway: String) -> Int? {
    guard let gateway = IPAddress(Substring(gateway)) else { return nil }
    if let owner = addresses.first(where: { IPPrefix($0.address)?.contains(gateway) ?? false }) { return owner.vlan }
    // No subnet tells: a link-local address is valid on every link, and one that is said to be on the link as well.
    return linksWithoutSubnet.count == 1 ? linksWithoutSubnet.first ?? nil : nil
  }

  /// Where a gateway may be that is in no subnet, by VLAN: on the NIC itself, unless that carries tagged frames only.
  var linksWithoutSubnet: [Int?] {
    guard case .switchPort(_, .trunk(_, nil)) = attachment else { return [nil] }
    return Set(addresses.map(\.vlan)).sorted { $0 ?? 0 < $1 ?? 0 }
  }
}
