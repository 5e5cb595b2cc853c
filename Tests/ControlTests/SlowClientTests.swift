import Glibc
import Lab
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Control

/// Clients that do not read, send too early, or send what is no HTTP behind what is.
@Suite(.timeLimit(.minutes(3))) struct SlowClientTests {
  private static let bearer = "host: localhost\r\nauthorization: Bearer \(TCPFixture.token)\r\n"

  /// Pieces of 64 KiB, more than sockets hold.
  private static let pieceCount = 400
  private static let recording =
    "GET /v1/recording?count=\(pieceCount) HTTP/1.1\r\n\(bearer)connection: close\r\n\r\n"

  /// Bytes that come until the connection is closed.
  private func rest(_ client: TCPClient) async throws -> Int {
    var size = 0
    // Nothing is made of them: there are many, and this is no fast build.
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    try await eventually("all of it comes") {
      while true {
        let count = recv(client.descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return count == 0 || errno != EAGAIN }
        size += count
      }
    }
    return size
  }

  @Test func whoDoesNotReadIsClosed() async throws {
    var limits = ConnectionLimits()
    limits.stall = .milliseconds(300)
    let lab = FixedLab()
    try await TCPFixture.run(lab, limits: limits) { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      client.send(Self.recording)
      try await eventually("it is closed") { await tcp.door.connectionCount == 0 }
      // What was not in the socket is not made up for.
      #expect(lab.askedPieces.value < Self.pieceCount)
      let other = try TCPClient(port: tcp.port)
      other.send("GET /v1/version HTTP/1.1\r\n\(Self.bearer)\r\n")
      #expect(try await other.until("}\n").hasPrefix("HTTP/1.1 200 "))
    }
  }

  /// Slowly is not never: while pieces get into the socket it goes on, however long it takes.
  @Test func whoReadsSlowlyGetsAll() async throws {
    var limits = ConnectionLimits()
    limits.stall = .seconds(20)
    let lab = FixedLab()
    try await TCPFixture.run(lab, limits: limits) { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      client.send(Self.recording)
      #expect(try await rest(client) > Self.pieceCount << 16)
      #expect(lab.askedPieces.value == Self.pieceCount)
    }
  }

  /// A recording is made as it is read: nobody has all of it in memory.
  @Test func aRecordingIsMadeAsItIsRead() async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      client.send(Self.recording)
      try await eventually("it begins") { lab.askedPieces.value > 0 }
      // As much as sockets and buffers hold; then it waits.
      var last = -1
      try await eventually("it waits for its reader") {
        defer { last = lab.askedPieces.value }
        try? await Task.sleep(for: .milliseconds(200))
        return lab.askedPieces.value == last
      }
      #expect(lab.askedPieces.value < Self.pieceCount)
      #expect(try await rest(client) > Self.pieceCount << 16)
      #expect(lab.askedPieces.value == Self.pieceCount)
    }
  }

  /// Nor when the thread that writes gets no turn: until it has looked whether the socket is full, no more is made.
  @Test func piecesWaitForTheThreadThatWritesThem() async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let (loop, turns) = (tcp.door.group.any(), SharedCount())
      defer { turns.add() }
      await lab.whenRecordingBegins {
        loop.execute { while turns.value == 0 { usleep(1000) } }
      }
      let client = try TCPClient(port: tcp.port)
      client.send(Self.recording)
      try await eventually("it begins") { lab.askedPieces.value > 0 }
      try await Task.sleep(for: .milliseconds(500))
      #expect(lab.askedPieces.value == 1)
      turns.add()
      #expect(try await rest(client) > Self.pieceCount << 16)
    }
  }

  // MARK: - Behind a request

  /// What comes behind a request to upgrade before it is answered is kept, but not without bounds.
  @Test(arguments: [true, false]) func whatComesBehindARequestToUpgradeIsBounded(isTCP: Bool) async throws {
    try await TCPFixture.run { (tcp) async throws in
      let request = "GET /v1/events HTTP/1.1\r\n\(Self.bearer)connection: upgrade\r\nupgrade: h2c\r\n\r\n"
      let little = try Client(tcp, isTCP)
      try await little.send(Array(request.utf8) + [UInt8](repeating: 0x61, count: 200 << 10))
      #expect(try await little.until("\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
      let flood = try Client(tcp, isTCP)
      try await flood.send(Array(request.utf8))
      let piece = [UInt8](repeating: 0x61, count: 64 << 10)
      var sent = 0
      // Until nobody takes it any more: the connection is closed.
      while try await flood.sends(piece) {
        sent += piece.count
        try #require(sent < 16 << 20, "all of it was taken")
      }
      #expect(try await little.isOpen)
    }
  }

  /// A client of either socket.
  private struct Client {
    private let tcp: TCPClient?
    private let raw: WebSocketClient?

    init(_ fixture: TCPFixture, _ isTCP: Bool) throws {
      tcp = isTCP ? try TCPClient(port: fixture.port) : nil
      raw = isTCP ? nil : try WebSocketClient(path: fixture.socket)
    }

    func send(_ bytes: [UInt8]) async throws {
      if let raw { return try await raw.send(bytes) }
      var rest = bytes[...]
      try await eventually("it is sent") {
        rest = rest.dropFirst(max(0, tcp?.send(bytes: rest) ?? 0))
        return rest.isEmpty
      }
    }

    /// - Returns: false when the connection is closed.
    func sends(_ bytes: [UInt8]) async throws -> Bool {
      guard let tcp else {
        do {
          try await raw?.send(bytes)
          return true
        } catch {
          return false
        }
      }
      var (rest, isClosed) = (bytes[...], false)
      try await eventually("it is sent, or closed") {
        rest = rest.dropFirst(max(0, tcp.send(bytes: rest)))
        isClosed = tcp.isClosed
        return rest.isEmpty || isClosed
      }
      return !isClosed
    }

    func until(_ text: String) async throws -> String {
      if let tcp { return try await tcp.until(text) }
      guard let raw else { return "" }
      return "HTTP/1.1 \(try await raw.head().status) "
    }

    var isOpen: Bool {
      get async throws { tcp.map { !$0.isClosed } ?? true }
    }
  }

  /// What was asked before is answered, then what is no HTTP ends the connection.
  @Test(arguments: ["hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n"])
  func whatIsNoHTTPBehindRequestsComesAfterTheirAnswers(_ junk: String) async throws {
    try await TCPFixture.run { (tcp) async throws in
      let client = try TCPClient(port: tcp.port)
      let request = "GET /v1/version HTTP/1.1\r\n\(Self.bearer)\r\n"
      client.send(request + request + junk)
      let text = try await client.untilClosed()
      let answers = text.split(separator: "HTTP/1.1 ")
      #expect(answers.count >= 2 && answers.prefix(2).allSatisfy { $0.hasPrefix("200 ") }, "\(text)")
      #expect(text.split(separator: "\"version\"").count - 1 == 2, "\(text)")
      #expect(try await tcp.ask("GET", "/v1/version").status == 200)
    }
  }
}
