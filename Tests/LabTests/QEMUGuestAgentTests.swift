import Foundation
import Testing

@testable import Lab

/// The client of QEMU's guest agent against an agent that the test plays.
@Suite(.timeLimit(.minutes(2))) struct QEMUGuestAgentTests {
  private func number(_ line: String) -> Int {
    let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    return (object?["arguments"] as? [String: Any])?["id"] as? Int ?? 0
  }

  /// The next request that is no greeting: while the tests keep the processors busy, more than one may be sent.
  private func request(_ guest: LineConnection) async -> String? {
    while let line = await guest.next() {
      if number(line) == 0 { return line }
    }
    return nil
  }

  /// A client that has connected, the test's end of it, and what tells that the agent is ready.
  private func withConnection(
    _ body: (QEMUGuestAgent, LineConnection, AsyncStream<Void>) async throws -> Void
  ) async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let (ready, told) = AsyncStream.makeStream(of: Void.self)
      let path = "\(directories.stateRoot)/agent.sock"
      let agent = QEMUGuestAgent(path: path) { told.yield() }
      defer { agent.close() }
      agent.start()
      try await body(agent, try await FakePeer(path: path).accept(), ready)
    }
  }

  private func withAgent(_ body: (QEMUGuestAgent, LineConnection) async throws -> Void) async throws {
    try await withConnection { agent, guest, ready in
      let greeting = try #require(await guest.next(beginning: #"{"arguments":{"id":"#))
      // What a daemon before this one has asked is answered first, and counts for nothing.
      guest.send(#"{"return": {"pid": 1}}"#)
      guest.send(#"{"return": 12}"#)
      #expect(!agent.isReady)
      guest.send(#"{"return": \#(number(greeting))}"#)
      await ready.first { true }
      #expect(agent.isReady)
      try await body(agent, guest)
    }
  }

  private func events(_ stream: AsyncThrowingStream<ExecuteEvent, any Error>) async throws -> [ExecuteEvent] {
    var events: [ExecuteEvent] = []
    for try await event in stream { events.append(event) }
    return events
  }

  @Test func outputAndStatusComeThrough() async throws {
    try await withAgent { agent, guest in
      let output = try agent.execute(["echo", "it's"])
      #expect(
        await request(guest)
          == #"{"arguments":{"arg":["it's"],"capture-output":true,"path":"echo"},"execute":"guest-exec"}"#)
      guest.send(#"{"return": {"pid": 77}}"#)
      let question = #"{"arguments":{"pid":77},"execute":"guest-exec-status"}"#
      #expect(await request(guest) == question)
      guest.send(#"{"return": {"exited": false}}"#)
      #expect(await request(guest) == question)
      guest.send(#"{"return": {"exited": true, "exitcode": 3, "out-data": "aGk=", "err-data": "eW8="}}"#)
      #expect(try await events(output) == [.output(Array("hi".utf8)), .error(Array("yo".utf8)), .exit(3)])
    }
  }

  @Test func inputGoesWithTheCommand() async throws {
    try await withAgent { agent, guest in
      var wanted = CommandRequest(["wc", "-c"])
      wanted.takesInput = true
      let command = try agent.start(wanted)
      #expect(await command.input.write(Array("h".utf8)))
      #expect(await command.input.write(Array("i".utf8)))
      await command.input.end()
      #expect(
        await request(guest)
          == #"{"arguments":{"arg":["-c"],"capture-output":true,"input-data":"aGk=","path":"wc"},"execute":"guest-exec"}"#
      )
      guest.send(#"{"return": {"pid": 77}}"#)
      _ = await request(guest)
      guest.send(#"{"return": {"exited": true, "exitcode": 0, "out-data": "Mgo="}}"#)
      #expect(try await events(command.events) == [.output(Array("2\n".utf8)), .exit(0)])
    }
  }

  @Test func inputThatIsTooLongIsRefused() async throws {
    try await withAgent { agent, _ in
      var wanted = CommandRequest(["cat"])
      wanted.takesInput = true
      let command = try agent.start(wanted)
      #expect(await command.input.write([UInt8](repeating: 0, count: CollectedInput.limit)))
      #expect(await command.input.write([0]) == false)
      await #expect(throws: UserError.self) { _ = try await events(command.events) }
    }
  }

  @Test func terminalsAreRefused() async throws {
    try await withAgent { agent, _ in
      var wanted = CommandRequest(["sh"])
      wanted.terminal = TerminalSize(rows: 24, columns: 80)
      #expect(throws: UserError.self) { try agent.start(wanted) }
    }
  }

  @Test(
    arguments: [
      (#"Failed to execute child process “/etc” (Permission denied)"#, 126),
      (#"Failed to execute child process "x" (Exec format error)"#, 126),
      (#"Failed to execute child process “x” (No such file or directory)"#, 127), ("no process", 127),
    ] as [(String, Int32)])
  func refusalsAreThoseOfAShell(_ words: String, _ status: Int32) {
    #expect(QEMUGuestAgentAnswer.status(ofRefusal: words) == status)
  }

  @Test func guestMayBeSlowerThanTheGreetings() async throws {
    try await withConnection { agent, guest, ready in
      let first = try #require(await guest.next())
      let second = try #require(await guest.next())
      guest.send(#"{"return": \#(number(first))}"#)
      await ready.first { true }
      let output = try agent.execute(["nonsense"])
      // This one answers the greeting, not the command.
      guest.send(#"{"return": \#(number(second))}"#)
      _ = await request(guest)
      guest.send(#"{"error": {"class": "GenericError", "desc": "no such program"}}"#)
      #expect(try await events(output) == [.error(Array("nonsense: no such program\n".utf8)), .exit(127)])
    }
  }

  @Test func programThatIsNotThereIs127() async throws {
    try await withAgent { agent, guest in
      let output = try agent.execute(["nonsense"])
      _ = await request(guest)
      guest.send(#"{"error": {"class": "GenericError", "desc": "no such program"}}"#)
      #expect(try await events(output) == [.error(Array("nonsense: no such program\n".utf8)), .exit(127)])
    }
  }

  @Test func signalIsAStatusAsInAShell() async throws {
    try await withAgent { agent, guest in
      let output = try agent.execute(["x"])
      _ = await request(guest)
      guest.send(#"{"return": {"pid": 7}}"#)
      _ = await request(guest)
      guest.send(#"{"return": {"exited": true, "signal": 9}}"#)
      #expect(try await events(output) == [.exit(137)])
    }
  }

  @Test func resetEndsWhatRunsAndAsksAgain() async throws {
    try await withAgent { agent, guest in
      let output = try agent.execute(["x"])
      _ = await request(guest)
      agent.guestWasReset()
      #expect(!agent.isReady)
      await #expect(throws: UserError(.failed, "the guest was reset")) { _ = try await events(output) }
      #expect(throws: UserError.self) { try agent.execute(["y"]) }
    }
  }

  @Test(arguments: ["", "no JSON", "[1]", #"{"return": "text"}"#, #"{"return": {"pid": 99999999999999999999}}"#])
  func strangeLinesAreNoAnswers(_ line: String) {
    let answer = QEMUGuestAgentAnswer(line: line)
    #expect(answer?.process == nil && answer?.status == nil && answer?.number == nil)
  }

  @Test func delimitedAnswer() {
    let line = String(decoding: [0xFF] + Array(#"{"return": 5}"#.utf8), as: UTF8.self)
    #expect(QEMUGuestAgentAnswer(line: line) == nil)
    #expect(QEMUGuestAgentAnswer(line: #"{"return": 5}"#)?.number == 5)
  }
}
