import Lab
import TestSupport
import Testing

@testable import Control

/// What connections over TCP may cost.
@Suite struct ConnectionLimitTests {
  private static let host = "host: localhost\r\nauthorization: Bearer \(TCPFixture.token)\r\n"
  private static let question = "GET /v1/version HTTP/1.1\r\n\(host)\r\n"

  /// The connection is closed although the client goes on to send nothing and has not closed.
  private func answer(_ text: String, _ tcp: TCPFixture) async throws -> TCPFixture.Reply {
    let client = try TCPClient(port: tcp.port)
    client.send(text)
    return try TCPFixture.reply(in: try await client.untilClosed())
  }

  @Test func aBodyThatIsTooLargeIsNotReadAtAll() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let reply = try await answer(
        "POST /v1/links/wire1 HTTP/1.1\r\n\(Self.host)content-length: 100000000\r\n\r\n", tcp)
      #expect(reply.status == 413 && reply.head.contains("connection: close"))
      #expect(reply.error?.message == "the body is over 1048576 bytes" && reply.error?.hint != nil)
    }
  }

  @Test func aBodyWithoutALengthIsReadToTheLimit() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      client.send("POST /v1/links/wire1 HTTP/1.1\r\n\(Self.host)transfer-encoding: chunked\r\n\r\n")
      let chunk = Array("10000\r\n\(String(repeating: "a", count: 65536))\r\n".utf8)
      var (text, rest, isClosed) = ("", chunk[...], false)
      try await eventually("it is refused") {
        if rest.isEmpty { rest = chunk[...] }
        let count = client.send(bytes: rest)
        if count > 0 { rest = rest.dropFirst(count) }
        let heard = client.receive()
        text += heard.text
        isClosed = heard.isClosed
        return text.contains("\r\n\r\n") || isClosed
      }
      #expect(text.hasPrefix("HTTP/1.1 413 "), "\(text)")
    }
  }

  /// Strangers are told so before their body is read.
  @Test func aStrangersBodyIsNotRead() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let reply = try await answer(
        "POST /v1/links/wire1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n", tcp)
      #expect(reply.status == 401 && reply.head.contains("connection: close"))
    }
  }

  @Test(arguments: [
    ("GET /v1/version HTTP/1.1\r\n\(host)x: \(String(repeating: "a", count: 40000))\r\n\r\n", 431),
    ("GET /v1/version HTTP/1.1\r\n\(host)\(String(repeating: "x: a\r\n", count: 120))\r\n", 431),
    ("GET /\(String(repeating: "a", count: 40000)) HTTP/1.1\r\n\(host)\r\n", 431),
    ("hello\r\n\r\n", 400), ("GET / HTTP/9.9\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", 400),
    ("POST /v1/links/a HTTP/1.1\r\n\(host)content-length: -1\r\n\r\n", 400),
    ("POST /v1/links/a HTTP/1.1\r\n\(host)content-length: 3\r\ncontent-length: 4\r\n\r\n", 400),
    ("POST /v1/links/a HTTP/1.1\r\n\(host)transfer-encoding: chunked\r\n\r\nzz\r\n", 400),
    ("GET /v1/version HTTP/1.1\r\n\r\n", 400),
  ])
  func whatIsNoRequestIsAnswered(_ text: String, _ status: Int) async throws {
    var limits = ConnectionLimits()
    limits.idle = .milliseconds(500)
    try await TCPFixture.run(limits: limits) { (tcp) async throws in
      let reply = try await answer(text, tcp)
      #expect(reply.status == status, "\(reply)")
      #expect(reply.error != nil, "\(reply)")
    }
  }

  @Test func aBodyThatDoesNotComeIsNotWaitedFor() async throws {
    var limits = ConnectionLimits()
    limits.body = .milliseconds(300)
    try await TCPFixture.run(limits: limits) { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      client.send("POST /v1/links/wire1 HTTP/1.1\r\n\(Self.host)content-length: 1000\r\n\r\n")
      var text = ""
      // A byte now and then does not help.
      try await eventually("it is refused") {
        client.send("{")
        text += client.receive().text
        return text.contains("\r\n\r\n")
      }
      #expect(text.hasPrefix("HTTP/1.1 408 "), "\(text)")
      #expect(text.contains("the body has not come within"))
    }
  }

  @Test(arguments: ["", "GET /v1/ver", "GET /v1/version HTTP/1.1\r\nx: "])
  func aHeadThatDoesNotComeIsNotWaitedFor(_ beginning: String) async throws {
    var limits = ConnectionLimits()
    limits.idle = .milliseconds(300)
    try await TCPFixture.run(limits: limits) { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      client.send(beginning)
      try await eventually("it is closed") {
        if !beginning.isEmpty { client.send("a") }
        return client.isClosed
      }
      #expect(try await tcp.ask("GET", "/v1/version").status == 200)
    }
  }

  @Test func aConnectionServesManyRequestsUntilItIsIdle() async throws {
    var limits = ConnectionLimits()
    limits.idle = .seconds(2)
    try await TCPFixture.run(limits: limits) { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      for _ in 0..<3 {
        client.send(Self.question)
        #expect(try await client.until("}\n").hasPrefix("HTTP/1.1 200 "))
      }
      _ = try await client.untilClosed()
    }
  }

  @Test func theConnectionThatIsIdleForLongestGivesWay() async throws {
    var limits = ConnectionLimits()
    limits.count = 4
    try await TCPFixture.run(limits: limits) { (tcp) async throws in
      var clients: [TCPClient] = []
      for _ in 0..<4 {
        clients.append(try TCPClient(port: tcp.port))
        clients.last?.send(Self.question)
        _ = try await clients.last?.until("}\n")
      }
      // The first has been used since.
      clients[0].send(Self.question)
      _ = try await clients[0].until("}\n")
      let late = try TCPClient(port: tcp.port)
      late.send(Self.question)
      #expect(try await late.until("}\n").hasPrefix("HTTP/1.1 200 "))
      try await eventually("the second is closed") { clients[1].isClosed }
      #expect(!clients[0].isClosed && !clients[2].isClosed && !clients[3].isClosed)
    }
  }

  @Test func whoIsAnsweredDoesNotGiveWay() async throws {
    var limits = ConnectionLimits()
    limits.count = 3
    try await TCPFixture.run(limits: limits) { (tcp) async throws in
      var clients: [TCPClient] = []
      let command = #"{"command":["wait"]}"#
      for _ in 0..<3 {
        clients.append(try TCPClient(port: tcp.port))
        clients.last?.send(
          "POST /v1/nodes/vm1/exec HTTP/1.1\r\n\(Self.host)content-length: \(command.utf8.count)\r\n\r\n\(command)")
        _ = try await clients.last?.until("\r\n\r\n")
      }
      let reply = try await answer(Self.question, tcp)
      #expect(reply.status == 503 && reply.error?.message == "3 connections are being answered", "\(reply)")
      // The control socket has no part in it.
      #expect(try await ControlClient(socket: tcp.socket).ask(API.version).version == Product.version)
      clients.removeFirst()
      try await eventually("there is a place again") { try await tcp.ask("GET", "/v1/version").status == 200 }
    }
  }

  @Test func aDaemonThatEndsSaysSo() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let (idle, waiting) = (try TCPClient(port: tcp.port), try TCPClient(port: tcp.port))
      waiting.send("POST /v1/links/wire1 HTTP/1.1\r\n\(Self.host)content-length: 18\r\n\r\n")
      try await eventually("it is being asked") { await tcp.door.isAsked }
      async let drained: Void = tcp.door.drain()
      _ = try await idle.untilClosed()
      #expect(throws: NotInTime.self) { try TCPClient(port: tcp.port) }
      // What was begun is answered, what comes behind it is not.
      waiting.send(#"{"carrier": false}"# + Self.question)
      let text = try await waiting.untilClosed()
      #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("Connection: close"), "\(text)")
      #expect(text.split(separator: "HTTP/1.1 ").count == 1, "\(text)")
      await drained
    }
  }
}
