import HummingbirdCore
import NIOCore

/// What connections over TCP may cost; on the control socket clients are trusted.
struct ConnectionLimits: Sendable {
  /// Connections at once.
  var count = 256
  /// Until the next request must have come, head and all that a client has to say of it.
  var idle = Duration.seconds(30)
  /// Until a body must have come that has to be there before there is an answer, or a good part of it, and so on.
  var body = Duration.seconds(30)
  /// Bytes a second of it that are a good part.
  var bodyRate = 16 << 10
  /// Until a client must have read the last answer of a connection that is closed behind it.
  var lingering = Duration.seconds(2)
  /// Until a piece of an answer must be in the socket: a client that does not read is not waited for.
  var stall = Duration.seconds(30)
  /// Of all header fields together, and of the request line.
  var headerBytes = 32 << 10
  var headerCount = 100

  /// - Parameter table: of the connections that share these limits.
  func configuration(_ table: ConnectionTable) -> HTTP1Channel.Configuration {
    var configuration = HTTP1Channel.Configuration(
      additionalChannelHandlers: [ConnectionGuard(self, table)], idleTimeout: TimeAmount(idle))
    configuration.httpDecoder = .init(
      maxHeaderFieldSize: headerBytes, maxHeaderListSize: headerBytes, maxHeaderFieldCount: headerCount)
    return configuration
  }
}
