import NIOCore
import NIOWebSocket

/// Why a client's WebSocket is closed by us: a close code of RFC 6455, and words for its close frame.
struct WebSocketFault: Error, Equatable {
  var code: WebSocketErrorCode
  /// At most 123 bytes, as the frame has no more room.
  var reason: String

  static func broken(_ reason: String) -> Self { Self(code: .protocolError, reason: reason) }
}

/// How a WebSocket ended, as metrics tell it.
enum WebSocketEnd: String, Sendable, CaseIterable {
  /// The client closed it.
  case client
  /// The connection broke without a word.
  case lost
  /// The console or the command ended.
  case done
  /// It could not be served, or no more.
  case failed
  /// The client sent what it may not.
  case broken
  /// The client was not heard of any more.
  case silent
  /// The session or the token that opened it counts no more.
  case access
  /// The daemon ended.
  case daemon
}

/// What a client's frame brings.
enum WebSocketEvent: Equatable {
  case bytes([UInt8])
  case text(String)
  /// To be answered with the same bytes.
  case ping(ByteBuffer)
  case pong
  /// The client closes; the code is to be sent back.
  case close(WebSocketErrorCode?)
}

/// What RFC 6455 demands of a client's frames, one after the other; a plain value.
///
/// The decoder has seen to lengths, and to control frames that are long or in pieces. Pieces of a binary message are
/// passed on as they come, those of a text are collected, up to a bound.
struct WebSocketRules {
  /// Bytes of the largest frame.
  static let frameLimit = 1 << 20
  /// Bytes of the longest text message: a few words of JSON.
  static let textLimit = 64 << 10

  private enum Kind { case binary, text }
  /// The message whose end has not come yet.
  private var open: Kind?
  private var text: [UInt8] = []

  /// Takes the next frame.
  /// - Returns: nil for a piece of a text.
  mutating func take(_ frame: WebSocketFrame) throws(WebSocketFault) -> WebSocketEvent? {
    guard frame.maskKey != nil else { throw .broken("frames of a client must be masked") }
    guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
      throw .broken("reserved bits are set, and no extension is in use")
    }
    switch frame.opcode {
    case .binary: return try begin(.binary, frame)
    case .text: return try begin(.text, frame)
    case .continuation:
      guard let kind = open else { throw .broken("a continuation of no message") }
      return try add(frame, to: kind)
    case .ping: return .ping(frame.unmaskedData)
    case .pong: return .pong
    case .connectionClose: return .close(try Self.closeCode(frame.unmaskedData))
    default: throw .broken("unknown opcode")
    }
  }

  private mutating func begin(_ kind: Kind, _ frame: WebSocketFrame) throws(WebSocketFault) -> WebSocketEvent? {
    guard open == nil else { throw .broken("a message begins within another one") }
    return try add(frame, to: kind)
  }

  private mutating func add(_ frame: WebSocketFrame, to kind: Kind) throws(WebSocketFault) -> WebSocketEvent? {
    open = frame.fin ? nil : kind
    guard kind == .text else { return .bytes(Array(frame.unmaskedData.readableBytesView)) }
    guard text.count + frame.length <= Self.textLimit else {
      throw WebSocketFault(code: .messageTooLarge, reason: "a text message has at most \(Self.textLimit) bytes")
    }
    text += frame.unmaskedData.readableBytesView
    guard frame.fin else { return nil }
    defer { text = [] }
    return .text(try Self.valid(text))
  }

  private static func valid(_ bytes: [UInt8]) throws(WebSocketFault) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw WebSocketFault(code: .dataInconsistentWithMessage, reason: "the text is not UTF-8")
    }
    return text
  }

  /// What a close frame says; nil if nothing.
  private static func closeCode(_ data: ByteBuffer) throws(WebSocketFault) -> WebSocketErrorCode? {
    var data = data
    guard data.readableBytes > 0 else { return nil }
    guard let number = data.readInteger(as: UInt16.self) else { throw .broken("a close frame of one byte") }
    switch number {
    case 1000...1003, 1007...1014, 3000...4999: break
    default: throw .broken("a close code that may not be sent")
    }
    _ = try valid(Array(data.readableBytesView))
    return WebSocketErrorCode(codeNumber: Int(number))
  }
}
