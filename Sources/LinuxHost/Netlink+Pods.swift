import CNetlink
import Glibc

extension Netlink {
  /// Adds two Ethernet interfaces that are joined like the ends of a cable (veth), both down.
  ///
  /// - Parameters:
  ///   - name: of the end in the host's namespace.
  ///   - peer: of the end in the other namespace.
  ///   - namespace: the other one, by name or path.
  /// - Throws: EEXIST if one of the names is taken.
  package static func addPair(_ name: String, peer: String, in namespace: String) throws(SystemError) {
    try TAPDevice.checkName(name)
    try TAPDevice.checkName(peer)
    let place = try NetworkNamespace.open(namespace)
    try inNamespace(nil) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.addPair(name, peer: peer, in: place)
    }
  }

  /// Adds a route to what is on the link itself, without a gateway; nothing happens if it is there.
  /// - Parameter metric: nil or 0 = the kernel's usual one.
  package static func addRoute(
    to destination: String, onLink link: String, metric: Int?, namespace: String?
  ) throws(SystemError) {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.addLinkRoute(destination, link, metric)
    }
  }

  /// What kind of interface a link is, in the kernel's word: `tun`, `veth`, `vlan`; empty for hardware.
  /// - Throws: ENODEV if there is none of that name, ENOENT if there is no such namespace.
  package static func kind(of link: String, namespace: String?) throws(SystemError) -> String {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      let found = try socket.link(named: link)
      // SAFETY: the text belongs to the link, which lives until it is copied.
      return withExtendedLifetime(found) {
        unsafe rtnl_link_get_type(found.pointer).map { unsafe String(cString: $0) } ?? ""
      }
    }
  }

  /// Destinations of the routes of the main table, such as `10.0.0.0/24`; `default` is one.
  package static func destinations(namespace: String?) throws(SystemError) -> [String] {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in try socket.destinations() }
  }
}

extension NetlinkSocket {
  fileprivate func addPair(_ name: String, peer: String, in place: Descriptor) throws(SystemError) {
    let context = "\(name) and \(peer)"
    let link = try unsafe NetlinkObject(owning: rtnl_link_veth_alloc(), call: "add veth", context: context)
    // SAFETY: this is a reference of ours, which the object gives back.
    let other = try unsafe NetlinkObject(
      owning: rtnl_link_veth_get_peer(link.pointer), call: "add veth", context: context)
    unsafe rtnl_link_set_name(link.pointer, name)
    unsafe rtnl_link_set_name(other.pointer, peer)
    unsafe rtnl_link_set_ns_fd(other.pointer, place.raw)
    // SAFETY: both objects and the descriptor live for the call.
    _ = try withExtendedLifetime((other, place)) { () throws(SystemError) in
      try check(unsafe rtnl_link_add(socket, link.pointer, CInt(NLM_F_CREATE | NLM_F_EXCL)), "add veth", context)
    }
  }

  fileprivate func addLinkRoute(_ destination: String, _ link: String, _ metric: Int?) throws(SystemError) {
    let context = "to \(destination) on \(link)"
    let prefix = try NetlinkAddress(destination, what: "destination")
    guard let metric = UInt32(exactly: metric ?? 0) else {
      throw SystemError(call: "add route", code: ERANGE, context: "\(context): metric")
    }
    let index = try unsafe rtnl_link_get_ifindex(self.link(named: link).pointer)
    let object = try unsafe NetlinkObject(owning: rtnl_route_alloc(), call: "add route", context: context)
    guard let hop = unsafe rtnl_route_nh_alloc() else {
      throw SystemError(call: "add route", code: ENOMEM, context: context)
    }
    unsafe rtnl_route_nh_set_ifindex(hop, index)
    // SAFETY: the route takes over the hop.
    unsafe rtnl_route_add_nexthop(object.pointer, hop)
    try check(unsafe rtnl_route_set_family(object.pointer, UInt8(prefix.family)), "add route", context)
    try check(unsafe rtnl_route_set_dst(object.pointer, prefix.pointer), "add route", context)
    if prefix.family == AF_INET { unsafe rtnl_route_set_scope(object.pointer, UInt8(RT_SCOPE_LINK.rawValue)) }
    if metric != 0 { unsafe rtnl_route_set_priority(object.pointer, metric) }
    do throws(SystemError) {
      try check(unsafe rtnl_route_add(socket, object.pointer, CInt(NLM_F_CREATE | NLM_F_EXCL)), "add route", context)
    } catch let error where error.code == EEXIST {
      return
    }
  }

  fileprivate func destinations() throws(SystemError) -> [String] {
    var cache: OpaquePointer?
    try check(unsafe rtnl_route_alloc_cache(socket, AF_UNSPEC, 0, &cache), "list routes", "")
    defer { unsafe nl_cache_free(cache) }
    var found: [String] = []
    // SAFETY: objects belong to the cache, which lives until the end.
    var next = unsafe nl_cache_get_first(cache)
    while let route = unsafe next {
      unsafe next = nl_cache_get_next(route)
      guard unsafe rtnl_route_get_table(route) == UInt32(RT_TABLE_MAIN.rawValue) else { continue }
      let destination = unsafe rtnl_route_get_dst(route)
      let length = unsafe destination.map { unsafe nl_addr_get_prefixlen($0) } ?? 0
      let text = unsafe NetlinkAddress.text(of: destination)
      found.append(length == 0 ? "default" : text.contains("/") ? text : "\(text)/\(length)")
    }
    return found
  }
}
