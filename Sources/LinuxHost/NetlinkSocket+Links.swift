import CNetlink
import Glibc

extension NetlinkSocket {
  func configure(link name: String, _ change: LinkChange) throws(SystemError) {
    let link = try link(named: name)
    if change.mtu != nil || change.address != nil || change.isUp != nil {
      let wanted = try unsafe NetlinkObject(owning: rtnl_link_alloc(), call: "change interface", context: name)
      try describe(change, in: wanted, name: name)
      try apply(wanted, to: link, name: name)
    }
    if let alternativeName = change.alternativeName { try add(alternativeName: alternativeName, to: link, name: name) }
  }

  private func describe(_ change: LinkChange, in wanted: NetlinkObject, name: String) throws(SystemError) {
    if let mtu = change.mtu {
      guard let value = CUnsignedInt(exactly: mtu) else {
        throw SystemError(call: "set mtu", code: ERANGE, context: "\(mtu) on \(name)")
      }
      unsafe rtnl_link_set_mtu(wanted.pointer, value)
    }
    if let text = change.address {
      let bytes = text.split(separator: ":", omittingEmptySubsequences: false)
      guard bytes.count == 6, bytes.allSatisfy({ $0.utf8.count == 2 }) else {
        throw SystemError(
          call: "link-layer address", code: EINVAL, context: "\"\(text)\": expected one such as 52:54:00:00:00:01")
      }
      let address = try NetlinkAddress(text, family: AF_LLC, what: "link-layer address")
      unsafe rtnl_link_set_addr(wanted.pointer, address.pointer)
    }
    switch change.isUp {
    case true?: unsafe rtnl_link_set_flags(wanted.pointer, flagUp)
    case false?: unsafe rtnl_link_unset_flags(wanted.pointer, flagUp)
    case nil: break
    }
  }

  func apply(_ wanted: NetlinkObject, to link: NetlinkObject, name: String) throws(SystemError) {
    // SAFETY: all three objects live for the call.
    try check(unsafe rtnl_link_change(socket, link.pointer, wanted.pointer, 0), "change interface", name)
  }

  /// No IPv6 address of the kernel's own making on this link (IN6_ADDR_GEN_MODE_NONE); those it has are removed.
  func stopAddressGeneration(link name: String) throws(SystemError) {
    let link = try link(named: name)
    let wanted = try unsafe NetlinkObject(owning: rtnl_link_alloc(), call: "change interface", context: name)
    try check(
      unsafe rtnl_link_inet6_set_addr_gen_mode(wanted.pointer, addressGenerationNone), "set addr_gen_mode", name)
    try apply(wanted, to: link, name: name)
    try removeLinkLocalAddresses(index: unsafe rtnl_link_get_ifindex(link.pointer), name: name)
  }

  /// Gives a link a second name; nothing changes if it has that one already.
  private func add(alternativeName: String, to link: NetlinkObject, name: String) throws(SystemError) {
    guard 1...127 ~= alternativeName.utf8.count else {
      throw SystemError(call: "add name", code: EINVAL, context: "\"\(alternativeName)\": expected 1 to 127 bytes")
    }
    let index = unsafe rtnl_link_get_ifindex(link.pointer)
    let context = "\(alternativeName) for \(name)"
    let flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND
    do throws(SystemError) {
      try changeNames(RTM_NEWLINKPROP, index: index, alternativeName, flags: CInt(flags), context: context)
    } catch let error where error.code == EEXIST {
      // The kernel does not say whose it is, but takes it away from its owner only.
      do throws(SystemError) {
        try changeNames(RTM_DELLINKPROP, index: index, alternativeName, flags: 0, context: context)
      } catch _ {
        throw error
      }
      try changeNames(RTM_NEWLINKPROP, index: index, alternativeName, flags: CInt(flags), context: context)
    }
  }

