import Glibc
import GuestKit
import LinuxHost

/// A socket of the test in a namespace of the lab, bound to a port there (IPv4, any address).
struct NamespaceSocket {
  let descriptor: Descriptor

  /// - Parameter type: `SOCK_STREAM` (which listens) or `SOCK_DGRAM`.
  init(in namespace: String, type: __socket_type, port: UInt16) throws {
    descriptor = try NetworkNamespace.run(in: namespace) { () throws(SystemError) in
      func check(_ result: CInt, _ call: String) throws(SystemError) {
        guard result >= 0 else { throw SystemError(call: call, code: errno, context: "\(namespace) port \(port)") }
      }
      let raw = socket(AF_INET, Int32(type.rawValue), 0)
      try check(raw, "socket")
      let descriptor = Descriptor(owning: raw)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      let bound = withUnsafeBytes(of: &address) {
        $0.withMemoryRebound(to: sockaddr.self) { bind(raw, $0.baseAddress, socklen_t(MemoryLayout<sockaddr_in>.size)) }
      }
      try check(bound, "bind")
      if type == SOCK_STREAM { try check(listen(raw, 4), "listen") }
      return descriptor
    }
  }

  /// What the next datagram holds; nil if none comes in time.
  func datagram(timeout milliseconds: Int) -> [UInt8]? {
    guard Deadline(milliseconds: milliseconds).waitReadable([descriptor.raw]) else { return nil }
    return Self.read(descriptor.raw)
  }

  /// All that the next connection brings until its other end has said everything.
  func connection(timeout milliseconds: Int) -> [UInt8]? {
    let deadline = Deadline(milliseconds: milliseconds)
    guard deadline.waitReadable([descriptor.raw]) else { return nil }
    let accepted = accept(descriptor.raw, nil, nil)
    guard accepted >= 0 else { return nil }
    let stream = Descriptor(owning: accepted)
    var bytes: [UInt8] = []
    while deadline.waitReadable([stream.raw]), let chunk = Self.read(stream.raw) {
      if chunk.isEmpty { return bytes }
      bytes += chunk
    }
    return nil
  }

  private static func read(_ raw: CInt) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(raw, &buffer, buffer.count, 0)
    return count < 0 ? nil : Array(buffer.prefix(count))
  }
}
