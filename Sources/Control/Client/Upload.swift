import NIOCore
import NIOHTTP1

/// The body of a request.
package enum Upload: Sendable {
  case whole([UInt8])
  /// Bytes of that type, as `Content-Type` has it.
  case typed(String, [UInt8])
  /// A line, if there is one to begin with, and those that are asked for one after the other, as fast as the daemon takes
  /// them; nil = the end.
  case lines(first: [UInt8]?, @Sendable () async throws -> [UInt8]?)

  /// - Parameter fields: further ones of the head, by their names.
  func send(
    _ method: HTTPMethod, _ target: String, _ fields: [(String, String)],
    _ outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
  ) async throws {
    var head = HTTPRequestHead(version: .http1_1, method: method, uri: target)
    head.headers.add(name: "host", value: "apus")
    head.headers.add(name: "connection", value: "close")
    for (name, value) in fields { head.headers.add(name: name, value: value) }
    switch self {
    case .typed(let type, let bytes):
      head.headers.add(name: "content-type", value: type)
      head.headers.add(name: "content-length", value: String(bytes.count))
      try await outbound.write(.head(head))
      try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
    case .whole(let bytes):
      head.headers.add(name: "content-length", value: String(bytes.count))
      try await outbound.write(.head(head))
      if !bytes.isEmpty { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes)))) }
    case .lines(let first, let next):
      head.headers.add(name: "content-type", value: Content.linesType)
      head.headers.add(name: "transfer-encoding", value: "chunked")
      try await outbound.write(.head(head))
      if let first { try await Self.send(line: first, outbound) }
      while let line = try await next() { try await Self.send(line: line, outbound) }
    }
    try await outbound.write(.end(nil))
  }

  private static func send(
    line: [UInt8], _ outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
  ) async throws {
    var buffer = ByteBuffer(bytes: line)
    buffer.writeInteger(UInt8(ascii: "\n"))
    try await outbound.write(.body(.byteBuffer(buffer)))
  }
}