  /// Takes a second name away.
  func remove(alternativeName: String, of name: String) throws(SystemError) {
    let index = try unsafe rtnl_link_get_ifindex(link(named: name).pointer)
    try changeNames(RTM_DELLINKPROP, index: index, alternativeName, flags: 0, context: "\(alternativeName) of \(name)")
  }

  /// RTM_NEWLINKPROP and RTM_DELLINKPROP, which libnl-route has no functions for.
  private func changeNames(
    _ type: Int, index: CInt, _ alternativeName: String, flags: CInt, context: String
  ) throws(SystemError) {
    guard let message = unsafe nlmsg_alloc_simple(CInt(type), flags) else {
      throw SystemError(call: "add name", code: ENOMEM, context: context)
    }
    var header = ifinfomsg()
    header.ifi_index = index
    // SAFETY: the header lives for the append, which copies it; the message is freed once, here or by nl_send_sync.
    var result = unsafe nlmsg_append(message, &header, MemoryLayout<ifinfomsg>.size, CInt(NLMSG_ALIGNTO))
    let list = unsafe nla_nest_start(message, CInt(IFLA_PROP_LIST) | CInt(NLA_F_NESTED))
    if result >= 0 { result = unsafe nla_put_string(message, CInt(IFLA_ALT_IFNAME), alternativeName) }
    guard result >= 0, let list = unsafe list else {
      unsafe nlmsg_free(message)
      throw SystemError(call: "add name", code: ENOMEM, context: context)
    }
    unsafe nla_nest_end(message, list)
    try check(unsafe nl_send_sync(socket, message), "add name", context)
  }

  func addVLAN(parent: String, name: String, vid: UInt16) throws(SystemError) {
    let below = try link(named: parent)
    let context = "\(name) on \(parent) with VID \(vid)"
    let link = try unsafe NetlinkObject(owning: rtnl_link_vlan_alloc(), call: "add vlan interface", context: context)
    unsafe rtnl_link_set_link(link.pointer, rtnl_link_get_ifindex(below.pointer))
    unsafe rtnl_link_set_name(link.pointer, name)
    try check(unsafe rtnl_link_vlan_set_id(link.pointer, vid), "add vlan interface", context)
    do throws(SystemError) {
      // SAFETY: both objects live for the call.
      try check(
        unsafe rtnl_link_add(socket, link.pointer, CInt(NLM_F_CREATE | NLM_F_EXCL)), "add vlan interface", context)
    } catch let error where error.code == EOPNOTSUPP {
      throw SystemError(
        call: error.call, code: error.code, context: context + " (the kernel has no VLAN interfaces: load module 8021q)"
      )
    }
  }

  func links() throws(SystemError) -> [LinkInfo] {
    var cache: OpaquePointer?
    try check(unsafe rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache), "list interfaces", "")
    defer { unsafe nl_cache_free(cache) }
    var found: [LinkInfo] = []
    // SAFETY: objects belong to the cache, which lives until the end; names are C strings of theirs.
    var next = unsafe nl_cache_get_first(cache)
    while let link = unsafe next {
      let address = unsafe NetlinkAddress.text(of: rtnl_link_get_addr(link))
      found.append(
        LinkInfo(
          index: Int(unsafe rtnl_link_get_ifindex(link)),
          name: unsafe rtnl_link_get_name(link).map { unsafe String(cString: $0) } ?? "",
          mtu: Int(unsafe rtnl_link_get_mtu(link)), address: address == "none" ? "" : address,
          isUp: unsafe rtnl_link_get_flags(link) & flagUp != 0,
          hasCarrier: unsafe rtnl_link_get_flags(link) & flagLowerUp != 0))
      unsafe next = nl_cache_get_next(link)
    }
    return found
  }
}

/// IFF_UP.
let flagUp: CUnsignedInt = 1
/// IFF_LOWER_UP.
private let flagLowerUp: CUnsignedInt = 1 << 16
/// IN6_ADDR_GEN_MODE_NONE.
private let addressGenerationNone: UInt8 = 1
