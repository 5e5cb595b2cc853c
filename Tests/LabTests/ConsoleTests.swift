import LinuxHost
import Testing

@testable import Lab

/// The serial console, against a machine that the test plays.
@Suite(.timeLimit(.minutes(2))) struct ConsoleTests {
  private let desk = ConsoleDesk()

  private func withMachine(_ body: (String, Descriptor) async throws -> Void) async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let path = "\(directories.stateRoot)/console.sock"
      try await body(path, try UnixSocket.listen(path: path, mode: 0o600, owner: nil))
    }
  }

  private func accept(_ listener: Descriptor) async throws -> Descriptor {
    while true {
      if let socket = try UnixSocket.accept(listener) { return socket }
      _ = try await Readiness.wait(for: listener, timeoutSeconds: 30)
    }
  }

  /// What a session says, put together, until it has said `count` bytes or ended.
  private func said(_ session: ConsoleSession, _ count: Int) async -> (bytes: [UInt8], lost: Int, end: ConsoleEnd?) {
    var (bytes, lost) = ([UInt8](), 0)
    while bytes.count < count, let event = await session.next() {
      switch event {
      case .begun: break
      case .output(let more): bytes += more
      case .lost(let number): lost += number
      case .ended(let end): return (bytes, lost, end)
      }
    }
    return (bytes, lost, nil)
  }

  @Test func bytesGoBothWaysUntilTheMachineEnds() async throws {
    try await withMachine { path, listener in
      let session = try desk.open("vm1", path: path, steals: false)
      var machine: Descriptor? = try await accept(listener)
      try await talk(session, try #require(machine))
      machine = nil
      #expect(await said(session, .max).end == .closed)
    }
  }

  private func talk(_ session: ConsoleSession, _ socket: Descriptor) async throws {
    #expect(await LineConnection.write(Array("login:".utf8), to: socket))
    #expect(await session.next() == .begun)
    #expect(await session.next() == .output(Array("login:".utf8)))
    #expect(await session.write(Array("root\r".utf8)))
    _ = try await Readiness.wait(for: socket, timeoutSeconds: 30)
    guard case .data(let typed, _) = try UnixSocket.receive(socket, size: 99, maximumDescriptors: 0) else {
      Issue.record("nothing was typed")
      return
    }
    #expect(typed == Array("root\r".utf8))
  }

  @Test func theMachineNeverWaitsForTheClient() async throws {
    try await withMachine { path, listener in
      let session = try desk.open("vm1", path: path, steals: false)
      let machine = try await accept(listener)
      // Far more than the buffer and what the kernel holds; nobody reads.
      let size = 16 << 20
      var block = [UInt8](repeating: 46, count: 1 << 20)
      block[block.count - 1] = 10
      for _ in 0..<16 { #expect(await LineConnection.write(block, to: machine)) }
      #expect(await LineConnection.write(Array("end".utf8), to: machine))
      let told = await said(session, .max, until: "end")
      #expect(told.bytes.count <= ConsoleSession.limit)
      #expect(told.bytes.count + told.lost == size + 3)
      #expect(told.bytes.suffix(4) == Array("\nend".utf8)[...])
    }
  }

  /// As `said`, until the bytes end with a text.
  private func said(
    _ session: ConsoleSession, _ count: Int, until end: String
  ) async -> (bytes: [UInt8], lost: Int) {
    var (bytes, lost) = ([UInt8](), 0)
    // What is lost is known once the machine has said everything.
    while !session.endsWith(end) { await Task.yield() }
    while !bytes.suffix(end.utf8.count).elementsEqual(end.utf8), let event = await session.next() {
      switch event {
      case .begun, .ended: break
      case .output(let more): bytes += more
      case .lost(let number): lost += number
      }
    }
    return (bytes, lost)
  }

  @Test func aSecondClientIsToldAndMaySteal() async throws {
    try await withMachine { path, listener in
      let first = try desk.open("vm1", path: path, steals: false)
      // Kept: a machine that closes its end ends the console before anybody takes it over.
      let former = try await accept(listener)
      defer { withExtendedLifetime(former) {} }
      let error = #expect(throws: UserError.self) { try desk.open("vm1", path: path, steals: false) }
      #expect(error?.message == "the console of node vm1 is in use")
      #expect(error?.hint?.contains("--steal") == true)
      // Another machine's is free.
      #expect(throws: UserError.self) { try desk.open("vm2", path: "\(path)-of-none", steals: false) }
      let second = try desk.open("vm1", path: path, steals: true)
      #expect(await said(first, .max).end == .taken)
      #expect(await first.next() == nil)
      #expect(await first.write([13]) == false)
      let machine = try await accept(listener)
      #expect(await LineConnection.write([65], to: machine))
      #expect(await said(second, 1).bytes == [65])
      second.end(.left)
      _ = try desk.open("vm1", path: path, steals: false)
    }
  }

  @Test func aClientThatHasGoneIsNotInTheWay() async throws {
    try await withMachine { path, listener in
      var session: ConsoleSession? = try desk.open("vm1", path: path, steals: false)
      #expect(session != nil)
      let machine = try await accept(listener)
      session = nil
      _ = try desk.open("vm1", path: path, steals: false)
      // The machine sees its end, too.
      _ = try await Readiness.wait(for: machine, timeoutSeconds: 30)
      guard case .end = try UnixSocket.receive(machine, size: 9, maximumDescriptors: 0) else {
        Issue.record("still connected")
        return
      }
    }
  }
}

extension ConsoleDesk {
  /// A console that is a socket, as QEMU's are.
  fileprivate func open(_ node: String, path: String, steals: Bool) throws(UserError) -> ConsoleSession {
    try open(node, steals: steals) { () throws(UserError) in
      do throws(SystemError) {
        return try UnixSocket.connect(path: path)
      } catch {
        throw UserError(.failed, "\(error)")
      }
    }
  }
}
