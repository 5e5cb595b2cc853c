import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Consoles and shells over WebSockets, with real guests, on the control socket and over TCP.
  @Suite struct WebSockets {
    private static let lab = "ape-ws"
    private static let file = """
      version: 1
      name: ape-ws
      switches: { sw: {} }
      nodes:
        v: { kind: vm, nics: { eth0: { switch: sw } } }
        n: { kind: netns, nics: { eth0: { switch: sw } } }
      """
    private static let console = "/v1/nodes/v/console"

    private static func open(_ sandbox: Sandbox, _ target: String) async throws -> WebSocketClient {
      let socket = try WebSocketClient(path: "\(sandbox.state)/\(lab)/control.sock")
      let head = try await socket.ask(target)
      guard head.status == 101 else { throw Failure("\(target): \(head)") }
      return socket
    }

    /// Types a line that prints `word`, which is not in the line itself, and waits for it.
    private static func talk(_ socket: WebSocketClient, _ word: String) async throws {
      try await socket.type("echo \(word.prefix(2))''\(word.dropFirst(2))\r")
      try await socket.shown(until: word, within: 100)
    }

    @Test(.timeLimit(.minutes(6))) func consolesAndShells() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        try await Self.consoleOfOne(sandbox)
        try await Self.shells(sandbox)
        try await Self.commands(sandbox)
        let visitor = try await Self.overTCP(sandbox, file)
        try await Self.endOfTheDaemon(sandbox, file, visitor)
      }
    }

    private static func consoleOfOne(_ sandbox: Sandbox) async throws {
      let first = try await open(sandbox, console)
      // What was printed before was for the log; a line brings the prompt.
      try await first.type("\r")
      try await first.shown(until: "#", within: 100)
      try await talk(first, "alive")
      let second = try await open(sandbox, console)
      let refused = try await second.ending()
      #expect(refused.code == 1011)
      #expect(refused.texts.last?.contains("is in use") == true && refused.texts.last?.contains("--steal") == true)
      let thief = try await open(sandbox, "\(console)?steal=true")
      let robbed = try await first.ending()
      #expect(robbed.texts.last == #"{"reason":"taken","type":"end"}"# && robbed.code == 1000)
      try await talk(thief, "stolen")
      // The command line's client and this one are the same to the daemon.
      let used = try await sandbox.apus("console", "v", "--lab", lab, expecting: 1)
      #expect(used.errors.contains("in use"))
      try await thief.send(text: #"{"type":"end"}"#)
      #expect(try await thief.ending().texts.last == #"{"reason":"left","type":"end"}"#)
    }

    /// Two at once, in a machine and in a namespace, each with a terminal of its own.
    private static func shells(_ sandbox: Sandbox) async throws {
      let shell = "exec?command=sh&tty=true&columns=100&rows=30"
      let guest = try await open(sandbox, "/v1/nodes/v/\(shell)")
      let namespace = try await open(sandbox, "/v1/nodes/n/\(shell)")
      for socket in [guest, namespace] {
        try await socket.type("stty size\r")
        try await socket.shown(until: "30 100", within: 100)
        try await socket.send(text: #"{"type":"resize","columns":77,"rows":22}"#)
        try await socket.type("stty size\r")
        try await socket.shown(until: "22 77", within: 100)
        try await socket.type("sleep 1000\r")
      }
      for socket in [guest, namespace] {
        // Once more if it came before the command had begun; a shell forgets what was typed before it has a prompt.
        try await eventually("Ctrl-C ends the sleep", within: 100) {
          try await socket.type("\u{3}")
          guard (try? await socket.shown(until: "# ", within: 5)) != nil else { return false }
          try await socket.type("echo in''terrupted\r")
          return (try? await socket.shown(until: "interrupted", within: 5)) != nil
        }
      }
      try await namespace.type("ip -brief link show dev eth0; echo do''ne\r")
      #expect(try await namespace.shown(until: "done", within: 100).contains("eth0"))
      for (socket, code) in [(guest, 3), (namespace, 4)] {
        try await socket.type("exit \(code)\r")
        let ending = try await socket.ending()
        #expect(ending.texts.last == "{\"code\":\(code),\"type\":\"exit\"}" && ending.code == 1000)
      }
    }

    /// As a script runs them: input to its end, output, status; and one that ends with its client.
    private static func commands(_ sandbox: Sandbox) async throws {
      for node in ["v", "n"] {
        let socket = try await open(
          sandbox,
          "/v1/nodes/\(node)/exec?command=sh&command=-c"
            + "&command=wc%20-c%3B%20echo%20$1%20%3E%262%3B%20exit%207&command=sh&command=a%2Cb")
        for _ in 0..<8 { try await socket.send(.init(WebSocketClient.Frame.binary, Array(repeating: 0, count: 40000))) }
        try await socket.send(text: #"{"type":"end"}"#)
        let shown = try await socket.shown(until: "a,b", within: 100)
        #expect(shown.contains("320000"), "\(shown)")
        #expect(try await socket.ending().texts.last == #"{"code":7,"type":"exit"}"#)
      }
      let marker = "\(sandbox.folder)/alive"
      let line = "trap 'rm \(marker); exit' HUP TERM; touch \(marker); while :; do echo x; sleep 0.1; done"
      let query = line.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
      let socket = try await open(sandbox, "/v1/nodes/n/exec?command=sh&command=-c&command=\(query)")
      try await socket.shown(until: "x\n", within: 100)
      #expect(FileManager.default.fileExists(atPath: marker))
      socket.hangUp()
      try await eventually("the command has ended with its client") {
        try await sandbox.shell("n", "ps -eo args | grep -c '[w]hile :; do echo x' || true", lab: lab) == "0\n"
      }
      let unknown = try await open(sandbox, "/v1/nodes/nobody/exec?command=sh").ending()
      #expect(unknown.texts.last?.contains(#""code":4"#) == true && unknown.code == 1011)
    }

    /// The same behind a token; a page of another site is not let in.
    /// - Returns: a client that goes on, at a shell.
    private static func overTCP(_ sandbox: Sandbox, _ file: String) async throws -> WebSocketClient {
      let port = try freePort()
      try await sandbox.apus("up", file, "--http", "127.0.0.1:\(port)", expecting: 0)
      let token = (text(of: "\(sandbox.state)/\(lab)/http.token") ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
      let bearer = ["Authorization": "Bearer \(token)", "Host": "127.0.0.1:\(port)"]
      func ask(_ fields: [String: String]) async throws -> WebSocketClient.Head {
        try await WebSocketClient(port: port).ask(console, bearer.merging(fields) { $1 })
      }
      #expect(try await ask(["Authorization": ""]).status == 401)
      #expect(try await ask(["Authorization": "Bearer \(String(token.reversed()))"]).status == 401)
      #expect(try await ask(["Origin": "http://evil.example"]).status == 403)
      #expect(try await ask(["Host": "evil.example", "Origin": "http://evil.example"]).status == 403)
      #expect(try await ask(["Connection": "keep-alive", "Upgrade": ""]).status == 403)
      let socket = try WebSocketClient(port: port)
      let own = bearer.merging(["Origin": "http://127.0.0.1:\(port)"]) { $1 }
      #expect(try await socket.ask(console, own).status == 101)
      try await talk(socket, "overtcp")
      try await socket.send(.init(WebSocketClient.Frame.close, [3, 232]))
      #expect(try await socket.ending().code == 1000)
      let visitor = try WebSocketClient(port: port)
      #expect(try await visitor.ask("/v1/nodes/n/exec?command=cat&tty=true", own).status == 101)
      try await visitor.type("y")
      try await visitor.shown(until: "y")
      return visitor
    }

    private static func freePort() throws -> UInt16 {
      let listener = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let result = withUnsafeMutableBytes(of: &address) {
        $0.withMemoryRebound(to: sockaddr.self) {
          bind(listener.raw, $0.baseAddress, size) | getsockname(listener.raw, $0.baseAddress, &size)
        }
      }
      guard result == 0 else { throw Failure("no free port: \(errno)") }
      return UInt16(bigEndian: address.sin_port)
    }

    /// It is said on both sockets; the machine goes on, and the next daemon has its console.
    private static func endOfTheDaemon(
      _ sandbox: Sandbox, _ file: String, _ visitor: WebSocketClient
    ) async throws {
      for signal in [SIGTERM, SIGKILL] {
        let sockets = [
          try await open(sandbox, console), try await open(sandbox, "/v1/nodes/n/exec?command=cat&tty=true"),
        ]
        try await sockets[1].type("x")
        try await sockets[1].shown(until: "x")
        let daemon = try sandbox.daemon(lab)
        daemon.signal(signal)
        if signal == SIGTERM { #expect(try await visitor.ending().code == 1001) }
        for socket in sockets {
          let ending = try await socket.ending()
          if signal == SIGTERM { #expect(ending.code == 1001) }
        }
        #expect(await daemon.wait(timeoutSeconds: 60))
        try await sandbox.apus("up", file, expecting: 0)
        let next = try await open(sandbox, console)
        try await talk(next, "goeson")
        next.hangUp()
      }
      let last = try await open(sandbox, console)
      try await talk(last, "thelast")
      try await sandbox.apus("stop", "v", "--lab", lab, expecting: 0)
      #expect(try await last.ending().texts.last == #"{"reason":"closed","type":"end"}"#)
    }
  }
}
