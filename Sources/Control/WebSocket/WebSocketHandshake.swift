import FoundationEssentials
import Hummingbird
import Lab
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The opening handshake of RFC 6455, the server's side.
enum WebSocketHandshake {
  static let version = "13"

  /// Whether a request wants a WebSocket.
  static func isAsked(by request: Request) -> Bool {
    hasWord("upgrade", request.headers[.connection]) && hasWord("websocket", request.headers[.upgrade])
  }

  private static func hasWord(_ word: String, _ list: String?) -> Bool {
    list?.split(separator: ",").contains { $0.trimmed.lowercased() == word } ?? false
  }

  /// The header fields of an answer of status 101.
  /// - Throws: `UserError` for another version, or a key that is none.
  static func fields(for request: Request, _ channel: any Channel) async throws -> HTTPFields {
    let versions = request.headers[values: .secWebSocketVersion]
    guard versions == [version] else {
      let found = versions.isEmpty ? "none" : versions.joined(separator: ", ")
      throw UserError(.badInput, "Sec-WebSocket-Version must be \(version), found \(found)")
    }
    let keys = request.headers[values: .secWebSocketKey]
    guard keys.count == 1, Data(base64Encoded: keys[0])?.count == 16 else {
      throw UserError(.badInput, "Sec-WebSocket-Key must be 16 bytes in base64, once")
    }
    let head = HTTPRequestHead(
      version: .http1_1, method: .GET, uri: "/",
      headers: ["Sec-WebSocket-Key": keys[0], "Sec-WebSocket-Version": version])
    let upgrader = NIOWebSocketServerUpgrader(
      shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
      upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
    let answer = try await upgrader.buildUpgradeResponse(
      channel: channel, upgradeRequest: head, initialResponseHeaders: [:]
    ).get()
    return [
      .connection: "upgrade", .upgrade: "websocket",
      .secWebSocketAccept: answer.first(name: "Sec-WebSocket-Accept") ?? "",
    ]
  }

  /// The answer to a request that should have asked for a WebSocket.
  static func required(by row: RouteRow) -> Response {
    let refusal = HTTPRefusal(
      .upgradeRequired, "\(row.title) is served over a WebSocket only",
      hint: "send \"Connection: Upgrade\" and \"Upgrade: websocket\", as WebSocket clients do")
    var response = Answer.refusal(refusal)
    response.headers[.upgrade] = "websocket"
    response.headers[.connection] = "upgrade"
    return response
  }
}

extension Substring {
  /// Without the blanks around it.
  fileprivate var trimmed: Substring {
    var rest = self[...]
    while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
    return rest
  }
}
