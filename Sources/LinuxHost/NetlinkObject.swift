import CNetlink
import Glibc

/// A link, address or route of libnl with one owner; given back when the last reference goes.
@safe
final class NetlinkObject {
  // SAFETY: rtnl_link, rtnl_addr and rtnl_route all begin as a counted nl_object; this is one reference to it.
  /// The object; valid as long as this one.
  @unsafe let pointer: OpaquePointer

  /// Takes over a new object; null means that there was no memory.
  @unsafe init(owning pointer: OpaquePointer?, call: String, context: String) throws(SystemError) {
    guard let pointer = unsafe pointer else { throw SystemError(call: call, code: ENOMEM, context: context) }
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe nl_object_put(pointer)
  }
}

/// A network or link-layer address of libnl.
@safe
final class NetlinkAddress {
  // SAFETY: one counted reference, given back at the end.
  /// The address; valid as long as this object.
  @unsafe let pointer: OpaquePointer

  /// Parses an address, with its prefix if it has one; `default` is the address of length 0 of that family.
  /// - Throws: EINVAL if the text is none of that family (AF_UNSPEC: IPv4 or IPv6).
  init(_ text: String, family: CInt = AF_UNSPEC, what: String = "address") throws(SystemError) {
    var parsed: OpaquePointer?
    // SAFETY: the text is a C string for the call, which sets `parsed` or fails.
    guard unsafe nl_addr_parse(text, family, &parsed) >= 0, let parsed = unsafe parsed else {
      throw SystemError(call: what, code: EINVAL, context: "\"\(text)\"")
    }
    unsafe pointer = parsed
    let found = unsafe nl_addr_get_family(parsed)
    guard found == AF_INET || found == AF_INET6 || family == found else {
      throw SystemError(call: what, code: EINVAL, context: "\"\(text)\": expected IPv4 or IPv6")
    }
  }

  deinit {
    unsafe nl_addr_put(pointer)
  }

  /// AF_INET, AF_INET6 or AF_LLC.
  var family: CInt { unsafe nl_addr_get_family(pointer) }
  /// Size of the address in bytes; 0 for `default`.
  var size: Int { Int(unsafe nl_addr_get_len(pointer)) }

  /// The text of an address that libnl owns, prefix included if it is shorter than the address.
  @unsafe static func text(of address: OpaquePointer?) -> String {
    guard let address = unsafe address else { return "" }
    // SAFETY: the call writes at most the buffer's size, a final zero byte included, and returns the buffer.
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      guard let text = unsafe nl_addr2str(address, buffer.baseAddress, buffer.count) else { return "" }
      return unsafe String(cString: text)
    }
  }
}
