import Lab
import Testing
import Topology

@testable import Control

/// Answers that come line by line.
@Suite struct StreamTests {
  private func lines<Line>(
    _ client: ControlClient, _ route: Route<some RouteQuery, NoBody, Lines<Line>>
  ) async throws -> [Line] {
    var lines: [Line] = []
    try await client.stream(route) { lines.append($0) }
    return lines
  }

  private func up(_ client: ControlClient) async throws -> [LabLine] {
    var lines: [LabLine] = []
    try await client.stream(API.labUp, LabDocument(FixedLab.definition)) { lines.append($0) }
    return lines
  }

  private func execute(_ client: ControlClient, _ request: ExecuteRequest) async throws -> [ExecuteLine] {
    var lines: [ExecuteLine] = []
    try await client.stream(API.exec, of: "vm1", .whole(try JSON.bytes(request))) { lines.append($0) }
    return lines
  }

  @Test func upTellsProgressThenThePlan() async throws {
    try await ServerFixture.run(FixedLab(current: nil)) { client, ends in
      let first = try await up(client)
      #expect(first == [.progress("switch sw1"), .plan(FixedLab.plan.map { PlanRow($0) })])
      let second = try await up(client)
      #expect(second == [.progress("switch sw1"), .plan([])])
      #expect(ends.values.isEmpty)
    }
  }

  @Test func aFirstUpThatFailsEndsTheDaemon() async throws {
    let failure = UserError(.failed, "node vm1: no such image", hint: "put it there")
    try await ServerFixture.run(FixedLab(current: nil, failure: failure)) { client, ends in
      let answer = try await up(client)
      #expect(answer == [.progress("switch sw1"), .failed(ErrorBody(failure))])
      try await ends.wait(for: [.neverCameUp])
    }
  }

  @Test func aLaterUpThatFailsDoesNot() async throws {
    let failure = UserError(.failed, "another definition")
    try await ServerFixture.run(FixedLab(failure: failure)) { client, ends in
      let answer = try await up(client)
      #expect(answer.last == .failed(ErrorBody(failure)))
      #expect(ends.values.isEmpty)
    }
  }

  @Test func downEndsTheDaemon() async throws {
    try await ServerFixture.run(FixedLab()) { client, ends in
      let answer = try await lines(client, API.labDown)
      #expect(answer == [.progress("vm1: stopped"), .done])
      try await ends.wait(for: [.takenDown])
    }
  }

