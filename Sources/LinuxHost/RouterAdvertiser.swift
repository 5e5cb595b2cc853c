import CLinux
import Glibc

/// Answers router solicitations on an interface (RFC 4861) as one that is no router: no prefix, no DHCPv6, no lifetime.
///
/// Who asks learns that there is nothing to wait for; nobody's routes or addresses change by it.
package struct RouterAdvertiser: Sendable {
  /// Between two answers, so that nobody makes us talk without end.
  private static let pause = Duration.milliseconds(100)
  /// After an error, such as of an interface that is down.
  private static let rest = Duration.seconds(1)
  private let socket: Descriptor

  /// - Throws: ENODEV for an interface that the namespace does not have; EPERM without CAP_NET_RAW; EAFNOSUPPORT and
  ///   the like where the kernel has no IPv6.
  package init(interface: String, namespace: String) throws(SystemError) {
    socket = try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      // SAFETY: the name is a C string for the length of the call.
      Descriptor(
        owning: try check(unsafe clinux_advertisement_open(interface), "open", "solicitations on \(interface)"))
    }
  }

  /// Answers until the task is cancelled.
  ///
  /// An answer that cannot be sent, as while the interface has no address of its own yet, is left out: who asks asks
  /// again.
  package func run() async {
    while !Task.isCancelled {
      let isReadable = (try? await Readiness.wait(for: socket, timeoutSeconds: nil)) ?? false
      guard !Task.isCancelled else { return }
      let isWell = isReadable && clinux_advertisement_answer(socket.raw) >= 0
      try? await Task.sleep(for: isWell ? Self.pause : Self.rest)
    }
  }
}
