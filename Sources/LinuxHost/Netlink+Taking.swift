import CLinux
import CNetlink
import Glibc

/// Interfaces of this host that are taken from it for a while: marked, with its own stack kept off.
extension Netlink {
  /// What begins the second name of an interface that was taken.
  package static let takenMark = "apus:"

  /// How an interface is now.
  /// - Throws: ENODEV if there is none of that name.
  package static func facts(of link: String, namespace: String?) throws(SystemError) -> InterfaceFacts {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in try socket.facts(of: link) }
  }

  /// Gives a link a second name of up to 127 bytes that begins with `takenMark`; one that it has already stays.
  package static func mark(link: String, _ mark: String, namespace: String?) throws(SystemError) {
    try configure(link: link, namespace: namespace, mtu: nil, address: nil, up: nil, alternativeName: mark)
  }

  /// Takes the second name away; nothing happens if it has gone.
  package static func unmark(link: String, _ mark: String, namespace: String?) throws(SystemError) {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      guard try socket.facts(of: link).mark == mark else { return }
      try socket.remove(alternativeName: mark, of: link)
    }
  }

  /// Keeps the host's stack off a link: what comes in is dropped behind our socket, and nothing goes out that our socket
  /// did not send.
  ///
  /// - Returns: it had no place for such filters, and has one now.
  /// - Throws: EEXIST if it is so already.
  package static func deafen(link: String, namespace: String?) throws(SystemError) -> Bool {
    try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      // SAFETY: the name is a C string for the length of the call.
      let index = try check(unsafe clinux_link_index(link), "find interface", link)
      var madeQdisc = false
      // SAFETY: the call sets the value and keeps no pointer.
      try check(unsafe clinux_link_deafen(index, InterfaceSocket.mark, &madeQdisc), "add tc filters", link)
      return madeQdisc
    }
  }

  /// Takes these filters away, and their place if that is said; nothing happens if they are gone.
  package static func undeafen(link: String, namespace: String?, removesPlace: Bool) throws(SystemError) {
    try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      // SAFETY: the name is a C string for the length of the call.
      let index = try check(unsafe clinux_link_index(link), "find interface", link)
      try check(clinux_link_undeafen(index, removesPlace), "remove tc filters", link)
    }
  }

  /// How the kernel makes IPv6 addresses of its own (IN6_ADDR_GEN_MODE), from now on.
  package static func setAddressGeneration(_ mode: UInt8, link: String, namespace: String?) throws(SystemError) {
    try inNamespace(namespace) { (socket: NetlinkSocket) throws(SystemError) in
      try socket.setAddressGeneration(mode, link: link)
    }
  }

  /// Whether the NIC itself joins frames (LRO), which only hides what they were; `wanted` changes it.
  /// - Returns: whether it did before; false for one that cannot.
  package static func largeReceive(link: String, namespace: String?, wanted: Bool? = nil) -> Bool {
    let wanted: CInt = wanted.map { $0 ? 1 : 0 } ?? -1
    // SAFETY: the name is a C string for the length of the call.
    let former = try? NetworkNamespace.run(in: namespace) { unsafe clinux_link_large_receive(link, wanted) }
    return former == 1
  }
}

extension NetlinkSocket {
  func facts(of name: String) throws(SystemError) -> InterfaceFacts {
    let link = try link(named: name)
    var facts = InterfaceFacts()
    facts.index = Int(unsafe rtnl_link_get_ifindex(link.pointer))
    facts.isUp = unsafe rtnl_link_get_flags(link.pointer) & flagUp != 0
    facts.mtu = Int(unsafe rtnl_link_get_mtu(link.pointer))
    facts.address = unsafe NetlinkAddress.text(of: rtnl_link_get_addr(link.pointer))
    var mode: UInt8 = 0
    if unsafe rtnl_link_inet6_get_addr_gen_mode(link.pointer, &mode) >= 0 { facts.addressGeneration = mode }
    let master = unsafe rtnl_link_get_master(link.pointer)
    (facts.master, facts.uppers) = try neighbours(of: facts.index, master: Int(master))
    var mark = [CChar](repeating: 0, count: 128)
    // SAFETY: the call writes at most 128 bytes, and keeps no pointer.
    let found = unsafe mark.withUnsafeMutableBufferPointer { mark in
      unsafe clinux_link_mark(CInt(facts.index), Netlink.takenMark, mark.baseAddress, &facts.isEthernet)
    }
    if found > 0 {
      facts.mark = String(decoding: mark.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    for address in try addresses(link: name) {
      let isLocal = address.lowercased().hasPrefix("fe8") && address.contains(":")
      if isLocal { facts.linkLocalAddresses.append(address) } else { facts.addresses.append(address) }
    }
    return facts
  }

  /// The name of a link's master, and of those that are on top of it.
  private func neighbours(of index: Int, master: Int) throws(SystemError) -> (master: String?, uppers: [String]) {
    var cache: OpaquePointer?
    try check(unsafe rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache), "list interfaces", "")
    defer { unsafe nl_cache_free(cache) }
    var (found, uppers): (String?, [String]) = (nil, [])
    // SAFETY: objects belong to the cache, which lives until the end; names are C strings of theirs.
    var next = unsafe nl_cache_get_first(cache)
    while let link = unsafe next {
      let name = unsafe rtnl_link_get_name(link).map { unsafe String(cString: $0) } ?? ""
      let kind = unsafe rtnl_link_get_type(link).map { unsafe String(cString: $0) } ?? ""
      if master > 0, Int(unsafe rtnl_link_get_ifindex(link)) == master { found = name }
      // A veth names its other end so.
      if Int(unsafe rtnl_link_get_link(link)) == index, ["vlan", "macvlan", "macvtap", "ipvlan"].contains(kind) {
        uppers.append(name)
      }
      unsafe next = nl_cache_get_next(link)
    }
    return (master > 0 ? found ?? "number \(master)" : nil, uppers)
  }

  func setAddressGeneration(_ mode: UInt8, link name: String) throws(SystemError) {
    let link = try link(named: name)
    let wanted = try unsafe NetlinkObject(owning: rtnl_link_alloc(), call: "change interface", context: name)
    try check(unsafe rtnl_link_inet6_set_addr_gen_mode(wanted.pointer, mode), "set addr_gen_mode", name)
    try apply(wanted, to: link, name: name)
  }
}
