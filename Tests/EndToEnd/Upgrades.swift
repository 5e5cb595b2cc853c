import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// `apus upgrade`: another process goes on with a lab, and nobody in it notices.
  @Suite struct Upgrades {
    private static let lab = "ape-up"
    private static let count = 10

    /// A guest with split rings, one with packed ones that somebody else starts, namespaces, a stream.
    private static func file(_ sandbox: Sandbox) -> String {
      """
      version: 1
      name: ape-up
      vlans: { blue: 20 }
      switches: { sw1: {}, sw2: {} }
      nodes:
        vm1: { kind: vm, nics: { eth0: { switch: sw1, address: 10.8.0.7/24 }, eth1: { address: 10.8.1.7/24 } } }
        ext: { kind: external, nics: { eth0: { switch: sw1, socket: \(sandbox.folder)/ext.sock } } }
        far: { kind: netns, nics: { eth0: { switch: sw2, address: 10.8.0.8/24 } } }
        probe: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 }, eth1: { address: 10.8.1.9/24 } } }
        peer: { kind: external, nics: { eth0: { switch: sw1, vlan: blue, transport: stream, socket: \(sandbox.folder)/peer.sock } } }
        sink: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, address: 10.8.2.9/24 } } }
      links:
        - { name: trunk, ends: [sw1, sw2], trunk: all }
        - { name: wire, ends: ["vm1:eth1", "probe:eth1"], impair: { delay: 40ms } }
      capture:
        - { on: "probe:eth0", file: \(sandbox.folder)/probe.pcapng }
      """
    }

    /// The same program at another path.
    private static func copy(_ sandbox: Sandbox) throws -> String {
      let path = "\(sandbox.folder)/apus-2"
      try FileManager.default.copyItem(atPath: sandbox.binary, toPath: path)
      return path
    }

    @Test(.timeLimit(.minutes(6))) func nobodyNotices() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file(sandbox)), expecting: 0)
        let variant = QEMUFrontEnds.Variant(isServer: false, queues: 1)
        _ = try QEMUFrontEnds.boot(1, "ext", variant, sandbox, device: ",packed=on")
        for address in ["10.8.0.7", "10.8.0.1", "10.8.0.8", "10.8.1.7"] {
          try await sandbox.pings("probe", address, lab: Self.lab, within: 90)
        }
        let programs = [try Self.copy(sandbox), sandbox.binary]
        try await Self.setUp(sandbox)
        let traffic = try await Traffic(sandbox, Self.lab)
        let peer = try await StreamPeer(sandbox, Self.lab)
        let before = try await Picture(sandbox, Self.lab)

        var silences: [Int] = []
        for number in 0..<Self.count {
          try peer.beginFrame()
          let upgrade = try await Self.upgrade(sandbox, to: programs[number % 2])
          try peer.endFrame()
          silences.append(try Self.silence(upgrade))
        }
        print("upgrades: no frame moved for \(silences.sorted()) ms")
        try await traffic.check()
        try await peer.check(frames: Self.count)

        let after = try await Picture(sandbox, Self.lab)
        before.compare(with: after)
        try await Self.checkControl(sandbox)
        try await Self.checkCapture(sandbox, traffic)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
      }
    }

    /// Upgrades; once more where the other program was not ready in time, and the daemon goes on.
    ///
    /// Two busy processors may bring that about, three times at most.
    private static func upgrade(_ sandbox: Sandbox, to program: String) async throws -> Outcome {
      for _ in 1...2 {
        let outcome = try await sandbox.apus("upgrade", lab, "--to", program)
        guard outcome.status == 1, outcome.errors.contains(" in time, and was ended"),
          !outcome.errors.contains("has no daemon now")
        else {
          if outcome.status == 0 { return outcome }
          throw Failure("\(outcome)")
        }
        print("upgrades: once more, after: \(outcome)")
      }
      return try await sandbox.apus("upgrade", lab, "--to", program, expecting: 0)
    }

    /// `... no frame moved for 21 ms`.
    private static func silence(_ upgrade: Outcome) throws -> Int {
      let words = upgrade.errors.split(whereSeparator: \.isWhitespace)
      guard words.last == "ms", let number = Int(words[words.count - 2]) else { throw Failure("\(upgrade)") }
      return number
    }

    /// What was said at run time.
    private static func setUp(_ sandbox: Sandbox) async throws {
      func say(_ words: String...) async throws {
        let outcome = try await execute(
          [sandbox.binary] + words + ["--lab", lab], environment: sandbox.environment)
        guard outcome.status == 0 else { throw Failure("\(outcome)") }
      }
      try await say("fdb", "add", "sw1", "02:00:00:00:00:77", "probe.eth0")
      try await say("port", "add", "sw1", "more", "--vhost-user", "\(sandbox.folder)/more.sock", "--vlan", "blue")
      try await say("link", "set", "far.eth0", "loss=0%", "delay=1ms")
      try await say("link", "set", "more", "down")
      try await say("port", "set", "sink.eth0", "mtu=1400")
    }

    /// Everything that a person asks for afterwards.
    private static func checkControl(_ sandbox: Sandbox) async throws {
      #expect(try await sandbox.shell("vm1", "echo $((6*7))", lab: lab) == "42\n")
      #expect(try await sandbox.shell("probe", "echo here", lab: lab) == "here\n")
      #expect(try await sandbox.apus("logs", "vm1", "--lab", lab, expecting: 0).output.isEmpty == false)
      let again = try await sandbox.apus("up", "\(sandbox.folder)/ape.lab.yaml", expecting: 0)
      #expect((again.output + again.errors).contains("no changes"), "\(again)")
      let console = try TerminalClient(
        [sandbox.binary, "console", "vm1", "--lab", lab], environment: sandbox.environment)
      defer { console.end() }
      try await console.expect("Ctrl-] leaves")
      await console.type("echo al''ive\r")
      try await console.expect("alive")
      // Machines are watched by whoever has the lab now.
      try await sandbox.nodes(lab).first?.pid.flatMap(ProcessIdentity.of(pid:))?.signal(SIGKILL)
      try await eventually("the machine's end is seen") { try await sandbox.nodes(lab).first?.state == "failed" }
    }

    /// One file, that other programs read to its end; every echo request of the probe is in it.
    private static func checkCapture(_ sandbox: Sandbox, _ traffic: Traffic) async throws {
      let path = "\(sandbox.folder)/probe.pcapng"
      let files = try FileManager.default.contentsOfDirectory(atPath: sandbox.folder).filter { $0.hasSuffix(".pcapng") }
      #expect(files == ["probe.pcapng"])
      try await eventually("all is written") {
        let filter = "icmp.type==8 && ip.src==10.8.0.9 && icmp.ident==\(try await traffic.ident())"
        let shown = try await execute(["tshark", "-r", path, "-Y", filter, "-T", "fields", "-e", "icmp.seq"])
        guard shown.status == 0 else { throw Failure("\(shown)") }
        let numbers = Set(shown.output.split(separator: "\n").compactMap { Int($0) })
        return numbers.isSuperset(of: 1...max(traffic.sent, 1))
      }
    }

    // MARK: - Programs that cannot go on with a lab

    private static let small = """
      version: 1
      name: ape-up
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.2/24 } } }
      capture:
        - { on: "a:eth0", file: FOLDER/a.pcapng }
      """

    /// A program that speaks the protocol up to a point.
    private static let speaker = #"""
      #!/usr/bin/python3
      import array, json, os, signal, socket, struct, sys, time
      peer = socket.socket(fileno=0)
      def take(size):
          data = b""
          while len(data) < size:
              more = peer.recv(size - len(data))
              if not more: sys.exit(1)
              data += more
          return data
      def hear():
          size, count = struct.unpack("<II", take(8))
          message = json.loads(take(size))
          while count > 0:
              _, rights, _, _ = peer.recvmsg(1, socket.CMSG_SPACE(200 * 4))
              for _, _, data in rights: count -= len(array.array("i", data[:len(data) // 4 * 4]))
          return message
      def say(**message):
          data = json.dumps(message).encode()
          peer.sendall(struct.pack("<II", len(data), 0) + data)
      peer.setblocking(True)
      version = hear()["hello"]["protocolVersion"]
      DO
      """#

    private static func program(_ sandbox: Sandbox, _ name: String, _ text: String, mode: Int = 0o755) throws -> String
    {
      let path = "\(sandbox.folder)/\(name)"
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      return path
    }

    private static func speaker(_ sandbox: Sandbox, _ name: String, _ lines: [String]) throws -> String {
      let hello = "say(hello={'apus': '9.9', 'protocolVersion': version})"
      let text = lines.joined(separator: "\n").replacing("HELLO", with: hello)
      return try program(sandbox, name, speaker.replacing("DO", with: text))
    }

    /// Each is refused with what is wrong, and the daemon that was there goes on.
    @Test(.timeLimit(.minutes(4))) func programsThatAreNone() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus(
          "up", try sandbox.write(Self.small.replacing("FOLDER", with: sandbox.folder)), expecting: 0)
        let daemon = try sandbox.daemon(Self.lab)
        let ping = try sandbox.start(
          ["ip", "netns", "exec", "apus-\(Self.lab)-a", "ping", "-n", "-i", "0.01", "-W", "2", "10.9.0.2"], log: "ping")
        let shell = "#!/bin/sh\n"
        let writable = try Self.program(sandbox, "writable", shell, mode: 0o777)
        let plain = try Self.program(sandbox, "plain", shell, mode: 0o644)
        let listens = "say(ready=True); hear()"
        let none: [(path: String, status: Int32, words: String)] = [
          ("\(sandbox.folder)/missing", 2, "No such file or directory"),
          (sandbox.folder, 2, "is not a file of bytes"),
          (plain, 2, "is not executable"),
          (writable, 2, "may be written to by others than its owner"),
          ("/bin/false", 1, "/bin/false ended before it had said who it is"),
          ("/bin/yes", 1, "ended before it had said who it is"),
        ]
        let hello = "say(hello={'apus': '9.9', 'protocolVersion': version + 1}); hear()"
        let speakers: [(name: String, lines: [String], words: String)] = [
          ("other", [hello], "takes labs over by version"),
          ("dies", ["HELLO"], "ended before it had said that it is ready"),
          (
            "cannot", ["HELLO", "hear()", "say(failed={'message': 'no way'}); hear()"],
            "cannot go on with the lab: no way"
          ),
          ("garbled", ["HELLO", "peer.sendall(b'x' * 100); hear()"], "does not speak as apus"),
          ("late", ["HELLO", "hear()", listens], "ended before it had gone on with the lab"),
          ("hangs", ["HELLO", "hear()", listens, "time.sleep(100)"], "has not gone on with the lab in time"),
        ]
        let sleeps = try Self.program(sandbox, "sleeps", "\(shell)sleep 100\n")
        let slow: [(path: String, status: Int32, words: String)] = [
          (sleeps, 1, "has not said who it is in time, and was ended")
        ]
        let speaking = try speakers.map { (try Self.speaker(sandbox, $0.name, $0.lines), Int32(1), $0.words) }
        for (path, status, words) in none + slow + speaking {
          let outcome = try await sandbox.apus("upgrade", "--to", path, expecting: status)
          #expect(outcome.errors.contains(words), "\(outcome)")
          #expect(try sandbox.daemon(Self.lab) == daemon && daemon.isAlive)
          try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        }
        ping.signal(SIGINT)
        #expect(await ping.wait(timeoutSeconds: 20))
        let said = text(of: "\(sandbox.folder)/ping") ?? ""
        #expect(said.firstMatch(of: /[ ]0(\.0\d*)?% packet loss/) != nil, "\(said.suffix(300))")
        let capture = try await execute(["tshark", "-r", "\(sandbox.folder)/a.pcapng", "-q"])
        #expect(capture.status == 0, "\(capture)")
        #expect(try await sandbox.apus("ps", expecting: 0).output.contains("running"))
      }
    }

    /// As systemd's unit has it: ready once the lab is up, another process after a reload, and the first one ends well.
    @Test(.timeLimit(.minutes(5))) func aServiceManagerIsTold() async throws {
      try await Sandbox.use { sandbox in
        let path = "\(sandbox.folder)/notify"
        let socket = try UnixSocket.bind(path: path, mode: 0o600, owner: nil)
        func next() async throws -> String {
          guard try await Readiness.wait(for: socket, timeoutSeconds: 120),
            case .data(let bytes, _) = try UnixSocket.receive(socket, size: 1000, maximumDescriptors: 0)
          else { throw Failure("nothing is told") }
          return String(decoding: bytes, as: UTF8.self)
        }
        let small = Self.small.replacing("FOLDER", with: sandbox.folder)
        let file = try sandbox.write(small.replacing("nodes:\n", with: "nodes:\n  v: { kind: vm, memory: 96M }\n"))
        let line = "\(sandbox.binary) up --foreground \(file); echo $? >\(sandbox.folder)/status"
        _ = try sandbox.start(["/usr/bin/env", "NOTIFY_SOCKET=\(path)", "/bin/sh", "-c", line], log: "up.log")
        #expect(try await next() == "READY=1")
        try await Self.expectNotTold(sandbox)
        let first = try sandbox.daemon(Self.lab)
        for _ in 0..<2 {
          try await sandbox.apus("upgrade", "--to", sandbox.binary, expecting: 0)
          #expect(try await next() == "MAINPID=\(try sandbox.daemon(Self.lab).pid)")
        }
        try await eventually("the first one ends") { text(of: "\(sandbox.folder)/status") == "0\n" }
        #expect(!first.isAlive)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        // Nor is what the last one starts.
        try await sandbox.apus("restart", "v", "--lab", Self.lab, expecting: 0)
        try await Self.expectNotTold(sandbox)
        // It takes the lab down as any other does.
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
      }
    }

    /// A node's process is not told where the service manager listens: podman, among others, would speak to it.
    private static func expectNotTold(_ sandbox: Sandbox) async throws {
      let pid = try await sandbox.nodes(lab).first { $0.node == "v" }?.pid
      let variables = try #require(pid.flatMap { HostFacts.text(ofFile: "/proc/\($0)/environ") })
      #expect(variables.contains("PATH=") && !variables.contains("NOTIFY_SOCKET"), "\(variables)")
    }

    /// Whoever is killed in the middle: the lab is there to be taken back, or goes on.
    @Test(.timeLimit(.minutes(4))) func oneOfTheTwoIsKilled() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.small.replacing("FOLDER", with: sandbox.folder))
        try await sandbox.apus("up", file, expecting: 0)
        let kill = "os.kill(int(open('\(sandbox.state)/\(Self.lab)/apus.pid').read()), signal.SIGKILL)"
        for (name, lines) in [
          ("first", ["HELLO", "hear()", kill]), ("second", ["HELLO", "hear()", "say(ready=True)", "hear()", kill]),
        ] {
          let path = try Self.speaker(sandbox, name, lines)
          let outcome = try await sandbox.apus("upgrade", "--to", path)
          #expect(outcome.status == 5 || outcome.status == 1, "\(outcome)")
          try await sandbox.apus("up", file, expecting: 0)
          try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        }
        // One that has gone on and dies then is a daemon that died.
        let lost = try Self.speaker(
          sandbox, "lost", ["HELLO", "hear()", "say(ready=True); hear(); say(begun=True)"])
        let gone = try await sandbox.apus("upgrade", "--to", lost, expecting: 1)
        #expect(gone.errors.contains("had gone on with the lab, and has ended"), "\(gone)")
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        try await sandbox.apus("upgrade", expecting: 0)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
      }
    }
  }
}

/// What must be as it was.
private struct Picture {
  var pids: [String: Int32?]
  var ready: [String]
  var carriers: [String: String]
  var stations: Set<String>
  var ports: [String: PortRow]
  var links: String
  var changes: [String]

  init(_ sandbox: Sandbox, _ lab: String) async throws {
    let nodes = try await sandbox.nodes(lab)
    pids = Dictionary(uniqueKeysWithValues: nodes.map { ($0.node, $0.pid) })
    ready = nodes.filter { $0.ready && $0.state == "running" }.map(\.node)
    let rows = try await sandbox.ports(lab)
    carriers = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0.carrier) })
    ports = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) })
    let entries: [FDBRow] = try await sandbox.apus("fdb", "list", "--lab", lab, "-j", expecting: 0).rows()
    stations = Set(entries.map { "\($0.switch) \($0.vlan) \($0.mac) \($0.port)" })
    links = try await sandbox.apus("link", "list", "--lab", lab, expecting: 0).output
    changes = []
    for (node, nics) in [("vm1", "eth0 eth1"), ("probe", "eth0 eth1"), ("far", "eth0")] {
      let line = "for n in \(nics); do cat /sys/class/net/$n/carrier_changes; done"
      changes.append("\(node) \(try await sandbox.shell(node, line, lab: lab).split(separator: "\n"))")
    }
    let guest = Agent(path: "\(sandbox.folder)/ext.agent")
    changes.append("\(try guest.status(of: "exit $(cat /sys/class/net/eth0/carrier_changes)", within: 60))")
  }

  func compare(with after: Picture) {
    #expect(pids == after.pids)
    #expect(ready == after.ready)
    #expect(carriers == after.carriers)
    #expect(after.stations.isSuperset(of: stations), "\(stations.subtracting(after.stations))")
    #expect(links == after.links)
    #expect(changes == after.changes)
    for (name, port) in ports {
      guard let now = after.ports[name] else {
        Issue.record("no port \(name)")
        continue
      }
      #expect(now.receive_packets >= port.receive_packets && now.transmit_bytes >= port.transmit_bytes, "\(name)")
      #expect(now.mode == port.mode && now.pvid == port.pvid && now.mtu == port.mtu && now.error == nil, "\(name)")
    }
  }
}

/// Pings, 200 a second to a namespace and to each guest, and numbers by one TCP connection.
///
/// No more, as the queue of a TAP takes 1,000 frames, and none is to be lost where there is room.
private final class Traffic {
  private let sandbox: Sandbox
  private let lab: String
  private let pings: [(address: String, process: ProcessIdentity)]
  /// Echo requests to the first guest that were answered.
  private(set) var sent = 0

  init(_ sandbox: Sandbox, _ lab: String) async throws {
    (self.sandbox, self.lab) = (sandbox, lab)
    let probe = ["ip", "netns", "exec", "apus-\(lab)-probe"]
    let rates = [("10.8.0.7", "0.005"), ("10.8.0.1", "0.005"), ("10.8.1.7", "0.005"), ("10.8.0.8", "0.005")]
    pings = try rates.map { address, pause in
      (address, try sandbox.start(probe + ["ping", "-n", "-i", pause, "-W", "2", address], log: "\(address).ping"))
    }
    // A listener whose input ends ends the connection.
    let listens = "mkfifo \(sandbox.folder)/open; exec busybox nc -l -p 4000 <>\(sandbox.folder)/open"
    _ = try sandbox.start(probe + ["sh", "-c", listens], log: "numbers")
    let writes = "i=0; while [ ! -e /tmp/stop ]; do echo $i; i=$((i+1)); usleep 1000; done"
    let sends = "(sleep 1; \(writes) | nc 10.8.0.9 4000 >/dev/null 2>&1; touch /tmp/done) >/dev/null 2>&1 &"
    try await sandbox.shell("vm1", sends, lab: lab)
    try await eventually("numbers come", within: 60) { numbers.count > 50 }
  }

  private var numbers: [Int] {
    (text(of: "\(sandbox.folder)/numbers") ?? "").split(separator: "\n").dropLast().compactMap { Int($0) }
  }

  /// Identifier of the echo requests to the first guest, the last of those that there were.
  func ident() async throws -> String {
    let shown = try await execute(
      [
        "tshark", "-r", "\(sandbox.folder)/probe.pcapng", "-Y", "icmp.type==8 && ip.dst==10.8.0.7", "-T", "fields",
        "-e", "icmp.ident",
      ])
    guard let last = shown.output.split(separator: "\n").last else { throw Failure("\(shown.errors)") }
    return String(last)
  }

  /// None was lost, none came twice; the connection is the same and has all.
  func check() async throws {
    for ping in pings { ping.process.signal(SIGINT) }
    for ping in pings {
      guard await ping.process.wait(timeoutSeconds: 20) else { throw Failure("ping goes on") }
      let words = text(of: "\(sandbox.folder)/\(ping.address).ping") ?? ""
      let answers = Self.answers(words)
      let summary = words.split(separator: "\n").suffix(2).joined(separator: " ")
      // Those behind the last answer were on their way.
      let lost = (1...max(answers.last ?? 1, 1)).filter { !answers.contains($0) }
      print("upgrades: \(ping.address): \(answers.count) answers, \(lost.count) lost; \(summary)")
      #expect(answers.count > 100 && lost.isEmpty && !words.contains("DUP!"), "\(ping.address): \(lost) of \(summary)")
      if ping.address == "10.8.0.7" { sent = answers.last ?? 0 }
    }
    let before = numbers.count
    try await eventually("numbers go on") { numbers.count > before }
    try await sandbox.shell("vm1", "touch /tmp/stop; until [ -e /tmp/done ]; do sleep 1; done", lab: lab)
    let all = numbers
    #expect(all == Array(0..<all.count))
  }

  /// Numbers of the answered requests, as if they did not begin anew at 65536.
  private static func answers(_ words: String) -> OrderedNumbers {
    var answers = OrderedNumbers()
    for line in words.split(separator: "\n") {
      guard let start = line.firstRange(of: "icmp_seq="),
        let number = Int(line[start.upperBound...].prefix(while: \.isNumber))
      else { continue }
      answers.add(number)
    }
    return answers
  }

  private struct OrderedNumbers {
    private var all: Set<Int> = []
    private(set) var last: Int?
    var count: Int { all.count }

    mutating func add(_ number: Int) {
      var number = number
      while let last, number < last - 32768 { number += 65536 }
      all.insert(number)
      last = max(last ?? number, number)
    }

    func contains(_ number: Int) -> Bool { all.contains(number) }
  }
}

/// The other end of a stream port, which sends a frame in two halves: one before and one after each upgrade.
private final class StreamPeer {
  private let sandbox: Sandbox
  private let lab: String
  private let socket: Descriptor
  private let before: Int
  private let frame: [UInt8]

  init(_ sandbox: Sandbox, _ lab: String) async throws {
    (self.sandbox, self.lab) = (sandbox, lab)
    socket = try UnixSocket.connect(path: "\(sandbox.folder)/peer.sock")
    before = try await sandbox.port("peer.eth0", lab).receive_packets
    let head: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, 0, 0x55, 0x88, 0xB5]
    let bytes = head + [UInt8](repeating: 7, count: 200)
    frame = [0, 0, 0, UInt8(bytes.count)] + bytes
  }

  func beginFrame() throws { _ = try UnixSocket.send(socket, Array(frame[..<50])) }
  func endFrame() throws { _ = try UnixSocket.send(socket, Array(frame[50...])) }

  func check(frames: Int) async throws {
    try await eventually("all frames have come") {
      try await sandbox.port("peer.eth0", lab).receive_packets == before + frames
    }
    #expect(try await sandbox.port("peer.eth0", lab).error == nil)
  }
}