  @Test func aDaemonThatIsEndingTakesNothingNew() async throws {
    try await ServerFixture.run(FixedLab()) { client, ends in
      _ = try await lines(client, API.labDown)
      let error = await #expect(throws: UserError.self) {
        _ = try await up(client)
      }
      #expect(error == UserError(.unreachable, "the daemon is ending"))
      try await ends.wait(for: [.takenDown])
    }
  }

  @Test func aDownThatFailsLetsTheNextOneIn() async throws {
    let failure = UserError(.failed, "not wholly removed")
    try await ServerFixture.run(FixedLab(failure: failure)) { client, ends in
      for _ in 0..<2 {
        let answer = try await lines(client, API.labDown)
        #expect(answer == [.progress("vm1: stopped"), .failed(ErrorBody(failure))])
      }
      let answer = try await up(client)
      #expect(answer.last == .failed(ErrorBody(failure)))
      #expect(ends.values.isEmpty)
    }
  }

  @Test func onlyTheLastUpThatFailsEndsTheDaemon() async throws {
    let door = LabDoor()
    try await door.enter(FixedLab.definition)
    try await door.enter(FixedLab.definition)
    #expect(await door.leave { true } == false)
    try await door.enter(FixedLab.definition)
    #expect(await door.leave { false } == false)
    #expect(await door.leave { true })
    await #expect(throws: UserError(.unreachable, "the daemon is ending")) { try await door.enter(FixedLab.definition) }
  }

  @Test func execPassesOutputAndStatusThrough() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let answer = try await execute(client, ExecuteRequest(command: ["echo", "a b", "\u{E9}"]))
      #expect(answer == [.event(.output([0, 10, 255])), .event(.error(Array("oops\n".utf8))), .event(.exit(7))])
    }
    #expect(await lab.commands == [["echo", "a b", "\u{E9}"]])
  }

  @Test func execTellsWhyItBroke() async throws {
    let failure = UserError(.failed, "node vm1 ended")
    try await ServerFixture.run(FixedLab(failure: failure)) { client, _ in
      let answer = try await execute(client, ExecuteRequest(command: ["x"]))
      #expect(answer.last == .failed(ErrorBody(failure)))
    }
  }

  @Test func inputFollowsTheRequest() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      var request = ExecuteRequest(command: ["cat"])
      request.directory = "/srv"
      request.environment = ["A": "b c"]
      request.fileMask = 0o27
      request.input = true
      request.terminal = TerminalRow(TerminalSize(rows: 24, columns: 80))
      let sent: [InputLine] = [.input([0, 255]), .size(TerminalSize(rows: 3, columns: 4)), .input(Array("x\n".utf8))]
      let pieces = Pieces(sent)
      let upload = Upload.lines(first: try JSON.bytes(request)) {
        try await pieces.next().map { try JSON.bytes($0) }
      }
      var answer: [ExecuteLine] = []
      try await client.stream(API.exec, of: "vm1", upload) {
        answer.append($0)
      }
      #expect(
        answer == [
          .event(.output([0, 255])), .event(.error(Array("3x4".utf8))), .event(.output(Array("x\n".utf8))),
          .event(.exit(0)),
        ])
    }
    var wanted = CommandRequest(["cat"])
    (wanted.directory, wanted.environment, wanted.fileMask) = ("/srv", ["A": "b c"], 0o27)
    (wanted.takesInput, wanted.terminal) = (true, TerminalSize(rows: 24, columns: 80))
    #expect(await lab.requests == [wanted])
  }

  @Test func aLineThatIsNoInputEndsTheCommandAndSaysWhy() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      for line in ["garbage", #"{"in": "no base64!"}"#, #"{"size": {"rows": -1, "columns": 70000}}"#] {
        var request = ExecuteRequest(command: ["cat"])
        request.input = true
        let pieces = Pieces([.input([7])])
        let upload = Upload.lines(first: try JSON.bytes(request)) {
          try await pieces.next().map { try JSON.bytes($0) } ?? Array(line.utf8)
        }
        var answer: [ExecuteLine] = []
        try await client.stream(API.exec, of: "vm1", upload) {
          answer.append($0)
        }
        // Not as if the input had ended there: what takes it would go on with half of it.
        guard case .failed(let error) = answer.last else {
          Issue.record("\(line): \(answer)")
          continue
        }
        #expect(error.message.contains("a line of the body is not what is taken here"), "\(line): \(error)")
      }
    }
  }

  @Test func aBodyWithoutACommandIsRefused() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      for body in ["", "{}", "no JSON", #"{"command": ["x"], "imput": true}"#] {
        let error = await #expect(throws: UserError.self) {
          let upload = Upload.lines(first: Array(body.utf8)) { nil }
          try await client.stream(API.exec, of: "vm1", upload) { _ in }
        }
        #expect(error?.code == .badInput, "\(body)")
      }
    }
  }

  @Test func aConsoleInUseIsToldSo() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      for (steal, words) in [(false, "in use"), (true, "though stolen")] {
        let error = await #expect(throws: UserError.self) {
          let upload = Upload.lines(first: nil) { nil }
          try await client.stream(API.console, of: "vm1", query: ConsoleQuery(steal: steal), upload) { _ in }
        }
        #expect(error?.message.hasSuffix(words) == true)
      }
    }
  }

  @Test(arguments: [
    (ConsoleLine.event(.begun), #"{"begun":true}"#), (.event(.output([104, 105])), #"{"out":"aGk="}"#),
    (.event(.lost(7)), #"{"lost":7}"#), (.event(.ended(.taken)), #"{"end":"taken"}"#),
  ])
  func linesOfAConsole(_ line: ConsoleLine, _ text: String) throws {
    #expect(try JSON.text(line) == text)
    #expect(try JSON.decode(ConsoleLine.self, from: Array(text.utf8)) == line)
  }

  @Test func aCommandEndsWithItsReader() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      struct Enough: Error {}
      await #expect(throws: Enough.self) {
        let request = ExecuteRequest(command: ["wait"])
        try await client.stream(API.exec, of: "vm1", .whole(try JSON.bytes(request))) { line in
          if line == .event(.error(Array("oops\n".utf8))) { throw Enough() }
        }
      }
      for await _ in lab.commandEnded {}
    }
  }

  @Test func testsComeOneByOne() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      var answer: [TestLine] = []
      try await client.stream(API.tests) { answer.append($0) }
      #expect(
        answer.compactMap { line -> Bool? in
          guard case .result(let result) = line else { return nil }
          return result.passed
        } == [true, false])
    }
  }

  @Test func framesComeInWords() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      var answer: [String] = []
      try await client.stream(API.frames) { answer.append(try JSON.text($0)) }
      #expect(
        answer == [
          #"{"lost":3}"#,
          #"{"comment":"dropped: no-buffer","direction":"out","info":"","interface":"vm1.eth0","length":60,"#
            + #""protocol":"LLDP","source":"02:00:00:00:00:01","target":"02:00:00:00:00:02","#
            + #""time":"2026-01-02T03:04:05.000006Z","vlans":[10]}"#,
        ])
    }
  }

  @Test func linesAreFoundWhereverChunksEnd() throws {
    var splitter = LineSplitter()
    #expect(try splitter.add(Array("ab".utf8)).isEmpty)
    #expect(try splitter.add(Array("c\n\nd\nef".utf8)).map { String(decoding: $0, as: UTF8.self) } == ["abc", "d"])
    #expect(splitter.finish() == Array("ef".utf8))
    #expect(splitter.finish() == nil)
  }

  /// Each byte is looked at once, however small the chunks: 2 MiB that were looked at anew with each would never end.
  @Test(.timeLimit(.minutes(3))) func aLongLineMayComeByteByByte() throws {
    var splitter = LineSplitter()
    let size = 2 << 20
    var complete = 0
    for _ in 0..<size { complete += try splitter.add(CollectionOfOne(UInt8(65))).count }
    let lines = try splitter.add(CollectionOfOne(UInt8(ascii: "\n")))
    #expect(complete == 0 && lines.map(\.count) == [size] && splitter.finish() == nil)
  }

  @Test func aLineWithoutEndIsRefused() throws {
    var splitter = LineSplitter()
    _ = try splitter.add([UInt8](repeating: 65, count: LineSplitter.limit))
    #expect(throws: LineTooLong.self) { try splitter.add([65]) }
  }
}

extension ServerFixture.Ends {
  /// Waits until the server has said so; its word comes right after its answer.
  fileprivate func wait(for expected: [LabEnd]) async throws {
    while values.count < expected.count { try await Task.sleep(for: .milliseconds(1)) }
    #expect(values == expected)
  }
}

/// What a client sends, one piece after the other.
private actor Pieces {
  private var lines: [InputLine]
  init(_ lines: [InputLine]) { self.lines = lines }
  func next() -> InputLine? { lines.isEmpty ? nil : lines.removeFirst() }
}
