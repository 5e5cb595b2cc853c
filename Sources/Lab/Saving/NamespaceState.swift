import LinuxHost
import Topology

/// What the interfaces of a node's namespace have now, whoever gave it to them; its processes are no part of it.
struct NamespaceState: Codable, Sendable, Equatable {
  /// An interface by its name.
  struct Link: Codable, Sendable, Equatable {
    var name: String
    /// Bytes.
    var mtu: Int
    /// Administrative state.
    var isUp: Bool
    /// With their prefixes; without those that are valid on the link only, which follow from the station address, and
    /// without those of IPv6 that end by themselves, which routers announce again.
    var addresses: [String]
  }

  /// Name of the node.
  var node: String
  /// Interfaces that the node has by its definition.
  var links: [Link]
  /// Routes over them.
  var routes: [FoundRoute]

  /// What a node's namespace has.
  static func read(_ node: NodeDefinition, namespace: String) throws(UserError) -> NamespaceState {
    do {
      return try NamespaceState(node, namespace)
    } catch {
      throw node.failure("cannot read the addresses in namespace \(namespace)", error)
    }
  }

  private init(_ node: NodeDefinition, _ namespace: String) throws(SystemError) {
    self.node = node.name
    let names = Self.names(of: node)
    links = []
    for link in try Netlink.links(namespace: namespace) where names.contains(link.name) {
      let addresses = try Netlink.lastingAddresses(link: link.name, namespace: namespace)
      links.append(
        Link(name: link.name, mtu: link.mtu, isUp: link.isUp, addresses: addresses.filter { !$0.hasPrefix("fe80:") }))
    }
    routes = try Netlink.routes(namespace: namespace).filter { names.contains($0.link) }
  }

  /// NICs, and the VLANs on them.
  private static func names(of node: NodeDefinition) -> Set<String> {
    Set(
      node.networkSteps.compactMap { step in
        switch step {
        case .link(let name, _, _), .vlan(let name, _, _): name
        case .address, .route: nil
        }
      })
  }

  /// Gives the interfaces, which the definition has set up, what they had; what they had not goes.
  /// - Returns: what could not be brought back, in words.
  func apply(to definition: NodeDefinition, namespace: String) throws(UserError) -> [String] {
    do {
      return try restore(try NamespaceState(definition, namespace), namespace)
    } catch {
      throw definition.failure("cannot bring back the addresses in namespace \(namespace)", error)
    }
  }

  private func restore(_ now: NamespaceState, _ namespace: String) throws(SystemError) -> [String] {
    var left: [String] = []
    for link in links {
      guard let current = now.links.first(where: { $0.name == link.name }) else {
        left.append("interface \(link.name) is not there")
        continue
      }
      let name = link.name
      if current.mtu != link.mtu || current.isUp != link.isUp {
        try Netlink.configure(link: name, namespace: namespace, mtu: link.mtu, address: nil, up: link.isUp)
      }
      for address in current.addresses where !link.addresses.contains(address) {
        try Netlink.removeAddress(address, link: name, namespace: namespace)
      }
      for address in link.addresses where !current.addresses.contains(address) {
        try Netlink.addAddress(address, link: name, namespace: namespace)
      }
    }
    let gone = Set(now.routes).subtracting(routes)
    try Netlink.removeRoutes(gone, namespace: namespace)
    // What is on the link first: gateways are reached by it.
    for route in routes.filter({ $0.gateway == nil }) + routes.filter({ $0.gateway != nil }) {
      if let hop = route.otherFamilyHop {
        left.append("route to \(route.destination) on \(route.link): it went over \(hop), which cannot be brought back")
        continue
      }
      do throws(SystemError) {
        try Netlink.addRoute(route, namespace: namespace)
      } catch {
        left.append("route to \(route.destination) on \(route.link): \(SystemError.text(of: error.code))")
      }
    }
    return left
  }
}
