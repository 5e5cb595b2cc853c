import Hummingbird
import NIOCore

/// How far what is written may be ahead of the event loop that sends it.
///
/// NIO's writer makes its producer wait once the loop has found the socket full. Until the loop runs it takes all that
/// comes, and on a busy machine that was a whole recording.
struct WritePace {
  /// Bytes that the loop may have before it; what is as long waits at once, lines seldom.
  private static let limit = 64 << 10

  private let channel: any Channel
  /// Bytes since the loop was last seen.
  private var ahead = 0

  init(_ channel: any Channel) { self.channel = channel }

  /// Notes that so many bytes were written; waits for the loop where they are many.
  /// - Throws: when the channel has closed.
  mutating func wrote(_ size: Int) async throws {
    ahead += size
    guard ahead >= Self.limit else { return }
    ahead = 0
    // The writer hands pieces to the loop in order, so that this runs behind the last of them.
    try await channel.eventLoop.submit {}.get()
  }
}

extension ResponseBodyWriter {
  /// Writes a piece, and does not get far ahead of the event loop.
  /// - Throws: when the channel has closed.
  mutating func write(_ piece: ByteBuffer, _ pace: inout WritePace) async throws {
    let size = piece.readableBytes
    try await write(piece)
    try await pace.wrote(size)
  }
}
