import FoundationEssentials
import Lab
import TestSupport
import Testing
import Topology

@testable import Control

/// What goes on until somebody ends it: with the daemon, and with the session or token that opened it.
@Suite(.timeLimit(.minutes(3))) struct OpenStreamTests {
  private static let bearer = "host: localhost\r\nauthorization: Bearer \(TCPFixture.token)\r\n"

  /// A stream whose head, and first piece, have come.
  private func stream(
    _ tcp: TCPFixture, _ target: String, _ headers: String = bearer, method: String = "GET", body: String = ""
  ) async throws -> TCPClient {
    let client = try TCPClient(port: tcp.port)
    let length = body.isEmpty ? "" : "content-length: \(body.utf8.count)\r\n"
    client.send("\(method) \(target) HTTP/1.1\r\n\(headers)\(length)\r\n\(body)")
    let text = try await client.until("\r\n\r\n")
    #expect(text.hasPrefix("HTTP/1.1 200 "), "\(text)")
    return client
  }

  private func socket(_ tcp: TCPFixture, _ headers: [String: String]) async throws -> WebSocketClient {
    let socket = try WebSocketClient(port: UInt16(tcp.port))
    let head = try await socket.ask(WebSocketTests.exec, headers)
    try #require(head.status == 101, "\(head)")
    try await socket.type("x")
    try await socket.shown(until: "x")
    return socket
  }

  /// The value of the cookie of a new session.
  private func cookie(_ tcp: TCPFixture) async throws -> String {
    let body = #"{"token":"\#(TCPFixture.token)"}"#
    let client = try TCPClient(port: tcp.port)
    client.send(
      "POST /v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-length: \(body.utf8.count)\r\nconnection: close\r\n\r\n"
        + body)
    let text = try await client.untilClosed()
    let start = try #require(text.firstRange(of: "Set-Cookie: "), "\(text)")
    return String(text[start.upperBound...].prefix { $0 != ";" && $0 != "\r\n" })
  }

  /// An answer in chunks has ended well.
  private func ended(_ client: TCPClient) async throws { _ = try await client.until("0\r\n\r\n") }

  // MARK: - Sessions and tokens

  @Test func theEndOfASessionEndsWhatItOpened() async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let (mine, other) = (try await cookie(tcp), try await cookie(tcp))
      let header = "host: localhost\r\ncookie: \(mine)\r\n"
      var mineOpen: [TCPClient] = []
      for (method, target, body) in [
        ("GET", "/v1/live", ""), ("GET", "/v1/events", ""), ("POST", "/v1/nodes/vm1/exec", #"{"command":["wait"]}"#),
      ] { mineOpen.append(try await stream(tcp, target, header, method: method, body: body)) }
      let console = try await socket(tcp, ["Cookie": mine, "Host": "localhost"])
      let others = try await stream(tcp, "/v1/events", "host: localhost\r\ncookie: \(other)\r\n")
      let trusted = try await stream(tcp, "/v1/events")
      #expect(try await tcp.ask("DELETE", "/v1/session", headers: ["cookie": mine], isTrusted: false).status == 204)
      for client in mineOpen { try await ended(client) }
      #expect(try await console.ending().code == 1008)
      // The command has ended with its reader.
      for await _ in lab.commandEnded {}
      lab.events.note(.nodeReady, subject: "vm1")
      for client in [others, trusted] { #expect(try await client.until("node.ready").contains("vm1")) }
      // What asks again on the same connection is a stranger.
      mineOpen[0].send("GET /v1/live HTTP/1.1\r\n\(header)\r\n")
      #expect(try await mineOpen[0].until("\r\n\r\n").hasPrefix("HTTP/1.1 401 "))
    }
  }

  @Test func anotherTokenEndsWhatTheFormerOpened() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let bearer = ["Authorization": "Bearer \(TCPFixture.token)", "Host": "localhost"]
      let (live, console) = (try await stream(tcp, "/v1/live"), try await socket(tcp, bearer))
      let session = try await stream(tcp, "/v1/events", "host: localhost\r\ncookie: \(try await cookie(tcp))\r\n")
      let definition = HTTPDefinition(listen: try TCPFixture.address(tcp.port))
      // One that is taken back has ended nothing that the token opened.
      _ = try await tcp.door.open(definition, token: try HTTPToken("another-0123456789", from: "the test"))
      await tcp.door.settle(isKept: false)
      try await console.type("still")
      try await console.shown(until: "still")
      _ = try await tcp.door.open(definition, token: try HTTPToken("another-0123456789", from: "the test"))
      await tcp.door.settle(isKept: true)
      for client in [live, session] { try await ended(client) }
      #expect(try await console.ending().code == 1008)
    }
  }

  // MARK: - The daemon's end

  /// Nobody is waited for who looks on: a page that is open holds no `down` up.
  @Test func theEndOfTheLabEndsWhatLooksOn() async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let bearer = ["Authorization": "Bearer \(TCPFixture.token)", "Host": "localhost"]
      let (live, events) = (try await stream(tcp, "/v1/live"), try await stream(tcp, "/v1/events"))
      let page = try await stream(tcp, "/v1/live", "\(Self.bearer)accept: text/event-stream\r\n")
      let overTCP = try await socket(tcp, bearer)
      let onSocket = try await WebSocketTests.open(WebSocketTests.exec, ControlClient(socket: tcp.socket))
      lab.events.note(.labDown)
      var lines: [LabLine] = []
      try await ControlClient(socket: tcp.socket).stream(API.labDown) { lines.append($0) }
      #expect(lines.last == .done)
      // The last of them is heard.
      #expect(try await events.untilClosed().contains("lab.down"))
      for client in [live, page] { #expect(try await client.untilClosed().hasSuffix("0\r\n\r\n")) }
      for socket in [overTCP, onSocket] { #expect(try await socket.ending().code == 1001) }
    }
  }

  @Test func onTheControlSocketTooTheEndIsSaid() async throws {
    let desk = WebSocketDesk()
    let folder = try ServerFixture.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var server = ControlServer(service: FixedLab(), socket: "\(folder)/control.sock", onEnd: { _ in })
    server.webSockets = desk
    let (ready, readiness) = AsyncStream<Void>.makeStream()
    let running = Task { [server] in try await server.run { readiness.yield() } }
    for await _ in ready { break }
    let socket = try await WebSocketTests.open(WebSocketTests.exec, ControlClient(socket: "\(folder)/control.sock"))
    try await socket.type("x")
    try await socket.shown(until: "x")
    running.cancel()
    #expect(try await socket.ending().code == 1001)
    try await running.value
    #expect(desk.counts.open == 0 && desk.counts.ended == [.daemon: 1])
  }

  // MARK: - Counts

  @Test func itIsCountedHowTheyEnd() async throws {
    let desk = WebSocketDesk()
    try await ServerFixture.run(FixedLab(), webSockets: desk) { client, _ in
      let leaves = try await WebSocketTests.open(WebSocketTests.exec, client)
      try await leaves.send(.init(WebSocketClient.Frame.close, [3, 232]))
      _ = try await leaves.ending()
      let ends = try await WebSocketTests.open(WebSocketTests.exec, client)
      try await ends.send(text: #"{"type":"end"}"#)
      _ = try await ends.ending()
      ends.hangUp()
      let breaks = try await WebSocketTests.open(WebSocketTests.exec, client)
      try await breaks.send(text: "what")
      _ = try await breaks.ending()
      breaks.hangUp()
      let fails = try await WebSocketTests.open("/v1/nodes/nobody/exec?command=sh", client)
      _ = try await fails.ending()
      fails.hangUp()
      try await WebSocketTests.open(WebSocketTests.exec, client).hangUp()
      try await eventually("all are gone") { desk.counts.open == 0 }
      #expect(desk.counts.ended == [.client: 1, .done: 1, .broken: 1, .failed: 1, .lost: 1])
    }
  }
}
