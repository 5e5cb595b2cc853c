import Lab
import Testing
import Topology

@testable import Control

/// Answers that come line by line.
@Suite struct StreamTests {
  private func lines<Line: Decodable>(
    _ client: ControlClient, _ method: ControlClient.Method, _ path: String,
    body: (any Encodable & Sendable)? = nil, as type: Line.Type
  ) async throws -> [Line] {
    var lines: [Line] = []
    try await client.stream(method, path, body: body, as: type) { lines.append($0) }
    return lines
  }

  @Test func upTellsProgressThenThePlan() async throws {
    try await ServerFixture.run(FixedLab(current: nil)) { client, ends in
      let first = try await lines(client, .put, ControlPath.lab, body: FixedLab.definition, as: LabLine.self)
      #expect(first == [.progress("switch sw1"), .plan(FixedLab.plan)])
      let second = try await lines(client, .put, ControlPath.lab, body: FixedLab.definition, as: LabLine.self)
      #expect(second == [.progress("switch sw1"), .plan([])])
      #expect(ends.values.isEmpty)
    }
  }

  @Test func aFirstUpThatFailsEndsTheDaemon() async throws {
    let failure = UserError(.failed, "node vm1: no such image", hint: "put it there")
    try await ServerFixture.run(FixedLab(current: nil, failure: failure)) { client, ends in
      let answer = try await lines(client, .put, ControlPath.lab, body: FixedLab.definition, as: LabLine.self)
      #expect(answer == [.progress("switch sw1"), .failed(ErrorBody(failure))])
      try await ends.wait(for: [.neverCameUp])
    }
  }

  @Test func aLaterUpThatFailsDoesNot() async throws {
    let failure = UserError(.failed, "another definition")
    try await ServerFixture.run(FixedLab(failure: failure)) { client, ends in
      let answer = try await lines(client, .put, ControlPath.lab, body: FixedLab.definition, as: LabLine.self)
      #expect(answer.last == .failed(ErrorBody(failure)))
      #expect(ends.values.isEmpty)
    }
  }

  @Test func downEndsTheDaemon() async throws {
    try await ServerFixture.run(FixedLab()) { client, ends in
      let answer = try await lines(client, .delete, ControlPath.lab, as: LabLine.self)
      #expect(answer == [.progress("vm1: stopped"), .done])
      try await ends.wait(for: [.takenDown])
    }
  }

  @Test func aDaemonThatIsEndingTakesNothingNew() async throws {
    try await ServerFixture.run(FixedLab()) { client, ends in
      _ = try await lines(client, .delete, ControlPath.lab, as: LabLine.self)
      let error = await #expect(throws: UserError.self) {
        _ = try await lines(client, .put, ControlPath.lab, body: FixedLab.definition, as: LabLine.self)
      }
      #expect(error == UserError(.unreachable, "the daemon is ending"))
      try await ends.wait(for: [.takenDown])
    }
  }

  @Test func aDownThatFailsLetsTheNextOneIn() async throws {
    let failure = UserError(.failed, "not wholly removed")
    try await ServerFixture.run(FixedLab(failure: failure)) { client, ends in
      for _ in 0..<2 {
        let answer = try await lines(client, .delete, ControlPath.lab, as: LabLine.self)
        #expect(answer == [.progress("vm1: stopped"), .failed(ErrorBody(failure))])
      }
      let answer = try await lines(client, .put, ControlPath.lab, body: FixedLab.definition, as: LabLine.self)
      #expect(answer.last == .failed(ErrorBody(failure)))
      #expect(ends.values.isEmpty)
    }
  }

  @Test func onlyTheLastUpThatFailsEndsTheDaemon() async throws {
    let door = LabDoor()
    try await door.enter()
    try await door.enter()
    #expect(await door.leave(hasNothingLeft: true) == false)
    try await door.enter()
    #expect(await door.leave(hasNothingLeft: false) == false)
    #expect(await door.leave(hasNothingLeft: true))
    await #expect(throws: UserError(.unreachable, "the daemon is ending")) { try await door.enter() }
  }

  @Test func execPassesOutputAndStatusThrough() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let path = ControlPath.node("vm1", "exec")
      let request = ExecuteRequest(command: ["echo", "a b", "\u{E9}"])
      let answer = try await lines(client, .post, path, body: request, as: ExecuteLine.self)
      #expect(answer == [.event(.output([0, 10, 255])), .event(.error(Array("oops\n".utf8))), .event(.exit(7))])
    }
    #expect(await lab.commands == [["echo", "a b", "\u{E9}"]])
  }

  @Test func execTellsWhyItBroke() async throws {
    let failure = UserError(.failed, "node vm1 ended")
    try await ServerFixture.run(FixedLab(failure: failure)) { client, _ in
      let path = ControlPath.node("vm1", "exec")
      let answer = try await lines(client, .post, path, body: ExecuteRequest(command: ["x"]), as: ExecuteLine.self)
      #expect(answer.last == .failed(ErrorBody(failure)))
    }
  }

  @Test func aCommandEndsWithItsReader() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      struct Enough: Error {}
      await #expect(throws: Enough.self) {
        let request = ExecuteRequest(command: ["wait"])
        try await client.stream(.post, ControlPath.node("vm1", "exec"), body: request, as: ExecuteLine.self) { line in
          if line == .event(.error(Array("oops\n".utf8))) { throw Enough() }
        }
      }
      for await _ in lab.commandEnded {}
    }
  }

  @Test func testsComeOneByOne() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let answer = try await lines(client, .post, ControlPath.tests, as: TestLine.self)
      #expect(
        answer.compactMap { line -> Bool? in
          guard case .result(let result) = line else { return nil }
          return result.passed
        } == [true, false])
    }
  }

  @Test func linesAreFoundWhereverChunksEnd() throws {
    var splitter = LineSplitter()
    #expect(try splitter.add(Array("ab".utf8)).isEmpty)
    #expect(try splitter.add(Array("c\n\nd\nef".utf8)).map { String(decoding: $0, as: UTF8.self) } == ["abc", "d"])
    #expect(splitter.finish() == Array("ef".utf8))
    #expect(splitter.finish() == nil)
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
