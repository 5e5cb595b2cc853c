import CNetlink
import Glibc

extension Netlink {
  /// Adds a route; nothing happens if that very route is there already.
  /// - Throws: EEXIST if another one leads to the destination with that metric, which is named; ENETUNREACH or
  ///   EHOSTUNREACH if no address of the link reaches the gateway.
  package static func addRoute(_ route: Route, namespace: String?) throws(SystemError) {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in try socket.addRoute(route) }
  }
}

extension NetlinkSocket {
  /// A route with its addresses parsed and its link found.
  private struct Parsed {
    var next: NetlinkAddress
    var prefix: NetlinkAddress
    /// Index of the link.
    var index: CInt
    /// As the kernel keeps it.
    var metric: UInt32
  }

  func addRoute(_ route: Route) throws(SystemError) {
    let parsed = try parse(route)
    let context = route.description
    let object = try unsafe NetlinkObject(owning: rtnl_route_alloc(), call: "add route", context: context)
    guard let hop = unsafe rtnl_route_nh_alloc() else {
      throw SystemError(call: "add route", code: ENOMEM, context: context)
    }
    unsafe rtnl_route_nh_set_ifindex(hop, parsed.index)
    unsafe rtnl_route_nh_set_gateway(hop, parsed.next.pointer)
    // SAFETY: the route takes over the hop.
    unsafe rtnl_route_add_nexthop(object.pointer, hop)
    try check(unsafe rtnl_route_set_family(object.pointer, UInt8(parsed.next.family)), "add route", context)
    try check(unsafe rtnl_route_set_dst(object.pointer, parsed.prefix.pointer), "add route", context)
    unsafe rtnl_route_set_priority(object.pointer, parsed.metric)
    // With one hop the kernel looks at the route's flags.
    if route.isOnLink { unsafe rtnl_route_set_flags(object.pointer, hopOnLink) }
    do throws(SystemError) {
      let flags = CInt(NLM_F_CREATE | NLM_F_EXCL)
      try check(unsafe rtnl_route_add(socket, object.pointer, flags), "add route", context)
    } catch let error where error.code == EEXIST {
      if let other = try otherWay(than: route, parsed) {
        throw SystemError(call: error.call, code: EEXIST, context: "\(context); the one that is there leads \(other)")
      }
    }
  }

  private func parse(_ route: Route) throws(SystemError) -> Parsed {
    let next = try NetlinkAddress(route.gateway, what: "gateway")
    let prefix = try NetlinkAddress(route.destination, family: next.family, what: "destination")
    guard let metric = UInt32(exactly: route.metric ?? 0) else {
      throw SystemError(call: "add route", code: ERANGE, context: "\(route): metric")
    }
    let index = try unsafe rtnl_link_get_ifindex(link(named: route.link).pointer)
    let usual = next.family == AF_INET6 ? usualIPv6Metric : 0
    return Parsed(next: next, prefix: prefix, index: index, metric: metric == 0 ? usual : metric)
  }

  /// Where the route leads that is there instead, in words; nil if it is the same one.
  private func otherWay(than route: Route, _ parsed: Parsed) throws(SystemError) -> String? {
    var cache: OpaquePointer?
    try check(
      unsafe rtnl_route_alloc_cache(socket, parsed.next.family, 0, &cache), "list routes", route.description)
    defer { unsafe nl_cache_free(cache) }
    var other: String?
    // SAFETY: objects belong to the cache, which lives until the end, and hops to their routes.
    var following = unsafe nl_cache_get_first(cache)
    while let found = unsafe following {
      unsafe following = nl_cache_get_next(found)
      guard unsafe rtnl_route_get_table(found) == UInt32(RT_TABLE_MAIN.rawValue),
        unsafe rtnl_route_get_priority(found) == parsed.metric,
        unsafe isSame(rtnl_route_get_dst(found), parsed.prefix.pointer), let hop = unsafe rtnl_route_nexthop_n(found, 0)
      else { continue }
      let gateway = unsafe rtnl_route_nh_get_gateway(hop)
      let isOnLink = unsafe rtnl_route_nh_get_flags(hop) & hopOnLink != 0
      let index = unsafe rtnl_route_nh_get_ifindex(hop)
      if let gateway = unsafe gateway, unsafe nl_addr_cmp(gateway, parsed.next.pointer) == 0, index == parsed.index,
        isOnLink == route.isOnLink
      {
        return nil
      }
      let name = try links().first { $0.index == Int(index) }?.name ?? "another interface"
      other = unsafe gateway == nil ? "to \(name) itself" : "via \(NetlinkAddress.text(of: gateway)) on \(name)"
    }
    return other ?? "elsewhere"
  }

  /// Whether two destinations are the same prefix; the default route's is one of no bits.
  @unsafe private func isSame(_ one: OpaquePointer?, _ other: OpaquePointer) -> Bool {
    guard let one = unsafe one else { return unsafe nl_addr_get_prefixlen(other) == 0 }
    let size = unsafe nl_addr_get_prefixlen(one)
    guard unsafe size == nl_addr_get_prefixlen(other) else { return false }
    return unsafe size == 0 || nl_addr_cmp_prefix(one, other) == 0
  }
}

/// RTNH_F_ONLINK.
private let hopOnLink: CUnsignedInt = 4
/// IP6_RT_PRIO_USER: the metric of an IPv6 route that says none.
private let usualIPv6Metric: UInt32 = 1024
