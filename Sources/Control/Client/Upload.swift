import NIOCore
import NIOHTTP1

/// The body of a request.
package enum Upload: Sendable {
  case whole([UInt8])
  /// A line, if there is one to begin with, and those that are asked for one after the other, as fast as the daemon takes
  /// them; nil = the end.
  case lines(first: [UInt8]?, @Sendable () async throws -> [UInt8]?)

  func send(
    _ method: HTTPMethod, _ target: String, _ outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
  ) async throws {
    var head = HTTPRequestHead(version: .http1_1, method: method, uri: target)
    head.headers.add(name: "host", value: "apus")
    head.headers.add(name: "connection", value: "close")
    switch self {
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
