import LinuxHost
import Topology

/// Makes a TAP of a `netns` or `tap` node what the lab file says of its NIC.
enum InterfaceSetup {
  /// Megabits a second that a TAP reports, as the NICs of VMs do; the kernel's own answer is 10.
  static let speed = 10000

  /// - Parameter namespace: nil = the host's.
  static func configure(_ nic: NICDefinition, namespace: String?) throws(SystemError) {
    if namespace == nil, nic.addresses.isEmpty {
      // The host is no station on that network: it must not send router solicitations and the like into it.
      try Netlink.setNoIPv6Noise(link: nic.name, namespace: namespace)
    }
    try Netlink.configure(link: nic.name, namespace: namespace, mtu: nic.mtu ?? 1500, address: nic.mac, up: true)
    try Netlink.setSpeed(link: nic.name, namespace: namespace, megabits: speed)
    for address in nic.addresses {
      guard let vlan = address.vlan else {
        try Netlink.addAddress(address.address, link: nic.name, namespace: namespace)
        continue
      }
      let name = try vlanInterface(of: nic, vlan, namespace: namespace)
      try Netlink.addAddress(address.address, link: name, namespace: namespace)
    }
  }

  /// Adds the NIC's routes, once every interface of the node has its addresses.
  ///
  /// One that is there already is fine.
  static func addRoutes(_ nic: NICDefinition, namespace: String?) throws(SystemError) {
    let routes = (nic.gateway.map { [RouteDefinition(to: "default", via: $0)] } ?? []) + nic.routes
    for route in routes {
      let link = link(to: route.via, from: nic)
      try Netlink.addRoute(to: route.to, via: route.via, link: link, namespace: namespace)
    }
  }

  /// Whether the first of the NICs that leads anywhere is set up; also when none does.
  static func firstIsUp(_ nics: [NICDefinition], namespace: String?) -> Bool {
    guard let first = nics.first(where: { $0.attachment != .none }) else { return true }
    let links = try? Netlink.links(namespace: namespace)
    return links?.first { $0.name == first.name }?.isUp ?? false
  }

  /// The interface in whose subnet a gateway is: the NIC, or its subinterface of a VLAN.
  private static func link(to gateway: String, from nic: NICDefinition) -> String {
    let owner = nic.addresses.first { Subnet($0.address)?.contains(gateway) ?? false }
    return owner?.vlan.map { vlanInterfaceName(of: nic, $0) } ?? nic.name
  }

  /// Name of the subinterface of a VLAN, as `ip link` users call it.
  static func vlanInterfaceName(of nic: NICDefinition, _ vlan: Int) -> String {
    Names.vlanInterface(of: nic.name, vlan: vlan)
  }

  private static func vlanInterface(
    of nic: NICDefinition, _ vlan: Int, namespace: String?
  ) throws(SystemError) -> String {
    let name = vlanInterfaceName(of: nic, vlan)
    if try !Netlink.links(namespace: namespace).contains(where: { $0.name == name }) {
      try Netlink.addVLAN(parent: nic.name, name: name, vid: vlan, namespace: namespace)
    }
    try Netlink.configure(link: name, namespace: namespace, mtu: nil, address: nil, up: true)
    return name
  }
}

extension NodeDefinition {
  /// `node x: what: why`.
  func failure(_ what: String, _ error: any Error) -> UserError {
    if let error = error as? UserError { return error }
    return UserError(.failed, "node \(name): \(what): \(error)")
  }
}
