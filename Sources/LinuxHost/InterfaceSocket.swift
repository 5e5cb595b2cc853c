import CLinux
import Glibc

/// Packet sockets (packet(7)) of one interface: all that comes in by it, and what is sent there.
///
/// Requires CAP_NET_RAW and CAP_NET_ADMIN.
package enum InterfaceSocket {
  /// What frames that leave by one are marked with, "APUS": nothing else is let out of an interface that was taken.
  static let mark: UInt32 = 0x4150_5553

  /// Opens a socket in the namespace of the interface, which is promiscuous as long as it is open; the descriptor is
  /// non-blocking.
  /// - Throws: ENODEV if there is no such interface.
  package static func openWithoutBlocking(
    _ name: String, namespace: String?
  ) async throws(SystemError) -> OpenInterface {
    try await NetworkNamespace.runWithoutBlocking(in: namespace) { () throws(SystemError) in
      let socket = try NetlinkSocket()
      let link = try socket.facts(of: name)
      var request = clinux_packet_socket(
        index: CInt(truncatingIfNeeded: link.index), mark: mark, takes_udp: false)
      var call: UnsafePointer<CChar>?
      // SAFETY: the request lives for the call; `call` is set to a constant string.
      let result = unsafe clinux_packet_open(&request, &call)
      guard result >= 0 else {
        let failed = unsafe call.map { unsafe String(cString: $0) } ?? "socket"
        throw SystemError(call: failed, code: -result, context: "of interface \(name)")
      }
      return OpenInterface(
        descriptor: Descriptor(owning: result), index: link.index, mtu: link.mtu, address: link.address,
        takesUDP: request.takes_udp)
    }
  }
}

/// An interface whose packet socket was opened.
package struct OpenInterface: Sendable {
  package var descriptor: Descriptor
  package var index: Int
  /// In bytes.
  package var mtu: Int
  /// Link-layer address, `52:54:00:00:00:01`.
  package var address: String
  /// The kernel takes large UDP frames.
  package var takesUDP: Bool
}
