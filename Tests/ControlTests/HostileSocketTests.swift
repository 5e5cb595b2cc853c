import Foundation
import LinuxHost
import TestSupport
import Testing

@testable import Control

/// Clients of the control socket that break off, say too much or come in crowds: who asks politely is answered, and nothing
/// of them is kept.
@Suite struct HostileSocketTests {
  /// Sockets of this host at a path: the listener, and its ends of connections.
  private static func sockets(at path: String) -> Int {
    let table = (try? String(contentsOfFile: "/proc/net/unix", encoding: .utf8)) ?? ""
    return table.split(separator: "\n").count { $0.hasSuffix(" \(path)") }
  }

  private static func with(_ body: (ControlClient, String) async throws -> Void) async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      try await body(client, client.socket)
      try await isAnswered(client)
      try await eventually("the listener alone is left") { sockets(at: client.socket) == 1 }
    }
  }

  private static func isAnswered(_ client: ControlClient) async throws {
    #expect(try await client.ask(API.version).version == Product.version)
  }

  @Test(arguments: [
    "hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
    "GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\nhost: a\r\n\r\n",
    "GET /v1/version HTTP/1.1\r\nx: \(String(repeating: "a", count: 200_000))\r\n\r\n",
    "GET /v1/version HTTP/1.1\r\n\(String(repeating: "x: a\r\n", count: 20_000))\r\n",
    "POST /v1/links/a HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    "POST /v1/links/a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
    "POST /v1/links/a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
  ])
  func whatIsNoRequestIsRefused(_ text: String) async throws {
    try await Self.with { _, socket in
      let connection = try RawHTTP(socket: socket)
      // It may be closed before all of it is sent.
      try? connection.send(text)
      let answer = (try? await connection.text(until: "\"error\"")) ?? ""
      #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(200))")
    }
  }

  /// Heads that do not come to an end, a byte at a time, in a crowd: the next client does not wait for them.
  @Test func halfHeadsHoldNobody() async throws {
    try await Self.with { client, socket in
      let beginning = Array("GET /v1/version HTTP/1.1\r\nhost: localhost\r\nx-y: z\r\n".utf8)
      var crowd: [RawHTTP] = []
      for _ in 0..<200 { crowd.append(try RawHTTP(socket: socket)) }
      for byte in beginning {
        for connection in crowd { try connection.send(String(decoding: [byte], as: UTF8.self)) }
        try await Self.isAnswered(client)
      }
      // One of them goes on to its end.
      try crowd[100].send("\r\n")
      #expect(try await crowd[100].text(until: "}").hasPrefix("HTTP/1.1 200 "))
    }
  }

  /// Requests that break off in their head or in their body: nothing is done for them.
  @Test func halfRequestsDoNothing() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let body = #"{"carrier":false}"#
      let request = Array(
        "POST /v1/links/wire1 HTTP/1.1\r\nhost: a\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
      for count in 0..<request.count {
        let connection = try RawHTTP(socket: client.socket)
        try connection.send(String(decoding: request.prefix(count), as: UTF8.self))
      }
      try await Self.isAnswered(client)
      try await eventually("they are gone") { Self.sockets(at: client.socket) == 1 }
      #expect(await lab.linkChanges.isEmpty)
    }
  }

  @Test func crowdsThatComeAndGoLeaveNothing() async throws {
    try await Self.with { client, socket in
      for round in 0..<1000 {
        let connection = try RawHTTP(socket: socket)
        if round % 3 > 0 { try connection.send("GET /v1/ports HTTP/1.1\r\nhost: a\r\n\r\n") }
        if round % 100 == 0 { try await Self.isAnswered(client) }
      }
    }
  }

  /// Thousands of requests on one connection whose answers nobody reads.
  @Test func whoNeverReadsHoldsNobody() async throws {
    try await Self.with { client, socket in
      let greedy = try UnixSocket.connect(path: socket)
      let question = Array(String(repeating: "GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n", count: 50).utf8)
      for _ in 0..<50 {
        _ = try? UnixSocket.send(greedy, question)
        try await Self.isAnswered(client)
      }
    }
  }
}
