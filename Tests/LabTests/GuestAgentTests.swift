import FoundationEssentials
import Testing

@testable import Lab

/// The client of the guest's agent against an agent that the test plays.
@Suite struct GuestAgentTests {
  /// An agent that is ready, and the fake guest at its other end.
  private func withAgent(
    saying words: String? = nil, _ body: (GuestAgent, FakePeer, LineConnection) async throws -> Void
  ) async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let (ready, told) = AsyncStream.makeStream(of: Void.self)
      let path = "\(directories.stateRoot)/agent.sock"
      let agent = GuestAgent(path: path) { _ in told.yield() }
      defer { agent.close() }
      agent.start()
      #expect(!agent.isReady)
      let guest = try FakePeer(path: path)
      let connection = try await guest.accept()
      let ping = try #require(await connection.next(beginning: "ping "))
      if let words { connection.send(words) }
      connection.send("pong \(ping.word(1))")
      await ready.first { true }
      #expect(agent.isReady)
      try await body(agent, guest, connection)
    }
  }

  private func script(_ line: String) -> String {
    String(decoding: Data(base64Encoded: line.word(2)) ?? Data(), as: UTF8.self)
  }

  @Test func outputAndStatusComeThrough() async throws {
    try await withAgent { agent, _, guest in
      let output = try agent.execute(["echo", "it's"])
      let request = try #require(await guest.next(beginning: "run "))
      let id = request.word(1)
      #expect(script(request) == "export APUS_EXEC=\(id); exec 'echo' 'it'\\''s'")
      for line in ["out \(id) aGk=", "noise", "err \(id) eW8=", "out other aGk=", "exit \(id) 3"] { guest.send(line) }
      var events: [ExecuteEvent] = []
      for try await event in output { events.append(event) }
      #expect(events == [.output(Array("hi".utf8)), .error(Array("yo".utf8)), .exit(3)])
    }
  }

  @Test func commandsRunSideBySide() async throws {
    try await withAgent { agent, _, guest in
      let (first, second) = (try agent.execute(["a"]), try agent.execute(["b"]))
      let firstID = try #require(await guest.next(beginning: "run ")).word(1)
      let secondID = try #require(await guest.next(beginning: "run ")).word(1)
      guest.send("exit \(secondID) 2")
      guest.send("exit \(firstID) 1")
      var statuses: [ExecuteEvent] = []
      for try await event in first { statuses.append(event) }
      for try await event in second { statuses.append(event) }
      #expect(statuses == [.exit(1), .exit(2)])
    }
  }

  @Test func droppedStreamEndsTheCommandInTheGuest() async throws {
    try await withAgent { agent, _, guest in
      var output: GuestAgent.Output? = try agent.execute(["sleep", "99"])
      let id = try #require(await guest.next(beginning: "run ")).word(1)
      #expect(output != nil)
      output = nil
      let kill = try #require(await guest.next(beginning: "run "))
      #expect(script(kill).contains("grep -l \(id) "))
      // Else it would find itself.
      #expect(!kill.word(1).contains(id))
    }
  }

  @Test func lostConnectionEndsCommandsAndIsMadeAgain() async throws {
    try await withAgent { agent, peer, guest in
      let output = try agent.execute(["sleep", "99"])
      _ = await guest.next(beginning: "run ")
      agent.guestWasReset()
      await #expect(throws: UserError(.failed, "the guest was reset")) {
        for try await _ in output {}
      }
      #expect(!agent.isReady)
      #expect(throws: UserError.self) { try agent.execute(["true"]) }
      let again = try await peer.accept()
      #expect(await again.next(beginning: "ping ") != nil)
    }
  }

  @Test func whatBecameOfTheNetworkComesWithThePong() async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let (setups, told) = AsyncStream.makeStream(of: GuestSetup.self)
      let path = "\(directories.stateRoot)/agent.sock"
      let agent = GuestAgent(path: path) { told.yield($0) }
      defer { agent.close() }
      let peer = try FakePeer(path: path)
      agent.start()
      for lines in [["fault ID route to default via fe80::1 on eth0: ip: no", "setup ID 3"], ["setup ID 4"], []] {
        let guest = try await peer.accept()
        let id = try #require(await guest.next(beginning: "ping ")).word(1)
        for line in ["fault other x", "setup other 7"] { guest.send(line) }
        for line in lines + ["pong ID"] { guest.send(line.replacing("ID", with: id)) }
        let setup = try #require(await setups.first { _ in true })
        let isFaulty = lines.count == 2
        #expect(setup.steps == (lines.isEmpty ? nil : isFaulty ? 3 : 4))
        #expect(setup.faults == (isFaulty ? ["route to default via fe80::1 on eth0: ip: no"] : []))
        agent.guestWasReset()
      }
    }
  }

  @Test func pongOfAnotherHostsPingDoesNotCount() async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let path = "\(directories.stateRoot)/agent.sock"
      let agent = GuestAgent(path: path) { _ in }
      defer { agent.close() }
      let peer = try FakePeer(path: path)
      agent.start()
      let guest = try await peer.accept()
      guest.send("pong someoneelse")
      // Two more pings: the first may have been under way already.
      _ = await guest.next(beginning: "ping ")
      _ = await guest.next(beginning: "ping ")
      #expect(!agent.isReady)
    }
  }

  @Test func endlessLineEndsTheConnection() async throws {
    try await withAgent { _, peer, guest in
      guest.send(String(repeating: "x", count: 3 * LineConnection.lineLimit))
      let again = try await peer.accept()
      #expect(await again.next(beginning: "ping ") != nil)
    }
  }

  @Test func overlongCommandIsRefused() async throws {
    try await withAgent { agent, _, _ in
      let error = #expect(throws: UserError.self) {
        try agent.execute([String(repeating: "x", count: GuestAgent.commandLimit)])
      }
      #expect(error?.code == .badInput)
    }
  }

  // MARK: - Commands that are opened

  @Test func inputGoesAsFastAsTheGuestAsks() async throws {
    try await withAgent(saying: "can open") { agent, _, guest in
      var request = CommandRequest(["cat"])
      request.takesInput = true
      let command = try agent.start(request)
      let open = try #require(await guest.next(beginning: "open "))
      let id = open.word(1)
      #expect(script(open) == "export APUS_EXEC=\(id); exec 'cat'")
      #expect(open.word(3) == "\(GuestCommand.window)")
      let writer = Task {
        let isTaken = await command.input.write([UInt8](repeating: 65, count: 7000))
        await command.input.end()
        return isTaken
      }
      func next() async throws -> [UInt8] {
        let line = try #require(await guest.next())
        return line.hasPrefix("in \(id) ") ? [UInt8](Data(base64Encoded: line.word(2)) ?? Data()) : Array(line.utf8)
      }
      // Nothing before the guest has asked for it.
      guest.send("more \(id) 5000")
      #expect(try await next().count == AgentRequest.inputSize)
      #expect(try await next().count == 5000 - AgentRequest.inputSize)
      guest.send("more \(id) 100000")
      #expect(try await next().count == 2000)
      #expect(try await next() == Array("eof \(id)".utf8))
      #expect(await writer.value)
      guest.send("exit \(id) 0")
      for try await _ in command.events {}
    }
  }

  @Test func outputIsAskedForAsItIsRead() async throws {
    try await withAgent(saying: "can open") { agent, _, guest in
      let command = try agent.start(CommandRequest(["yes"]))
      let id = try #require(await guest.next(beginning: "open ")).word(1)
      let count = GuestCommand.window / 4
      let piece = Data(repeating: 66, count: 4096).base64EncodedString()
      for _ in 0..<(count / 4096) { guest.send("out \(id) \(piece)") }
      var iterator = command.events.makeAsyncIterator()
      for _ in 0..<(count / 4096) { _ = try await iterator.next() }
      #expect(await guest.next(beginning: "more ") == "more \(id) \(count)")
    }
  }

  @Test func aGuestThatSendsMoreThanItMayLosesTheCommand() async throws {
    try await withAgent(saying: "can open") { agent, _, guest in
      let command = try agent.start(CommandRequest(["yes"]))
      let id = try #require(await guest.next(beginning: "open ")).word(1)
      let piece = Data(repeating: 66, count: 4096).base64EncodedString()
      for _ in 0...(GuestCommand.window / 4096) { guest.send("out \(id) \(piece)") }
      let kill = try #require(await guest.next(beginning: "run "))
      #expect(script(kill).contains("grep -l \(id) "))
      await #expect(throws: UserError(.failed, "the guest sent more than it was asked for; command ended")) {
        for try await _ in command.events {}
      }
    }
  }

  @Test func terminalsHaveTheirSize() async throws {
    try await withAgent(saying: "can open") { agent, _, guest in
      var request = CommandRequest(["vi"])
      request.terminal = TerminalSize(rows: 33, columns: 111)
      request.environment = ["TERM": "x'y", "HOME": "/nowhere"]
      let command = try agent.start(request)
      let open = try #require(await guest.next(beginning: "open "))
      let id = open.word(1)
      #expect(script(open) == "export APUS_EXEC=\(id); export TERM='x'\\''y'; exec 'vi'")
      #expect(open.hasSuffix(" \(GuestCommand.window) 33 111"))
      // Before the guest has the command, and after.
      command.input.resize(to: TerminalSize(rows: 1, columns: 2))
      guest.send("more \(id) 10")
      #expect(await guest.next() == "size \(id) 1 2")
      command.input.resize(to: TerminalSize(rows: 3, columns: 4))
      #expect(await guest.next() == "size \(id) 3 4")
    }
  }

  @Test func anAgentOfBeforeSaysSo() async throws {
    try await withAgent { agent, _, _ in
      var request = CommandRequest(["cat"])
      request.takesInput = true
      let error = #expect(throws: UserError.self) { try agent.start(request) }
      #expect(error?.message.contains("older version") == true)
    }
  }
}
