import FoundationEssentials
import Lab
import LinuxHost
import NIOCore
import TestSupport
import Testing

@testable import Control

/// Consoles and commands over WebSockets, on the control socket.
@Suite(.timeLimit(.minutes(3))) struct WebSocketTests {
  typealias Frame = WebSocketClient.Frame

  static let exec = "/v1/nodes/vm1/exec?command=cat"
  static let console = "/v1/nodes/serial/console"

  /// A connection that has been upgraded.
  static func open(_ target: String, _ client: ControlClient) async throws -> WebSocketClient {
    let socket = try WebSocketClient(path: client.socket)
    let head = try await socket.ask(target)
    try #require(head.status == 101, "\(head)")
    return socket
  }

  // MARK: - The handshake

  @Test func theKeyIsAnswered() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let head = try await WebSocketClient(path: client.socket).ask(Self.exec)
      #expect(head.status == 101)
      // The example of RFC 6455, 1.3.
      #expect(head.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
      #expect(head.fields["upgrade"] == "websocket" && head.fields["connection"] == "upgrade")
      #expect(head.fields["content-length"] == nil && head.fields["transfer-encoding"] == nil)
    }
  }

  /// What is no handshake is refused, and said why; the server goes on.
  @Test(arguments: [
    (["Sec-WebSocket-Version": "8"], 400), (["Sec-WebSocket-Version": ""], 400),
    (["Sec-WebSocket-Key": "short"], 400), (["Sec-WebSocket-Key": ""], 400),
    (["Sec-WebSocket-Key": "AAAA"], 400), (["Upgrade": "h2c"], 426), (["Connection": "keep-alive"], 426),
  ])
  func aWrongHandshakeIsRefused(_ fields: [String: String], _ status: Int) async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let socket = try WebSocketClient(path: client.socket)
      let head = try await socket.ask(Self.exec, fields)
      #expect(head.status == status)
      #expect(head.fields["content-type"] == "application/json")
      if status == 400 { #expect(head.fields["connection"] == "close") }
      #expect(try await client.ask(API.version) == VersionRow())
    }
  }

  @Test func withoutUpgradeTheRowsAnswerAsTheyDid() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      #expect(try await client.ask(API.consolePath, of: "vm1").path == "/run/apus/two/vm1/console.sock")
      let socket = try WebSocketClient(path: client.socket)
      let head = try await socket.ask("/v1/nodes/vm1/exec", ["Connection": "", "Upgrade": ""])
      #expect(head.status == 400)
    }
  }

  /// Other rows do not turn into anything; the connection ends, as what follows would not be HTTP.
  @Test func otherRowsAreNotUpgraded() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let socket = try WebSocketClient(path: client.socket)
      let head = try await socket.ask("/v1/version")
      #expect(head.status == 200 && head.fields["connection"] == "close")
      #expect(try await socket.rest().isEmpty == false)
    }
  }

  /// Frames right behind the request, in one piece with it, are none of HTTP's.
  @Test func nothingIsLostBehindTheRequest() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let socket = try WebSocketClient(path: client.socket)
      try await socket.send(WebSocketClient.request(Self.exec) + Frame(Frame.binary, Array("early".utf8)).bytes)
      #expect(try await socket.head().status == 101)
      #expect(try await socket.shown(until: "early") == "early")
    }
  }

  @Test func onlySoManyAreServedAtOnce() async throws {
    let desk = WebSocketDesk(limits: .init(connections: 2))
    try await ServerFixture.run(FixedLab(), webSockets: desk) { client, _ in
      let first = try await Self.open(Self.exec, client)
      let second = try await Self.open(Self.exec, client)
      let head = try await WebSocketClient(path: client.socket).ask(Self.exec)
      #expect(head.status == 503)
      first.hangUp()
      let hasRoom = await eventually { desk.counts.open == 1 }
      #expect(hasRoom)
      let third = try await Self.open(Self.exec, client)
      for (socket, word) in [(second, "two"), (third, "three")] {
        try await socket.type(word)
        #expect(try await socket.shown(until: word) == word)
      }
      #expect(desk.counts == WebSocketDesk.Counts(open: 2, opened: 3, refused: 1, ended: [.lost: 1]))
    }
  }

  // MARK: - Commands

  @Test func aCommandIsFedAndTellsItsStatus() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let socket = try await Self.open(
        "/v1/nodes/vm1/exec?command=cat&tty=true&columns=100&rows=30", client)
      try await socket.type("a\u{E9}")
      try await socket.send(text: #"{"type":"resize","columns":80,"rows":25}"#)
      #expect(try await socket.shown(until: "25x80") == "a\u{E9}25x80")
      try await socket.send(text: #"{"type":"end"}"#)
      let ending = try await socket.ending()
      #expect(ending.texts == [#"{"code":0,"type":"exit"}"#] && ending.code == 1000)
      try await socket.send(Frame(Frame.close, [3, 232]))
      #expect(try await socket.next() == nil)
    }
    let request = try #require(await lab.requests.first)
    #expect(request.command == ["cat"] && request.takesInput)
    #expect(request.terminal == TerminalSize(rows: 30, columns: 100))
    #expect(request.environment?["TERM"] == "xterm-256color")
  }

  @Test func wordsOfACommandStayWhatTheyAre() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let words = "command=echo&command=a,b%20c&command=&command=%C3%A9&input=false"
      let socket = try await Self.open("/v1/nodes/vm1/exec?\(words)", client)
      let ending = try await socket.ending()
      #expect(ending.texts == [#"{"code":7,"type":"exit"}"#] && ending.code == 1000)
    }
    let request = try #require(await lab.requests.first)
    #expect(request.command == ["echo", "a,b c", "", "\u{E9}"] && !request.takesInput && request.terminal == nil)
    var query = ExecQuery()
    query.command = ["a,b", "c d"]
    #expect(try API.execSocket.target(of: "vm1", query) == "/v1/nodes/vm1/exec?command=a%2Cb&command=c%20d")
  }

  @Test func failuresAreTold() async throws {
    let failure = UserError(.failed, "node vm1 ended", hint: "start it")
    try await ServerFixture.run(FixedLab(failure: failure)) { client, _ in
      let broken = try await Self.open("/v1/nodes/vm1/exec?command=x", client).ending()
      #expect(broken.texts.last?.contains(#""message":"node vm1 ended""#) == true && broken.code == 1011)
      let unknown = try await Self.open("/v1/nodes/vm9/exec?command=x", client).ending()
      #expect(unknown.texts.last?.contains(#""code":4"#) == true && unknown.code == 1011)
      let used = try await Self.open("/v1/nodes/vm1/console?steal=true", client).ending()
      #expect(used.texts.last?.contains("in use, though stolen") == true && used.code == 1011)
    }
  }

  /// It would hold its node up, with nobody to read.
  @Test func aCommandEndsWithItsConnection() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let socket = try await Self.open("/v1/nodes/vm1/exec?command=wait", client)
      _ = try await socket.message()
      socket.hangUp()
      for await _ in lab.commandEnded {}
      let next = try await Self.open("/v1/nodes/vm1/exec?command=cat", client)
      try await next.type("still here")
      try await next.shown(until: "still here")
    }
  }

  // MARK: - Consoles

  /// What a machine was typed.
  private func typed(_ machine: Descriptor, _ count: Int) async throws -> String {
    var bytes: [UInt8] = []
    while bytes.count < count {
      switch try UnixSocket.receive(machine, size: 65536, maximumDescriptors: 0) {
      case .data(let more, _): bytes += more
      case .wouldBlock: _ = try await Readiness.wait(for: machine, timeoutSeconds: 30)
      case .end: return String(decoding: bytes, as: UTF8.self)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func aConsoleGoesBothWaysAndIsLeft() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let socket = try await Self.open(Self.console, client)
      let hasBegun = await eventually { await lab.machines.count == 1 }
      #expect(hasBegun)
      let machine = try #require(await lab.machines.first)
      _ = try UnixSocket.send(machine, Array("login: ".utf8))
      try await socket.shown(until: "login: ")
      try await socket.send(text: #"{"type":"resize","columns":80,"rows":25}"#)
      try await socket.type("root\r")
      #expect(try await typed(machine, 5) == "root\r")
      try await socket.send(text: #"{"type":"end"}"#)
      let ending = try await socket.ending()
      #expect(ending.texts == [#"{"reason":"left","type":"end"}"#] && ending.code == 1000)
      #expect(try await typed(machine, 1) == "")
    }
  }

  @Test func aConsoleHasOneClientWhomAnotherMayRob() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let first = try await Self.open(Self.console, client)
      let hasBegun = await eventually { await lab.machines.count == 1 }
      #expect(hasBegun)
      let second = try await Self.open(Self.console, client).ending()
      #expect(second.texts.last?.contains("is in use") == true && second.code == 1011)
      let thief = try await Self.open("\(Self.console)?steal=true", client)
      let robbed = try await first.ending()
      #expect(robbed.texts == [#"{"reason":"taken","type":"end"}"#] && robbed.code == 1000)
      try await thief.type("x")
      #expect(try await typed(try #require(await lab.machines.last), 1) == "x")
    }
  }

  /// What was typed before the client went is typed.
  @Test func aScriptMayTypeAndGo() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let socket = try await Self.open(Self.console, client)
      try await socket.type("reboot\r")
      try await socket.send(Frame(Frame.close, [3, 232] + Array("bye".utf8)))
      #expect(try await socket.ending().code == 1000)
      let hasBegun = await eventually { await lab.machines.count == 1 }
      #expect(hasBegun)
      #expect(try await typed(try #require(await lab.machines.first), 99) == "reboot\r")
    }
  }

  @Test func theServersEndIsSaid() async throws {
    var sockets: [WebSocketClient] = []
    try await ServerFixture.run(FixedLab()) { client, _ in
      for target in [Self.console, Self.exec] {
        let socket = try await Self.open(target, client)
        sockets.append(socket)
      }
      try await sockets[1].type("x")
      try await sockets[1].shown(until: "x")
    }
    for socket in sockets { #expect(try await socket.ending().code == 1001) }
  }
}
