import CLinux

/// Sockets of TCP, non-blocking and not inherited by children.
package enum TCPSocket {
  /// Listens on an address of this host.
  /// - Parameters:
  ///   - address: IPv4 or IPv6, as text.
  ///   - backlog: connections that wait to be taken.
  /// - Throws: EADDRINUSE if somebody listens there, EADDRNOTAVAIL if the address is not this host's, EINVAL if it is none.
  package static func listen(address: String, port: UInt16, backlog: CInt) throws(SystemError) -> Descriptor {
    // SAFETY: the text is a C string for the length of the call.
    let result = unsafe clinux_tcp_listen(address, port, backlog)
    return Descriptor(owning: try check(result, "listen", "\(address) port \(port)"))
  }
}

/// The service manager that has started this process, systemd as a rule.
package enum ServiceManager {
  /// Tells it something (sd_notify(3)): `READY=1`, `MAINPID=4711`, lines of them.
  /// - Parameter socket: the value of `NOTIFY_SOCKET`: a path, or a name behind `@`.
  package static func tell(_ text: String, at socket: String) throws(SystemError) {
    // SAFETY: both are C strings for the length of the call.
    try check(unsafe clinux_service_notify(socket, text), "sendto", socket)
  }
}
