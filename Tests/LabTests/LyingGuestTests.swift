import LinuxHost
import Testing

@testable import Lab

/// A guest that says on its agent's channel what it may not.
@Suite(.timeLimit(.minutes(2))) struct LyingGuestTests {
  private func command(isOpened: Bool) throws -> (GuestCommand, LineConnection, guest: Descriptor) {
    let (host, guest) = try UnixSocket.pair()
    let connection = LineConnection(host)
    return (GuestCommand(id: "x1", isOpened: isOpened, connection: connection), connection, guest)
  }

  @Test func emptyOutputIsNone() async throws {
    let (command, connection, _) = try command(isOpened: true)
    defer { connection.close() }
    for _ in 0..<1000 {
      #expect(command.deliver(.output([])))
      #expect(command.deliver(.error([])))
    }
    #expect(command.deliver(.output([7])))
    #expect(command.deliver(.exit(3)))
    command.finish(.success(()))
    #expect(try await command.next() == .output([7]))
    #expect(try await command.next() == .exit(3))
    #expect(try await command.next() == nil)
  }

  @Test func manyShortPiecesAreTooManyToo() throws {
    let (command, connection, _) = try command(isOpened: false)
    defer { connection.close() }
    var taken = 0
    while taken <= GuestCommand.backlogLimit, command.deliver(.output([7])) { taken += 1 }
    #expect(taken == GuestCommand.pieceLimit + 1)
  }

  @Test func inputThatIsAskedForAndNotTakenWaits() async throws {
    let (command, connection, guest) = try command(isOpened: true)
    let size = 4 << 20
    let writer = Task { await command.write([UInt8](repeating: 65, count: size)) }
    // All of it is asked for, again and again; none is read.
    for _ in 0..<100 {
      command.grant(AgentRequest.windowLimit)
      try await Task.sleep(for: .milliseconds(2))
      #expect(connection.queuedBytes <= SendQueue.limit + 2 * AgentRequest.inputSize)
    }
    let reader = LineConnection(guest)
    defer { reader.close() }
    let (asker, lines) = (
      Task {
        while !Task.isCancelled {
          command.grant(AgentRequest.windowLimit)
          try? await Task.sleep(for: .milliseconds(2))
        }
      }, (size + AgentRequest.inputSize - 1) / AgentRequest.inputSize
    )
    for _ in 0..<lines { #expect(await reader.next()?.hasPrefix("in x1 ") == true) }
    asker.cancel()
    #expect(await writer.value)
    connection.close()
  }

  @Test func whoWaitsForRoomEndsWithTheConnection() async throws {
    let (command, connection, guest) = try command(isOpened: true)
    let writer = Task { await command.write([UInt8](repeating: 65, count: AgentRequest.windowLimit)) }
    command.grant(AgentRequest.windowLimit)
    while connection.queuedBytes <= SendQueue.limit { try await Task.sleep(for: .milliseconds(1)) }
    connection.close()
    #expect(await writer.value == false)
    _ = guest
  }
}
