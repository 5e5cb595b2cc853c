import FoundationEssentials
import Lab
import TestSupport
import Testing
import Topology

@testable import Control

/// The daemon's doors while another program goes on with its lab.
@Suite struct UpgradeTests {
  @Test func anAnswerEndsWithWhoGoesOn() async throws {
    try await ServerFixture.run(FixedLab()) { client, ends in
      var lines: [UpgradeLine] = []
      try await client.stream(API.upgrade, UpgradeRequest(program: "/usr/bin/apus")) { lines.append($0) }
      #expect(lines.first == .progress("/usr/bin/apus is ready"))
      guard case .upgraded(let row)? = lines.last else {
        Issue.record("\(lines)")
        return
      }
      #expect(row.words == "lab two goes on with apus 9.9, process 4711; no frame moved for 21 ms")
      // The daemon ends behind the answer.
      try await eventually("the end is told") { ends.values == [.neverAskedFor] }
      lines = []
      try await client.stream(API.upgrade, UpgradeRequest(program: "/bin/other")) { lines.append($0) }
      #expect(lines.last == .failed(ErrorBody(UserError(.badInput, "no program /bin/other"))))
    }
  }

  /// Who has connected goes on, who connects waits, and is answered by whoever takes the socket then.
  @Test func clientsWaitInTheSocket() async throws {
    let folder = try ServerFixture.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/control.sock"
    let old = ControlServer(service: FixedLab(), socket: path, onEnd: { _ in })
    let (ready, readiness) = AsyncStream<Void>.makeStream()
    let oldTask = Task { try await old.run { readiness.yield() } }
    for await _ in ready { break }
    let client = ControlClient(socket: path)
    let before = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int

    await old.letWait()
    #expect(try await client.ask(API.version, within: 0.1) == nil)
    let waiting = Task { try await client.ask(API.version, within: 60) }
    await old.takeAgain()
    #expect(try await waiting.value != nil)

    await old.letWait()
    let file = try #require(old.socketFile)
    let other = Task { try await client.ask(API.version, within: 60) }
    let new = ControlServer(
      service: FixedLab(), socket: path, inheriting: ListeningSocket(file), onEnd: { _ in })
    let newTask = Task { try await new.run {} }
    #expect(try await other.value != nil)
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int == before)
    oldTask.cancel()
    _ = await oldTask.result
    #expect(try await client.ask(API.version, within: 60) != nil)
    newTask.cancel()
    _ = await newTask.result
    // The socket itself is still open here, so that who connects waits for nobody.
    #expect(try await client.ask(API.version, within: 0.1) == nil)
    withExtendedLifetime(file) {}
  }

  /// Over TCP too, and who has a session keeps it.
  @Test func theSessionsOverTCPCountOn() async throws {
    try await TCPFixture.run { fixture in
      let body = #"{"token":"\#(TCPFixture.token)"}"#
      let login = try await fixture.ask("POST", "/v1/session", body: body, isTrusted: false)
      let line = try #require(login.head.split(separator: "\r\n").first { $0.hasPrefix("set-cookie: ") })
      // Sessions are letters of both kinds: the head is told in one.
      #expect(login.status == 204 && line.contains("apus_session="))
      let ids = try #require(await fixture.door.handOver()).1.sessions
      let session = ["authorization": "", "cookie": "apus_session=\(try #require(ids.first))"]
      #expect(try await fixture.ask("GET", "/v1/ports", headers: session).status == 200)
      let (file, http) = try #require(await fixture.door.handOver())
      #expect(http.sessions.count == 1 && http.address.port == fixture.port)
      await fixture.door.letWait()
      let door = TCPDoor(lab: "two", directories: fixture.directories, limits: ConnectionLimits())
      await door.inherit(file, http)
      let server = ControlServer(
        service: FixedLab(), socket: "\(fixture.socket).2", tcp: door, onEnd: { _ in })
      let (ready, readiness) = AsyncStream<Void>.makeStream()
      let task = Task { try await server.run { readiness.yield() } }
      for await _ in ready { break }
      let token = try HTTPToken(TCPFixture.token, from: "the test")
      _ = try await door.open(HTTPDefinition(listen: http.address), token: token)
      await door.settle(isKept: true)
      #expect(try await fixture.ask("GET", "/v1/ports", headers: session).status == 200)
      task.cancel()
      _ = await task.result
    }
  }

  @Test func nobodyNamesAProgramOverTCP() async throws {
    try await TCPFixture.run { fixture in
      let reply = try await fixture.ask("POST", "/v1/upgrade", body: #"{"program":"/usr/bin/apus"}"#)
      #expect(reply.status == 403 && reply.error?.message.contains("is not taken over TCP") == true)
    }
  }
}
