import Frames
import Glibc
import LinuxHost

/// An interface in a network namespace that a container runtime made, by the path of its file.
///
/// Requires root. Every call may wait for the kernel's lock of links.
package struct PodInterface: Sendable {
  package var namespace: String
  /// 1 to 15 bytes.
  package var name: String

  package init(_ name: String, in namespace: String) { (self.name, self.namespace) = (name, namespace) }

  /// What a namespace's path leads to.
  package enum Place: Sendable, Equatable {
    case namespace
    /// The one that this process is in: the host's.
    case own
    /// Nothing, or something else; with the kernel's words.
    case none(String)
  }

  /// What is at the path.
  package var place: Place {
    guard namespace.hasPrefix("/") else { return .none("it is no absolute path") }
    do throws(SystemError) {
      return try NetworkNamespace.isOwn(namespace) ? .own : .namespace
    } catch let error where error.code == EINVAL {
      return .none("it is no network namespace")
    } catch {
      return .none(SystemError.text(of: error.code))
    }
  }

  /// Whether there is an interface of that name; false if the namespace is gone.
  package var isThere: Bool { Netlink.exists(link: name, namespace: namespace) }

  /// Makes a TAP of it; a daemon is to open it.
  /// - Parameters:
  ///   - mark: its second name, by which it is known as ours.
  ///   - mtu: bytes; nil = 1500.
  package func makeTAP(mark: String, mac: MACAddress, mtu: Int?) throws(UserError) {
    try explained("make it") { () throws(SystemError) in
      _ = try TAPDevice.open(TAPRequest(name: name, namespace: namespace))
      do throws(SystemError) {
        try setUp(mark, mac, mtu)
        try Netlink.setSpeed(link: name, namespace: namespace, megabits: InterfaceSetup.speed)
      } catch {
        try? TAPDevice.remove(name: name, namespace: namespace)
        throw error
      }
    }
  }

  /// Makes it one end of a veth.
  /// - Parameter host: name of the other end, in the host's namespace, which carries no addresses; and the mark of
  ///   this end.
  package func makePair(host: String, mac: MACAddress, mtu: Int?) throws(UserError) {
    try explained("make it") { () throws(SystemError) in
      try Netlink.addPair(host, peer: name, in: namespace)
      do throws(SystemError) {
        try Netlink.setNoIPv6Noise(link: host, namespace: nil)
        try Netlink.configure(link: host, namespace: nil, mtu: mtu ?? 1500, address: nil, up: true)
        try setUp(host, mac, mtu)
      } catch {
        try? Netlink.remove(link: host, namespace: nil)
        throw error
      }
    }
  }

  private func setUp(_ mark: String, _ mac: MACAddress, _ mtu: Int?) throws(SystemError) {
    try Netlink.configure(
      link: name, namespace: namespace, mtu: mtu ?? 1500, address: "\(mac)", up: true, alternativeName: mark)
  }

  /// Gives it addresses, each with its prefix, and then routes; where another interface of the pod has a route to there
  /// already, the first one stays.
  package func configure(addresses: [String], routes: [PodRoute]) throws(UserError) {
    try explained("set it up") { () throws(SystemError) in
      for address in addresses { try Netlink.addAddress(address, link: name, namespace: namespace) }
      for route in routes {
        guard let gateway = route.gateway else {
          try Netlink.addRoute(to: route.destination, onLink: name, metric: route.metric, namespace: namespace)
          continue
        }
        let route = Route(destination: route.destination, gateway: gateway, link: name, metric: route.metric)
        do throws(SystemError) {
          try Netlink.addRoute(route, namespace: namespace)
        } catch let error where error.code == EEXIST {
          continue
        }
      }
    }
  }

  /// Removes it, if it is a TAP or a veth that bears the mark; nothing happens if it or its namespace is gone, or the
  /// namespace is the host's own.
  /// - Parameter mark: as it was made with: another interface of this name is not ours.
  package func remove(mark: String) throws(UserError) {
    guard place == .namespace else { return }
    try explained("remove it") { () throws(SystemError) in
      do throws(SystemError) {
        let index = try Netlink.index(of: name, namespace: namespace)
        guard try Netlink.index(of: mark, namespace: namespace) == index else { return }
        guard ["tun", "veth"].contains(try Netlink.kind(of: name, namespace: namespace)) else { return }
        try Netlink.remove(link: name, namespace: namespace)
      } catch let error where error.code == ENODEV || error.code == ENOENT {
        return
      }
    }
  }

  /// What an interface has.
  package struct Look: Sendable, Equatable {
    /// As `52:54:00:00:00:01`.
    package var address: String
    package var isUp: Bool
    /// With their prefixes.
    package var addresses: [String]
    /// Destinations that the pod has a route to, over whatever interface; `default` is one.
    package var routes: [String]

    package init(address: String, isUp: Bool, addresses: [String], routes: [String]) {
      (self.address, self.isUp, self.addresses, self.routes) = (address, isUp, addresses, routes)
    }
  }

  /// What it has now; nil if it is not there.
  package func look() throws(UserError) -> Look? {
    try explained("look at it") { () throws(SystemError) in
      guard let link = try Netlink.links(namespace: namespace).first(where: { $0.name == name }) else { return nil }
      return Look(
        address: link.address, isUp: link.isUp,
        addresses: try Netlink.addresses(link: name, namespace: namespace),
        routes: try Netlink.destinations(namespace: namespace))
    }
  }

  private func explained<Value>(
    _ what: String, _ body: () throws(SystemError) -> Value
  ) throws(UserError) -> Value {
    do {
      return try body()
    } catch {
      throw UserError(.failed, "interface \(name) in \(namespace): cannot \(what): \(error)")
    }
  }
}

/// A route of a pod.
package struct PodRoute: Sendable, Equatable {
  /// A prefix.
  package var destination: String
  /// Nil = on the link itself.
  package var gateway: String?
  package var metric: Int?

  package init(_ destination: String, gateway: String?, metric: Int? = nil) {
    (self.destination, self.gateway, self.metric) = (destination, gateway, metric)
  }
}
