import Lab
import LinuxHost
import NIOCore
import TestSupport
import Testing

@testable import Control

/// Clients of WebSockets that break the rules: each is closed with the right code, and nobody else notices.
@Suite(.timeLimit(.minutes(3))) struct HostileWebSocketTests {
  typealias Frame = WebSocketClient.Frame

  /// Frames, and the code that they are answered by.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var code: Int

    init(_ name: String, _ frames: [Frame], _ code: Int) {
      (testDescription, bytes, self.code) = (name, frames.flatMap(\.bytes), code)
    }
  }

  private static func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], isLast: Bool = true, _ change: (inout Frame) -> Void = { _ in }
  ) -> Frame {
    var frame = Frame(opcode, payload, isLast: isLast)
    change(&frame)
    return frame
  }

  static let cases: [Case] = [
    Case("no mask", [frame(2, [1]) { $0.isMasked = false }], 1002),
    Case("reserved bit 1", [frame(2, [1]) { $0.reserved = 4 }], 1002),
    Case("reserved bit 2", [frame(2, [1]) { $0.reserved = 2 }], 1002),
    Case("reserved bit 3", [frame(1, [0x7B, 0x7D]) { $0.reserved = 1 }], 1002),
    Case("unknown opcode", [frame(3, [1])], 1002),
    Case("unknown control opcode", [frame(0xB)], 1002),
    Case("continuation of nothing", [frame(0, [1])], 1002),
    Case("continuation after the end", [frame(2, [1], isLast: false), frame(0, [2]), frame(0, [3])], 1002),
    Case("a message within a message", [frame(2, [1], isLast: false), frame(1, [0x7B])], 1002),
    Case("a control frame in pieces", [frame(9, [1], isLast: false)], 1002),
    Case("a long ping", [frame(9, Array(repeating: 1, count: 126))], 1002),
    Case("a long close", [frame(8, [3, 232] + Array(repeating: 65, count: 200))], 1002),
    Case("a close of one byte", [frame(8, [3])], 1002),
    Case("a close code of nobody", [frame(8, [0, 5])], 1002),
    Case("a close code that is never sent", [frame(8, [3, 237])], 1002),
    Case("a close code beyond", [frame(8, [0xFF, 0xFF])], 1002),
    Case("a close whose words are no text", [frame(8, [3, 232, 0xFF])], 1007),
    Case("a text that is none", [frame(1, [0x22, 0xC3, 0x28, 0x22])], 1007),
    Case("a text that breaks off", [frame(1, [0x22, 0xE2], isLast: false), frame(0, [0x82])], 1007),
    Case("no JSON", [frame(1, Array("resize".utf8))], 1003),
    Case("another JSON", [frame(1, Array(#"{"type":"reboot"}"#.utf8))], 1003),
    Case("a size that is none", [frame(1, Array(#"{"type":"resize","columns":80,"rows":-1}"#.utf8))], 1003),
    Case("a size beyond", [frame(1, Array(#"{"type":"resize","columns":80,"rows":65536}"#.utf8))], 1003),
    Case("an unknown key", [frame(1, Array(#"{"type":"end","now":true}"#.utf8))], 1003),
    Case("deep JSON", [frame(1, Array(String(repeating: "[", count: 60000).utf8))], 1003),
    Case("a long text", [frame(1, Array(repeating: 0x20, count: (64 << 10) + 1))], 1009),
    Case(
      "a long text in pieces",
      [
        frame(1, Array(repeating: 0x20, count: 40 << 10), isLast: false),
        frame(0, Array(repeating: 0x20, count: 40 << 10)),
      ],
      1009),
    Case("a frame over 1 MiB", [frame(2) { $0.claimedLength = (1 << 20) + 1 }], 1009),
    Case("a frame of 2^62 bytes", [frame(2) { $0.claimedLength = 1 << 62 }], 1009),
    Case("a frame of 2^64 bytes", [frame(2) { $0.claimedLength = .max }], 1009),
  ]

  @Test(arguments: cases) func itIsClosedWithTheRightCode(_ hostile: Case) async throws {
    let desk = WebSocketDesk()
    try await ServerFixture.run(FixedLab(), webSockets: desk) { client, _ in
      let other = try await WebSocketTests.open(WebSocketTests.exec, client)
      let socket = try await WebSocketTests.open(WebSocketTests.exec, client)
      try await socket.send(hostile.bytes)
      let ending = try await socket.ending()
      #expect(ending.code == hostile.code)
      // What comes after it is read and forgotten, for a while.
      try? await socket.send(Frame(Frame.binary, [1, 2, 3]))
      try? await socket.send(Frame(Frame.close, [3, 232]))
      #expect(try await socket.next() == nil)
      try await other.type("other")
      #expect(try await other.shown(until: "other") == "other")
      #expect(desk.counts.faults == [hostile.code: 1])
      let isGone = await eventually { desk.counts.open == 1 }
      #expect(isGone)
    }
  }

  /// The same again, a byte at a time: what is half there is waited for.
  @Test(arguments: ["no mask", "continuation after the end", "a text that breaks off", "a frame of 2^62 bytes"])
  func bytesMayComeOneByOne(_ name: String) async throws {
    let hostile = try #require(Self.cases.first { $0.testDescription == name })
    try await ServerFixture.run(FixedLab()) { client, _ in
      let socket = try await WebSocketTests.open(WebSocketTests.exec, client)
      for byte in Frame(Frame.binary, Array("slow".utf8)).bytes {
        try await socket.send([byte])
        try await Task.sleep(for: .milliseconds(2))
      }
      #expect(try await socket.shown(until: "slow") == "slow")
      for byte in hostile.bytes {
        try await socket.send([byte])
        try await Task.sleep(for: .milliseconds(2))
      }
      #expect(try await socket.ending().code == hostile.code)
    }
  }

  @Test func piecesAndControlFramesBetweenThemAreFine() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let socket = try await WebSocketTests.open(WebSocketTests.exec, client)
      try await socket.send(Frame(Frame.binary, Array("a".utf8), isLast: false))
      try await socket.send(Frame(Frame.ping, Array("who".utf8)))
      try await socket.send(Frame(Frame.continuation, [], isLast: false))
      try await socket.send(Frame(Frame.continuation, Array("b".utf8)))
      let text = Array(#"{"type":"resize","columns":7,"rows":8}"#.utf8)
      try await socket.send(Frame(Frame.text, Array(text.prefix(9)), isLast: false))
      try await socket.send(Frame(Frame.pong, Array("unasked".utf8)))
      try await socket.send(Frame(Frame.continuation, Array(text.dropFirst(9))))
      var (shown, pongs) = ("", [String]())
      while shown != "ab8x7" {
        let frame = try #require(try await socket.message())
        if frame.opcode == Frame.pong { pongs.append(frame.string) } else { shown += frame.string }
        #expect(!frame.isMasked && frame.isLast && frame.reserved == 0)
      }
      #expect(pongs == ["who"])
    }
  }

  @Test func aFrameOfOneMebibyteIsTaken() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let socket = try await WebSocketTests.open(WebSocketTests.exec, client)
      try await socket.send(Frame(Frame.binary, Array(repeating: 0x61, count: (1 << 20) - 1) + [0x62]))
      #expect(try await socket.shown(until: "b").utf8.count == 1 << 20)
    }
  }

  /// A client that sends without end into what takes nothing is held up, not listened to for ever.
  @Test func aFloodStaysWithTheClient() async throws {
    let desk = WebSocketDesk(limits: .init(ping: .milliseconds(500)))
    let lab = FixedLab()
    try await ServerFixture.run(lab, webSockets: desk) { client, _ in
      let socket = try await WebSocketTests.open(WebSocketTests.console, client)
      let small = Array(repeating: Frame(Frame.binary, Array(repeating: 0x61, count: 100)).bytes, count: 1000).flatMap {
        $0
      }
      var sent = 0
      do {
        while sent < 64 << 20 {
          try await socket.send(small, within: 2)
          sent += small.count
        }
        Issue.record("all of it was taken")
      } catch is NotInTime {
        // What the sockets hold, and the inbox.
        #expect(sent < 16 << 20)
      }
      // It was not closed for its silence: nobody listens to it. The machine reads now, and all comes.
      let machine = try #require(await lab.machines.first)
      var taken = 0
      while taken < sent / 106 * 100 {
        switch try UnixSocket.receive(machine, size: 1 << 16, maximumDescriptors: 0) {
        case .data(let bytes, _): taken += bytes.count
        case .wouldBlock: _ = try await Readiness.wait(for: machine, timeoutSeconds: 30)
        case .end:
          Issue.record("the console ended")
          return
        }
      }
    }
  }

  /// What a console prints for a client that does not read is dropped in the end, and told.
  @Test func aClientThatDoesNotReadIsToldWhatItLost() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let socket = try await WebSocketTests.open(WebSocketTests.console, client)
      let hasBegun = await eventually { await lab.machines.count == 1 }
      #expect(hasBegun)
      let machine = try #require(await lab.machines.first)
      let line = Array(repeating: UInt8(ascii: "x"), count: 64 << 10)
      var printed = 0
      while printed < 8 << 20 {
        printed += try UnixSocket.send(machine, line) ?? 0
        try await Task.sleep(for: .milliseconds(1))
      }
      var (shown, lost) = (0, 0)
      while shown + lost < printed {
        let frame = try #require(try await socket.message())
        if frame.opcode == Frame.binary {
          shown += frame.payload.count
        } else {
          guard case .lost(let count) = try JSON.decode(SocketNotice.self, from: frame.payload) else { continue }
          lost += count
        }
      }
      #expect(shown + lost == printed && lost > 0)
    }
  }

  @Test func aClientThatAnswersNoPingIsGivenUp() async throws {
    let desk = WebSocketDesk(limits: .init(ping: .milliseconds(100)))
    try await ServerFixture.run(FixedLab(), webSockets: desk) { client, _ in
      let silent = try await WebSocketTests.open(WebSocketTests.exec, client)
      var pings = 0
      while let frame = try await silent.next() {
        if frame.opcode == Frame.ping { pings += 1 }
        if let code = frame.code { #expect(code == 1008) }
      }
      #expect(pings >= 2)
      #expect(desk.counts.silent == 1)
    }
  }

  @Test func aClientThatAnswersPingsStays() async throws {
    // Patient, as the machine may be busy.
    let desk = WebSocketDesk(limits: .init(ping: .milliseconds(20), silences: 500))
    try await ServerFixture.run(FixedLab(), webSockets: desk) { client, _ in
      let polite = try await WebSocketTests.open(WebSocketTests.exec, client)
      for _ in 0..<20 {
        let frame = try #require(try await polite.next())
        #expect(frame.opcode == Frame.ping)
        try await polite.send(Frame(Frame.pong, frame.payload))
      }
      #expect(desk.counts.silent == 0)
    }
  }

  /// Pings of a client that reads no answers do not pile up.
  @Test func aFloodOfPingsIsAnsweredByAsManyAsFit() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let socket = try await WebSocketTests.open(WebSocketTests.exec, client)
      let ping = Frame(Frame.ping, Array(repeating: 1, count: 125)).bytes
      let pings = Array(repeating: ping, count: 1000).flatMap { $0 }
      for _ in 0..<100 { try await socket.send(pings) }
      try await socket.send(Frame(Frame.ping, Array("last".utf8)))
      var pongs = 0
      while let frame = try await socket.message(), frame.string != "last" { pongs += 1 }
      #expect(pongs > 0 && pongs < 100_000)
    }
  }

  /// A client that closes, or just goes, at any point of a frame.
  @Test func clientsMayGoAnywhere() async throws {
    let desk = WebSocketDesk()
    try await ServerFixture.run(FixedLab(), webSockets: desk) { client, _ in
      let bytes = Frame(Frame.binary, Array(repeating: 7, count: 300)).bytes
      for count in [0, 1, 2, 3, 5, 9, 200] {
        let socket = try await WebSocketTests.open(WebSocketTests.exec, client)
        try await socket.send(Array(bytes.prefix(count)))
        socket.hangUp()
      }
      let areGone = await eventually { desk.counts.open == 0 && desk.counts.opened == 7 }
      #expect(areGone)
    }
  }
}
