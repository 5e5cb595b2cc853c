import CNetlink
import Glibc

/// A route of a namespace as it is: of the main table, over one hop, and not made by the kernel itself.
package struct FoundRoute: Sendable, Codable, Hashable {
  /// `default`, or a prefix.
  package var destination: String
  /// The destination is one of IPv6.
  package var isIPv6: Bool
  /// nil = what is on the link itself.
  package var gateway: String?
  /// The interface.
  package var link: String
  package var metric: Int
  /// The gateway is a neighbour on the link, whatever addresses that has.
  package var isOnLink: Bool
  /// The hop where it is of IPv6 and the destination is not (RTA_VIA), for a person: such a route is not added again.
  package var otherFamilyHop: String?
}

extension Netlink {
  /// Routes that somebody has added, or a routing daemon has; without those that follow from addresses, or that routers
  /// have announced.
  package static func routes(namespace: String?) throws(SystemError) -> [FoundRoute] {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      var found: [FoundRoute] = []
      try unsafe socket.forEachRoute { route, _ in found.append(route) }
      return found
    }
  }

  /// Adds a route as it was found; nothing happens if one is there that leads to its destination with its metric.
  package static func addRoute(_ route: FoundRoute, namespace: String?) throws(SystemError) {
    let everything = route.isIPv6 ? "::/0" : "0.0.0.0/0"
    guard let gateway = route.gateway else {
      let destination = route.destination == "default" ? everything : route.destination
      return try addRoute(to: destination, onLink: route.link, metric: route.metric, namespace: namespace)
    }
    do throws(SystemError) {
      try addRoute(
        Route(
          destination: route.destination, gateway: gateway, link: route.link, metric: route.metric,
          isOnLink: route.isOnLink), namespace: namespace)
    } catch {
      if error.code != EEXIST { throw error }
    }
  }

  /// Removes routes that `routes` has found; nothing happens if one is not there.
  package static func removeRoutes(_ gone: Set<FoundRoute>, namespace: String?) throws(SystemError) {
    guard !gone.isEmpty else { return }
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try unsafe socket.forEachRoute { (route, object) throws(SystemError) in
        guard gone.contains(route) else { return }
        do throws(SystemError) {
          let result = unsafe rtnl_route_delete(socket.socket, object, 0)
          try socket.check(result, "remove route", "to \(route.destination)")
        } catch let error where error.code == ESRCH {
          return  // gone by itself, as with an address
        }
      }
    }
  }

  /// Removes an address with its prefix from a link; nothing happens if it is not there.
  package static func removeAddress(_ cidr: String, link: String, namespace: String?) throws(SystemError) {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.removeAddress(cidr, link: link)
    }
  }
}

extension NetlinkSocket {
  /// Calls `body` for each route as `Netlink.routes` has them, with the object, which is valid for that call.
  fileprivate func forEachRoute(
    _ body: (FoundRoute, OpaquePointer) throws(SystemError) -> Void
  ) throws(SystemError) {
    var names: [Int: String] = [:]
    for link in try links() { names[link.index] = link.name }
    var cache: OpaquePointer?
    try check(unsafe rtnl_route_alloc_cache(socket, AF_UNSPEC, 0, &cache), "list routes", "")
    defer { unsafe nl_cache_free(cache) }
    // SAFETY: objects belong to the cache, which lives until the end, and hops to their routes.
    var next = unsafe nl_cache_get_first(cache)
    while let object = unsafe next {
      unsafe next = nl_cache_get_next(object)
      guard unsafe rtnl_route_get_table(object) == UInt32(RT_TABLE_MAIN.rawValue),
        unsafe rtnl_route_get_type(object) == unicast, unsafe rtnl_route_get_nnexthops(object) == 1,
        unsafe !madeByItself.contains(rtnl_route_get_protocol(object)),
        let hop = unsafe rtnl_route_nexthop_n(object, 0),
        let link = unsafe names[Int(rtnl_route_nh_get_ifindex(hop))]
      else { continue }
      let destination = unsafe rtnl_route_get_dst(object)
      let length = unsafe destination.map { unsafe nl_addr_get_prefixlen($0) } ?? 0
      let text = unsafe NetlinkAddress.text(of: destination)
      let gateway = unsafe rtnl_route_nh_get_gateway(hop)
      let other = unsafe rtnl_route_nh_get_via(hop)
      let route = FoundRoute(
        destination: length == 0 ? "default" : text.contains("/") ? text : "\(text)/\(length)",
        isIPv6: unsafe rtnl_route_get_family(object) == UInt8(AF_INET6),
        gateway: unsafe gateway == nil ? nil : NetlinkAddress.text(of: gateway), link: link,
        metric: Int(unsafe rtnl_route_get_priority(object)),
        isOnLink: unsafe rtnl_route_nh_get_flags(hop) & hopOnLink != 0,
        otherFamilyHop: unsafe other == nil ? nil : NetlinkAddress.text(of: other))
      try unsafe body(route, object)
    }
  }
}

/// RTPROT_KERNEL and RTPROT_RA: of addresses, and of what routers announce.
private let madeByItself: Set<UInt8> = [2, 9]
/// RTN_UNICAST.
private let unicast: UInt8 = 1
/// RTNH_F_ONLINK.
private let hopOnLink: CUnsignedInt = 4
