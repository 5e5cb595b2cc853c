import CLinux
import CNetlink
import Glibc

/// Links, addresses and routes of a namespace (nil: the host's), over libnl.
///
/// Changes require CAP_NET_ADMIN.
package enum Netlink {
  /// Runs `body` with a socket in the namespace.
  static func inNamespace<T: Sendable>(
    _ namespace: String?, _ body: @escaping @Sendable (NetlinkSocket) throws(SystemError) -> T
  ) throws(SystemError) -> T {
    try NetworkNamespace.run(in: namespace) { () throws(SystemError) in try body(NetlinkSocket()) }
  }

  /// Changes what is not nil: MTU in bytes, link-layer address (`52:54:00:00:00:01`), administrative state, and a second
  /// name of up to 127 bytes (one that is there already stays).
  package static func configure(
    link: String, namespace: String?, mtu: Int?, address: String?, up: Bool?, alternativeName: String? = nil
  ) throws(SystemError) {
    let change = LinkChange(mtu: mtu, address: address, isUp: up, alternativeName: alternativeName)
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.configure(link: link, change)
    }
  }

  /// Keeps the kernel's own IPv6 off a link: no link-local address, hence no router solicitations and no reports of
  /// multicast membership.
  ///
  /// For interfaces of the host that carry no addresses; addresses added later still work.
  package static func setNoIPv6Noise(link: String, namespace: String?) throws(SystemError) {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.stopAddressGeneration(link: link)
    }
  }

  /// Removes a link; nothing happens if there is none.
  package static func remove(link: String, namespace: String?) throws(SystemError) {
    do {
      // Only the socket is made on the thread that changes namespaces: the kernel takes some 20 ms for a deletion, and
      // those of several callers overlap.
      let socket = try NetworkNamespace.run(in: namespace) { () throws(SystemError) in try NetlinkSocket() }
      let found = try socket.link(named: link)
      // SAFETY: both objects live for the call.
      try socket.check(unsafe rtnl_link_delete(socket.socket, found.pointer), "delete interface", link)
    } catch let error where error.code == ENODEV || error.code == ENOENT {
      return
    }
  }

  /// Whether a link of that name is there; false if there is no such namespace.
  package static func exists(link: String, namespace: String?) -> Bool {
    // SAFETY: the name is a C string for the length of the call.
    (try? NetworkNamespace.run(in: namespace) { unsafe clinux_link_index(link) > 0 }) ?? false
  }

  /// The number of a link in its namespace, which it keeps whatever it is called.
  /// - Throws: ENODEV if there is none of that name.
  package static func index(of link: String, namespace: String?) throws(SystemError) -> Int {
    try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      // SAFETY: the name is a C string for the length of the call.
      Int(try check(unsafe clinux_link_index(link), "find interface", link))
    }
  }

  /// The name that a link of this process's namespace has now, by its number; nil = there is none.
  package static func name(ofLink index: Int) -> String? {
    guard let number = UInt32(exactly: index) else { return nil }
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { name in
      // SAFETY: the buffer is as long as the longest name with its end.
      guard let start = name.baseAddress, unsafe if_indextoname(number, start) != nil else { return nil }
      return unsafe String(cString: start)
    }
  }

  /// Adds a VLAN interface (802.1Q) on top of `parent`; VID 1 to 4094.
  ///
  /// It is down at first.
  /// - Throws: EEXIST if the name or the VLAN is taken, EOPNOTSUPP if the kernel has no 8021q module.
  package static func addVLAN(parent: String, name: String, vid: Int, namespace: String?) throws(SystemError) {
    try TAPDevice.checkName(name)
    guard 1...4094 ~= vid else {
      throw SystemError(
        call: "add vlan interface", code: ERANGE, context: "\(name) with VID \(vid): expected 1 to 4094")
    }
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.addVLAN(parent: parent, name: name, vid: UInt16(vid))
    }
  }

  /// Sets the speed that a TAP reports (ethtool), in megabits a second; routing daemons derive costs from it.
  package static func setSpeed(link: String, namespace: String?, megabits: Int) throws(SystemError) {
    guard let value = UInt32(exactly: megabits) else {
      throw SystemError(call: "set speed", code: ERANGE, context: "\(link) to \(megabits) megabits")
    }
    try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      // SAFETY: the name is a C string for the length of the call.
      _ = try check(unsafe clinux_link_set_speed(link, value), "ETHTOOL_SLINKSETTINGS", link)
    }
  }

  /// The speed that a link reports, in megabits a second; nil if it says "unknown".
  package static func speed(link: String, namespace: String?) throws(SystemError) -> Int? {
    try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      var megabits: UInt32 = 0
      // SAFETY: the name is a C string for the length of the call, which sets `megabits`.
      try check(unsafe clinux_link_speed(link, &megabits), "ETHTOOL_GLINKSETTINGS", link)
      return megabits == .max ? nil : Int(megabits)
    }
  }

  /// All links in the kernel's order, which is that of their indices.
  package static func links(namespace: String?) throws(SystemError) -> [LinkInfo] {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in try socket.links() }
  }
}
