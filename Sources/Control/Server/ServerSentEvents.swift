import HTTPTypes
import Hummingbird
import NIOCore

/// Answers in the form that browsers follow by themselves (HTML Living Standard, 9.2 "Server-sent events").
enum ServerSentEvents {
  static let type = "text/event-stream"
  /// Milliseconds after which a browser asks again that has lost its connection.
  private static let retry = 2000

  /// What follows from a stream.
  enum Piece<Value: Encodable & Sendable>: Sendable {
    /// A value of JSON, which has no line breaks; after a break a browser names the id that it had last.
    case value(Value, id: String?)
    /// Nothing has happened: whoever stands between is shown that the connection is alive.
    case silence
  }

  /// What the description of the API says of it.
  /// - Parameter shape: of the value in each event's `data`.
  static func content(of shape: Shape) -> Content {
    Content(type: type, shape: shape, text: "Server-sent events, `data` of each is one value.")
  }

  /// The client wants this form.
  static func areAsked(for headers: HTTPFields) -> Bool {
    headers[values: .accept].contains { $0.lowercased().contains(type) }
  }

  /// Pieces as they come, each asked for when the one before is on its way; nil = the end.
  ///
  /// - Parameter opener: the client; when it goes, or may not look on any more, a waiting `next` is cancelled.
  static func answer<Value>(
    to opener: StreamOpener, next: @escaping @Sendable () async -> Piece<Value>?
  ) -> Response {
    let first = ByteBuffer(string: "retry: \(retry)\n\n")
    return Answer.asking(to: opener, type: type, first: first, headers: [.cacheControl: "no-store"]) { piece in
      try buffer(piece)
    } next: {
      await next()
    }
  }

  static func buffer<Value>(_ piece: Piece<Value>) throws -> ByteBuffer {
    switch piece {
    case .silence: return ByteBuffer(string: ":\n\n")
    case .value(let value, let id):
      var buffer = ByteBuffer()
      if let id { buffer.writeString("id: \(id)\n") }
      buffer.writeString("data: ")
      buffer.writeBytes(try JSON.bytes(value))
      buffer.writeString("\n\n")
      return buffer
    }
  }
}

extension HTTPFields {
  /// Of a browser that asks again, the id that it had last.
  var lastEventID: String? { first { $0.name.canonicalName == "last-event-id" }?.value }
}
