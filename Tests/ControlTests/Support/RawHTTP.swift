import Foundation
import LinuxHost

/// A connection on which a test writes its requests itself.
struct RawHTTP {
  private let descriptor: Descriptor

  init(socket: String) throws { descriptor = try UnixSocket.connect(path: socket) }

  func send(_ text: String) throws {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      guard try descriptor.waitWritable(milliseconds: 60_000) else { return }
      sent += try descriptor.write(bytes, from: sent)
    }
  }

  /// All that comes until the end, or until it has `marker`; what is there after three minutes.
  func text(until marker: String? = nil) async throws -> String {
    var bytes: [UInt8] = []
    let deadline = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < deadline {
      // Not for long: the server runs on the threads of this process too.
      guard try descriptor.waitReadable(milliseconds: 0) else {
        try await Task.sleep(for: .milliseconds(1))
        continue
      }
      let piece = try descriptor.read(size: 65536)
      if piece.isEmpty { break }
      bytes += piece
      if let marker, Self.body(of: String(decoding: bytes, as: UTF8.self)).contains(marker) { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What stands behind the head, taken out of its chunks if it came in such.
  static func body(of answer: String) -> String {
    guard let end = answer.range(of: "\r\n\r\n") else { return "" }
    let rest = answer[end.upperBound...]
    guard answer[..<end.lowerBound].lowercased().contains("transfer-encoding: chunked") else { return String(rest) }
    var bytes = Array(rest.utf8)[...]
    var body: [UInt8] = []
    while let line = bytes.firstIndex(of: UInt8(ascii: "\n")) {
      let size = String(decoding: bytes[..<line], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      guard let count = Int(size, radix: 16), count > 0 else { break }
      let chunk = bytes[(line + 1)...].prefix(count)
      body += chunk
      bytes = bytes[(line + 1 + chunk.count)...].dropFirst(2)
    }
    return String(decoding: body, as: UTF8.self)
  }
}
