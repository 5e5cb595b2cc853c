import CLinux
import Glibc

/// TAP interfaces: the kernel's end of a port.
///
/// Requires CAP_NET_ADMIN.
package enum TAPDevice {
  /// Creates an interface or attaches to an existing TAP, in its namespace; the descriptor is non-blocking.
  ///
  /// One `read` or `write` carries one frame, preceded by the header if asked for. Also a TAP that was there before gets
  /// the header and the offloads of this request.
  /// - Throws: EBUSY if a process is attached already, EINVAL if another kind of interface has the name.
  package static func open(_ request: TAPRequest) throws(SystemError) -> OpenTAP {
    try checkName(request.name)
    for _ in 0..<retries {
      do throws(SystemError) {
        return try attach(request)
      } catch let error where error.code == EBUSY {
        usleep(5000)
      }
    }
    return try attach(request)
  }

  /// As `open`, for a caller that must not wait: no thread does but that of namespaces, for each attempt.
  package static func openWithoutBlocking(_ request: TAPRequest) async throws(SystemError) -> OpenTAP {
    try checkName(request.name)
    for _ in 0..<retries {
      do throws(SystemError) {
        return try await attachWithoutBlocking(request)
      } catch let error where error.code == EBUSY {
        // A task of its own: one that was cancelled would not wait at all.
        await Task { try? await Task.sleep(for: .milliseconds(5)) }.value
      }
    }
    return try await attachWithoutBlocking(request)
  }

  private static func attachWithoutBlocking(_ request: TAPRequest) async throws(SystemError) -> OpenTAP {
    try await NetworkNamespace.runWithoutBlocking(in: request.namespace) { () throws(SystemError) in
      try openHere(request)
    }
  }

  /// A process that we are just starting holds a copy of a descriptor that we have closed, for a moment.
  private static let retries = 100

  private static func attach(_ request: TAPRequest) throws(SystemError) -> OpenTAP {
    try NetworkNamespace.run(in: request.namespace) { () throws(SystemError) in try openHere(request) }
  }

  private static func openHere(_ request: TAPRequest) throws(SystemError) -> OpenTAP {
    var call: UnsafePointer<CChar>?
    var offloads: TAPOffloads = []
    // SAFETY: the name lives for the call; `call` is set to a constant string.
    let result = unsafe request.name.withCString { name in
      var tap = unsafe clinux_tap(
        name: name, has_header: request.hasHeader,
        offloads: request.hasHeader ? request.offloads.rawValue : 0, is_persistent: request.isPersistent)
      let result = unsafe clinux_tap_open(&tap, &call)
      offloads.rawValue = unsafe tap.offloads
      return result
    }
    if result >= 0 { return OpenTAP(descriptor: Descriptor(owning: result), offloads: offloads) }
    let name = unsafe call.map { unsafe String(cString: $0) } ?? "open"
    throw SystemError(call: name, code: -result, context: explain(code: -result, call: name, request: request))
  }

  private static func explain(code: CInt, call: String, request: TAPRequest) -> String {
    let place = request.namespace.map { " in namespace \($0)" } ?? ""
    switch (call, code) {
    case ("open /dev/net/tun", ENOENT), ("open /dev/net/tun", ENODEV), ("open /dev/net/tun", ENXIO):
      return "for tap \(request.name) (the kernel has no TUN driver: load module tun)"
    case ("open /dev/net/tun", EACCES), (_, EPERM):
      return "for tap \(request.name)\(place) (needs CAP_NET_ADMIN)"
    case ("TUNSETIFF", EBUSY): return "\(request.name)\(place) (another process is attached to this tap)"
    case ("TUNSETIFF", EINVAL): return "\(request.name)\(place) (an interface of another kind has this name)"
    default: return "\(request.name)\(place)"
    }
  }

  /// Refuses names that the kernel would refuse, or expand (`tap%d`).
  package static func checkName(_ name: String) throws(SystemError) {
    let forbidden: [UInt8] = [UInt8(ascii: "/"), UInt8(ascii: "%"), UInt8(ascii: ":")]
    let isValid =
      1...15 ~= name.utf8.count && name != "." && name != ".."
      && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !forbidden.contains($0) }
    guard isValid else {
      throw SystemError(
        call: "interface name", code: EINVAL, context: "\"\(name)\": expected 1 to 15 ASCII characters without / % :")
    }
  }

  /// Removes a persistent TAP, attached or not; nothing happens if there is none.
  package static func remove(name: String, namespace: String?) throws(SystemError) {
    try Netlink.remove(link: name, namespace: namespace)
  }

  /// Sets the carrier that the kernel sees; a TAP has it from each `open` on, and none while nobody has it open.
  ///
  /// Nothing happens once the interface is gone, or on kernels before 5.0. May wait for the kernel's lock of links.
  package static func setCarrier(_ tap: Descriptor, isUp: Bool) { _ = clinux_tap_set_carrier(tap.raw, isUp) }

  /// Whether the interface behind an open TAP is still there, in whatever namespace.
  package static func isAttached(_ tap: Descriptor) -> Bool { clinux_tap_is_attached(tap.raw) == 1 }

  /// Whether an interface of that name is there, of whatever kind; false if there is no such namespace.
  package static func exists(name: String, namespace: String?) -> Bool {
    Netlink.exists(link: name, namespace: namespace)
  }
}
