import Foundation
import Glibc
import LinuxHost

/// A WebSocket client as the tests need one: it may also send what no client may.
package final class WebSocketClient: @unchecked Sendable {
  /// A frame of the server's; or one of a client's, to be made wrong at will.
  package struct Frame: Equatable, Sendable {
    package static let (continuation, text, binary, close, ping, pong): (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) =
      (0, 1, 2, 8, 9, 10)

    package var opcode: UInt8
    package var payload: [UInt8]
    package var isLast = true
    package var reserved: UInt8 = 0
    package var isMasked = true
    /// What its head says of the length; nil = the truth, as short as can be.
    package var claimedLength: UInt64?

    package init(_ opcode: UInt8, _ payload: [UInt8] = [], isLast: Bool = true) {
      (self.opcode, self.payload, self.isLast) = (opcode, payload, isLast)
    }

    /// As it goes over the wire.
    package var bytes: [UInt8] {
      let mask: [UInt8] = [0xA5, 0x00, 0x3C, 0xFF]
      var bytes: [UInt8] = [(isLast ? 0x80 : 0) | reserved << 4 | opcode]
      let length = claimedLength ?? UInt64(payload.count)
      let flag: UInt8 = isMasked ? 0x80 : 0
      switch length {
      case 0..<126: bytes.append(flag | UInt8(length))
      case 126..<65536: bytes += [flag | 126] + withUnsafeBytes(of: UInt16(length).bigEndian) { Array($0) }
      default: bytes += [flag | 127] + withUnsafeBytes(of: length.bigEndian) { Array($0) }
      }
      guard isMasked else { return bytes + payload }
      return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    /// The code of a close frame.
    package var code: Int? {
      opcode == Self.close && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
    }
    package var string: String { String(decoding: payload, as: UTF8.self) }
  }

  /// What a server answers to a request.
  package struct Head: Sendable {
    package var status: Int
    /// Names in small letters.
    package var fields: [String: String]
  }

  private let descriptor: Descriptor
  private var received: [UInt8] = []
  private var hasEnded = false

  /// Over a socket in the file system.
  package init(path: String) throws {
    descriptor = Descriptor(owning: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor.raw, $0, size) }
    }
    guard result == 0 else { throw NotInTime(description: "connect \(path): \(errno)") }
    try descriptor.setNonBlocking()
  }

  /// Over TCP on this host.
  package init(port: UInt16) throws {
    descriptor = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor.raw, $0, size) }
    }
    guard result == 0 else { throw NotInTime(description: "connect port \(port): \(errno)") }
    try descriptor.setNonBlocking()
  }

  // MARK: - The handshake

  /// Asks for a WebSocket.
  /// - Parameter fields: others than the usual ones; an empty value leaves a usual one out.
  package func ask(_ target: String, _ fields: [String: String] = [:]) async throws -> Head {
    try await send(Self.request(target, fields))
    return try await head()
  }

  /// A request for a WebSocket as bytes.
  package static func request(_ target: String, _ fields: [String: String] = [:]) -> [UInt8] {
    var all = [
      "Host": "localhost", "Connection": "keep-alive, Upgrade", "Upgrade": "websocket",
      "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]
    all.merge(fields) { $1 }
    let lines = all.sorted { $0.key < $1.key }.filter { !$0.value.isEmpty }.map { "\($0.key): \($0.value)\r\n" }
    return Array("GET \(target) HTTP/1.1\r\n\(lines.joined())\r\n".utf8)
  }

  /// The head of the next answer.
  package func head() async throws -> Head {
    let end = Array("\r\n\r\n".utf8)
    while true {
      if let place = Data(received).firstRange(of: Data(end)) {
        let lines = String(decoding: received[..<place.lowerBound], as: UTF8.self).split(separator: "\r\n")
        received.removeFirst(place.upperBound)
        let status = lines.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
        let fields = lines.dropFirst().map { line -> (String, String) in
          let sides = line.split(separator: ":", maxSplits: 1)
          return (sides[0].lowercased(), sides.count > 1 ? sides[1].trimmingCharacters(in: .whitespaces) : "")
        }
        return Head(status: status, fields: Dictionary(fields) { "\($0), \($1)" })
      }
      guard try await receive() else { throw NotInTime(description: "closed before the head") }
    }
  }

  /// All that comes until the server closes.
  package func rest() async throws -> [UInt8] {
    while try await receive() {}
    return received
  }

  // MARK: - Frames

  package func send(_ frame: Frame) async throws { try await send(frame.bytes) }
  package func send(text: String) async throws { try await send(Frame(Frame.text, Array(text.utf8))) }
  package func type(_ text: String) async throws { try await send(Frame(Frame.binary, Array(text.utf8))) }

  /// Sends bytes as they are.
  package func send(_ bytes: [UInt8], within seconds: Double = 60) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.send(descriptor.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        done += count
      } else if errno == EAGAIN {
        guard ContinuousClock.now < deadline else { throw NotInTime(description: "the server does not read") }
        try await Task.sleep(for: .milliseconds(2))
      } else {
        throw NotInTime(description: "send: \(errno)")
      }
    }
  }

  /// Ends what is sent, and what is read.
  package func hangUp() { shutdown(descriptor.raw, Int32(SHUT_RDWR)) }

  /// The next frame; nil when the server has closed.
  package func next(within seconds: Double = 60) async throws -> Frame? {
    while true {
      if let frame = takeFrame() { return frame }
      guard try await receive(within: seconds) else { return nil }
    }
  }

  /// The next frame that is no ping.
  package func message() async throws -> Frame? {
    while let frame = try await next() {
      if frame.opcode != Frame.ping { return frame }
    }
    return nil
  }

  private func takeFrame() -> Frame? {
    guard received.count >= 2 else { return nil }
    var (length, start) = (Int(received[1] & 0x7F), 2)
    if length >= 126 {
      start = length == 126 ? 4 : 10
      guard received.count >= start else { return nil }
      length = received[2..<start].reduce(0) { $0 << 8 | Int($1) }
    }
    guard received.count >= start + length else { return nil }
    var frame = Frame(received[0] & 0x0F, Array(received[start..<start + length]), isLast: received[0] & 0x80 != 0)
    frame.reserved = received[0] >> 4 & 7
    frame.isMasked = received[1] & 0x80 != 0
    received.removeFirst(start + length)
    return frame
  }

  /// Waits for more.
  /// - Returns: false when there is no more.
  private func receive(within seconds: Double = 60) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !hasEnded {
      let count = recv(descriptor.raw, &buffer, buffer.count, 0)
      if count > 0 {
        received += buffer.prefix(count)
        return true
      }
      if count == 0 || errno != EAGAIN {
        hasEnded = true
      } else {
        guard ContinuousClock.now < deadline else { throw NotInTime(description: "nothing came in \(seconds) s") }
        try await Task.sleep(for: .milliseconds(2))
      }
    }
    return false
  }

  // MARK: - Terminals

  /// What is shown until a text comes, it included; texts of the server are passed over.
  @discardableResult
  package func shown(until text: String, within seconds: Double = 60) async throws -> String {
    var bytes: [UInt8] = []
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !String(decoding: bytes, as: UTF8.self).contains(text) {
      guard ContinuousClock.now < deadline, let frame = try await next(within: seconds), frame.opcode != Frame.close
      else {
        throw NotInTime(
          description: "\"\(text)\" is not shown, but: \(String(decoding: bytes.suffix(500), as: UTF8.self))")
      }
      if frame.opcode == Frame.binary { bytes += frame.payload }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The texts that come until the server closes, and the code of its close frame.
  package func ending() async throws -> (texts: [String], code: Int?) {
    var texts: [String] = []
    while let frame = try await next() {
      if frame.opcode == Frame.text { texts.append(frame.string) }
      if let code = frame.code { return (texts, code) }
    }
    return (texts, nil)
  }
}
