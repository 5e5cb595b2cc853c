import CNetlink
import Glibc

/// A netlink socket in the namespace where it was made; every call waits for the kernel's answer.
///
/// Used by one thread at a time, which may be another than the one that made it. libnl folds error numbers into its own fewer codes, so a callback notes what the kernel said.
@safe
final class NetlinkSocket: @unchecked Sendable {
  // SAFETY: the socket is made and freed by this object; the number outlives the callback, which the socket owns.
  private let kernelError: UnsafeMutablePointer<CInt>
  /// The libnl socket; valid as long as this object.
  @unsafe let socket: OpaquePointer

  init() throws(SystemError) {
    guard let socket = unsafe nl_socket_alloc() else {
      throw SystemError(call: "nl_socket_alloc", code: ENOMEM, context: "")
    }
    unsafe self.socket = socket
    unsafe kernelError = .allocate(capacity: 1)
    unsafe kernelError.initialize(to: 0)
    unsafe nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, noteKernelError, kernelError)
    try check(unsafe nl_connect(socket, NETLINK_ROUTE), "nl_connect", "route")
  }

  deinit {
    unsafe nl_socket_free(socket)
    unsafe kernelError.deallocate()
  }

  /// Passes on what a libnl function returned, or throws the kernel's error number if it gave one.
  @discardableResult
  func check(
    _ result: CInt, _ call: @autoclosure () -> String, _ context: @autoclosure () -> String
  ) throws(SystemError) -> CInt {
    guard result < 0 else { return result }
    let noted = unsafe kernelError.pointee
    unsafe kernelError.pointee = 0
    throw SystemError(call: call(), code: noted != 0 ? noted : Self.errorNumber(of: result), context: context())
  }

  /// The nearest error number of a libnl code (netlink/errno.h).
  private static func errorNumber(of code: CInt) -> CInt {
    switch abs(code) {
    case NLE_NOMEM: ENOMEM
    case NLE_AGAIN: EAGAIN
    case NLE_EXIST: EEXIST
    case NLE_INVAL, NLE_NOADDR, NLE_PARSE_ERR, NLE_AF_MISMATCH: EINVAL
    case NLE_RANGE: ERANGE
    case NLE_OPNOTSUPP, NLE_PROTO_MISMATCH: EOPNOTSUPP
    case NLE_AF_NOSUPPORT: EAFNOSUPPORT
    case NLE_OBJ_NOTFOUND: ENOENT
    case NLE_BUSY: EBUSY
    case NLE_NOACCESS: EACCES
    case NLE_PERM: EPERM
    case NLE_NODEV: ENODEV
    default: EPROTO
    }
  }

  /// A link by name; the caller's copy of what the kernel says now.
  func link(named name: String) throws(SystemError) -> NetlinkObject {
    var link: OpaquePointer?
    // SAFETY: the call sets `link` to an object that is the caller's, or leaves it null.
    try check(unsafe rtnl_link_get_kernel(socket, 0, name, &link), "find interface", name)
    return try unsafe NetlinkObject(owning: link, call: "find interface", context: name)
  }
}

/// Keeps the error number of the kernel's answer and lets libnl end the call with a code of its own.
private func noteKernelError(
  _ address: UnsafeMutablePointer<sockaddr_nl>?, _ message: UnsafeMutablePointer<nlmsgerr>?,
  _ place: UnsafeMutableRawPointer?
) -> CInt {
  if let message = unsafe message, let place = unsafe place {
    unsafe place.storeBytes(of: -message.pointee.error, as: CInt.self)
  }
  return CInt(NL_STOP.rawValue)
}
