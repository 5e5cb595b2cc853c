import Glibc

/// A client of a TCP port of this host that says and hears bytes as they are, and never blocks its thread.
package final class TCPClient: Sendable {
  package let descriptor: Int32

  /// - Throws: when nobody listens.
  package init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.loopback(port)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    guard result == 0 else {
      // What was made so far is unmade by `deinit`, which closes.
      throw NotInTime(description: "connect to port \(port): error \(errno)")
    }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }

  deinit { close(descriptor) }

  private static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  /// Sends as much as the connection takes at once.
  /// - Returns: bytes that were taken; -1 when it is closed.
  @discardableResult
  package func send(_ text: String) -> Int { send(bytes: Array(text.utf8)) }

  @discardableResult
  package func send(bytes: some Collection<UInt8>) -> Int {
    Array(bytes).withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// What has come by now, and whether the other side has closed.
  package func receive() -> (text: String, isClosed: Bool) {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      guard count > 0 else {
        return (String(decoding: all, as: UTF8.self), count == 0 || errno != EAGAIN)
      }
      all += buffer[..<count]
    }
  }

  /// Everything until the other side closes.
  package func untilClosed(within seconds: Double = 60) async throws -> String {
    var all = ""
    try await eventually("the connection is closed; so far: \(all.prefix(200))", within: seconds) {
      let (text, isClosed) = receive()
      all += text
      return isClosed
    }
    return all
  }

  /// Everything until a text has come.
  package func until(_ wanted: String, within seconds: Double = 60) async throws -> String {
    var all = ""
    try await eventually("\"\(wanted)\" comes", within: seconds) {
      all += receive().text
      return all.contains(wanted)
    }
    return all
  }

  /// Whether the other side has closed it by now; what has come is forgotten.
  package var isClosed: Bool { receive().isClosed }

  /// A port that nobody listened on a moment ago.
  package static func freePort() throws -> Int {
    let (port, descriptor) = try listen()
    close(descriptor)
    return port
  }

  /// Listens on a port; the descriptor is the caller's.
  package static func listen() throws -> (port: Int, descriptor: Int32) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, 1) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isListening else {
      close(descriptor)
      throw NotInTime(description: "no port to listen on: error \(errno)")
    }
    return (Int(UInt16(bigEndian: address.sin_port)), descriptor)
  }
}
