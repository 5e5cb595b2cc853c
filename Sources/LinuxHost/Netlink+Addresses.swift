import CNetlink
import Glibc

extension Netlink {
  /// Adds an address with its prefix, such as `10.0.0.1/24`; nothing happens if the link has it.
  ///
  /// IPv6 addresses are usable at once (nodad): in a lab two of the same are a mistake that the lab file's rules find.
  package static func addAddress(_ cidr: String, link: String, namespace: String?) throws(SystemError) {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.addAddress(cidr, link: link)
    }
  }

  /// All addresses of a link with their prefixes, IPv4 first.
  package static func addresses(link: String, namespace: String?) throws(SystemError) -> [String] {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in try socket.addresses(link: link) }
  }

  /// The same, without IPv6 addresses that end by themselves, such as those that routers have announced.
  package static func lastingAddresses(link: String, namespace: String?) throws(SystemError) -> [String] {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.addresses(link: link, withThoseThatEnd: false)
    }
  }
}

extension NetlinkSocket {
  func addAddress(_ cidr: String, link name: String) throws(SystemError) {
    let local = try NetlinkAddress(cidr)
    guard local.size > 0 else {
      throw SystemError(call: "address", code: EINVAL, context: "\"\(cidr)\": expected one such as 10.0.0.1/24")
    }
    let link = try link(named: name)
    let address = try unsafe NetlinkObject(owning: rtnl_addr_alloc(), call: "add address", context: cidr)
    unsafe rtnl_addr_set_ifindex(address.pointer, rtnl_link_get_ifindex(link.pointer))
    try check(unsafe rtnl_addr_set_local(address.pointer, local.pointer), "add address", "\(cidr) to \(name)")
    if local.family == AF_INET6 { unsafe rtnl_addr_set_flags(address.pointer, noDuplicateDetection) }
    do throws(SystemError) {
      try check(unsafe rtnl_addr_add(socket, address.pointer, 0), "add address", "\(cidr) to \(name)")
    } catch let error where error.code == EEXIST {
      return
    }
  }

  func addresses(link name: String, withThoseThatEnd: Bool = true) throws(SystemError) -> [String] {
    let index = try unsafe rtnl_link_get_ifindex(link(named: name).pointer)
    var found: [(family: CInt, text: String)] = []
    // SAFETY: the address is valid for the call of the closure.
    try unsafe forEachAddress(index: index, name: name) { address in
      let family = unsafe rtnl_addr_get_family(address)
      let ends = unsafe rtnl_addr_get_flags(address) & permanent == 0
      guard withThoseThatEnd || family != AF_INET6 || !ends else { return }
      found.append((family, unsafe text(of: address)))
    }
    return found.filter { $0.family == AF_INET }.map(\.text) + found.filter { $0.family == AF_INET6 }.map(\.text)
  }

  func removeAddress(_ cidr: String, link name: String) throws(SystemError) {
    let index = try unsafe rtnl_link_get_ifindex(link(named: name).pointer)
    // SAFETY: the address is valid for the call of the closure.
    try unsafe forEachAddress(index: index, name: name) { (address) throws(SystemError) in
      guard unsafe text(of: address) == cidr else { return }
      do throws(SystemError) {
        try check(unsafe rtnl_addr_delete(socket, address, 0), "remove address", "\(cidr) from \(name)")
      } catch let error where error.code == EADDRNOTAVAIL {
        return  // gone by itself
      }
    }
  }

  /// An address with its prefix.
  @unsafe private func text(of address: OpaquePointer) -> String {
    let text = unsafe NetlinkAddress.text(of: rtnl_addr_get_local(address))
    return "\(text.split(separator: "/").first ?? "")/\(unsafe rtnl_addr_get_prefixlen(address))"
  }

  /// Removes the IPv6 addresses that are valid on the link only (fe80::/10).
  func removeLinkLocalAddresses(index: CInt, name: String) throws(SystemError) {
    // SAFETY: the address is valid for the call of the closure.
    try unsafe forEachAddress(index: index, name: name) { (address) throws(SystemError) in
      guard unsafe rtnl_addr_get_family(address) == AF_INET6, unsafe rtnl_addr_get_scope(address) == scopeLink else {
        return
      }
      do throws(SystemError) {
        try check(unsafe rtnl_addr_delete(socket, address, 0), "remove address", "from \(name)")
      } catch let error where error.code == EADDRNOTAVAIL {
        return  // gone by itself
      }
    }
  }

  /// Calls `body` for each address of a link, which is valid for that call.
  private func forEachAddress(
    index: CInt, name: String, _ body: (OpaquePointer) throws(SystemError) -> Void
  ) throws(SystemError) {
    var cache: OpaquePointer?
    try check(unsafe rtnl_addr_alloc_cache(socket, &cache), "list addresses", name)
    defer { unsafe nl_cache_free(cache) }
    var next = unsafe nl_cache_get_first(cache)
    while let address = unsafe next {
      if unsafe rtnl_addr_get_ifindex(address) == index { try unsafe body(address) }
      unsafe next = nl_cache_get_next(address)
    }
  }
}

/// RT_SCOPE_LINK.
private let scopeLink: CInt = 253
/// IFA_F_PERMANENT.
private let permanent: CUnsignedInt = 0x80
/// IFA_F_NODAD.
private let noDuplicateDetection: CUnsignedInt = 0x02
