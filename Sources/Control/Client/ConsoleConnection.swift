import Lab
import NIOCore
import NIOPosix

/// A node's serial console, over its socket.
package enum ConsoleConnection {
  /// Passes bytes both ways until `input` ends or the console closes.
  /// - Parameters:
  ///   - path: the console's socket, as `GET /v1/nodes/NODE/console` tells it.
  ///   - onConnect: called once the console listens.
  /// - Throws: `UserError` when nobody listens there.
  package static func run(
    path: String, input: AsyncStream<[UInt8]>, onConnect: () -> Void = {},
    output: @escaping @Sendable ([UInt8]) throws -> Void
  ) async throws {
    let connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    do {
      connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(unixDomainSocketPath: path) { channel in
          channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
        }
    } catch {
      throw UserError(
        .failed, "console \(path): \(ErrorWords.ofConnection(error))", hint: "does the node run? see `apus ps`")
    }
    onConnect()
    try await connection.executeThenClose { inbound, outbound in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for await bytes in input { try await outbound.write(ByteBuffer(bytes: bytes)) }
        }
        group.addTask {
          for try await buffer in inbound { try output([UInt8](buffer.readableBytesView)) }
        }
        try await group.next()
        group.cancelAll()
      }
    }
  }
}
