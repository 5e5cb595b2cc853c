import Frames
import Glibc
import LinuxHost
import Topology

/// Makes the TAPs of a `netns` or `tap` node what the lab file says of its NICs.
enum InterfaceSetup {
  /// Megabits a second that a TAP reports, as the NICs of VMs do; the kernel's own answer is 10.
  static let speed = 10000

  /// Carries out the node's steps; what is so already is fine.
  /// - Parameters:
  ///   - namespace: nil = the host's.
  ///   - isThere: a route may have another one in its way, which somebody has made since, or an older version took.
  /// - Returns: the routes that were left out for that reason, in words.
  static func apply(_ node: NodeDefinition, namespace: String?, isThere: Bool) throws(SystemError) -> [String] {
    for nic in node.nics where namespace == nil && nic.addresses.isEmpty {
      // The host is no station on that network: it must not send router solicitations and the like into it.
      try Netlink.setNoIPv6Noise(link: nic.name, namespace: namespace)
    }
    var left: [String] = []
    for step in node.networkSteps {
      do throws(SystemError) {
        try apply(step, namespace)
      } catch {
        guard isThere, case .route = step, error.code == EEXIST else { throw error }
        left.append("left out: route \(error.context)")
      }
    }
    return left
  }

  /// Sets an interface of the host up that was made for a port of its own, and carries no addresses of ours.
  /// - Parameter mtu: in bytes; nil = 1500.
  static func apply(to link: String, mac: MACAddress, mtu: Int?) throws(SystemError) {
    try Netlink.setNoIPv6Noise(link: link, namespace: nil)
    try apply(.link(name: link, mac: mac, mtu: mtu), nil)
  }

  private static func apply(_ step: NetworkStep, _ namespace: String?) throws(SystemError) {
    switch step {
    case .link(let name, let mac, let mtu):
      try Netlink.configure(link: name, namespace: namespace, mtu: mtu ?? 1500, address: "\(mac)", up: true)
      try Netlink.setSpeed(link: name, namespace: namespace, megabits: speed)
    case .vlan(let name, let parent, let id):
      if try !Netlink.links(namespace: namespace).contains(where: { $0.name == name }) {
        try Netlink.addVLAN(parent: parent, name: name, vid: id, namespace: namespace)
      }
      try Netlink.configure(link: name, namespace: namespace, mtu: nil, address: nil, up: true)
    case .address(let address, let link):
      try Netlink.addAddress(address, link: link, namespace: namespace)
    case .route(let route):
      try Netlink.addRoute(
        Route(
          destination: route.destination, gateway: route.gateway, link: route.link, metric: route.metric,
          isOnLink: route.isOnLink), namespace: namespace)
    }
  }
}

extension NodeDefinition {
  /// `node x: what: why`.
  func failure(_ what: String, _ error: any Error) -> UserError {
    if let error = error as? UserError { return error }
    return UserError(.failed, "node \(name): \(what): \(error)")
  }
}
