import Hummingbird
import NIOCore

extension ResponseBodyWriter {
  /// Writes a piece, and returns when the channel's event loop has seen it.
  ///
  /// NIO's writer makes its producer wait once the loop has found the socket full. Until the loop runs it takes all that
  /// comes, and on a busy machine that was a whole recording.
  /// - Throws: when the channel has closed.
  mutating func write(_ piece: ByteBuffer, inStepWith channel: any Channel) async throws {
    try await write(piece)
    // The writer hands pieces to the loop in order, so that this runs behind the piece.
    try await channel.eventLoop.submit {}.get()
  }
}
