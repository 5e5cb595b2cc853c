import LinuxHost
import Testing

@testable import Lab

/// A connection whose machine moves: nothing that is said gets lost, or comes in another order.
@Suite struct SwitchedSocketTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func read(_ socket: Descriptor) async throws -> String {
    while true {
      switch try UnixSocket.receive(socket, size: 100, maximumDescriptors: 0) {
      case .data(let bytes, _): return String(decoding: bytes, as: UTF8.self)
      case .wouldBlock: _ = try await Readiness.wait(for: socket, timeoutSeconds: 60)
      case .end: return "end"
      }
    }
  }

  @Test func whatIsSentWaitsForTheOtherOne() async throws {
    let (near, far) = try UnixSocket.pair()
    let (next, other) = try UnixSocket.pair()
    let socket = SwitchedSocket(near)
    #expect(await socket.write(bytes("a")))
    #expect(await !socket.isDrained(within: 0.01))
    #expect(try await read(far) == "a")
    #expect(await socket.isDrained(within: 60))

    socket.prepare(next, holds: true)
    let sent = Task { await socket.write(bytes("b")) }
    try await Task.sleep(for: .milliseconds(20))
    #expect(await socket.isDrained(within: 60))
    socket.arrive()
    #expect(await sent.value)
    #expect(try await read(other) == "b")
    // What the first one said comes first, also if it has gone by then.
    #expect(try UnixSocket.send(far, bytes("1")) == 1)
    #expect(try UnixSocket.send(other, bytes("2")) == 1)
    #expect(await socket.read() == bytes("1"))
    let second = Task { await socket.read() }
    _ = consume far
    #expect(await second.value == bytes("2"))
    _ = consume other
    #expect(await socket.read() == nil)
  }

  @Test func oneThatStaysGoesOn() async throws {
    let (near, far) = try UnixSocket.pair()
    let (next, other) = try UnixSocket.pair()
    let socket = SwitchedSocket(near)
    socket.prepare(next, holds: true)
    let sent = Task { await socket.write(bytes("b")) }
    socket.stay()
    #expect(await sent.value)
    #expect(try await read(far) == "b")
    _ = consume far
    // Its end is the end, whoever else there was.
    #expect(await socket.read() == nil)
    _ = consume other
  }

  @Test func nothingGoesOnAfterTheClose() async throws {
    let (near, far) = try UnixSocket.pair()
    let socket = SwitchedSocket(near)
    socket.prepare(near, holds: true)
    let sent = Task { await socket.write(bytes("b")) }
    try await Task.sleep(for: .milliseconds(5))
    socket.close()
    #expect(await !sent.value)
    #expect(await socket.read() == nil)
    _ = consume far
  }

  /// Lines that are cut in two by the move are whole.
  @Test func linesAreWhole() async throws {
    let (near, far) = try UnixSocket.pair()
    let (next, other) = try UnixSocket.pair()
    let connection = LineConnection(near)
    #expect(try UnixSocket.send(far, bytes("one\ntw")) == 6)
    #expect(await connection.next() == "one")
    connection.socket.prepare(next, holds: true)
    connection.send("three")
    connection.socket.arrive()
    #expect(try UnixSocket.send(other, bytes("o\nfour\n")) == 7)
    _ = consume far
    #expect(await connection.next() == "two")
    #expect(await connection.next() == "four")
    #expect(try await read(other) == "three\n")
  }
}
