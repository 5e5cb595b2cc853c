import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Events of a lab as `apus events` and a follower of server-sent events hear them: everything happens really.
  @Suite struct Events {
    private static let lab = "ape-events"
    private static let file = """
      version: 1
      name: ape-events
      switches: { sw: { fdb-size: 16 } }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw, address: 10.3.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw, address: 10.3.0.2/24 } } }
        vm: { kind: vm, nics: { eth0: { switch: sw, address: 10.3.0.3/24 } } }
        x: { kind: external, nics: { eth0: { switch: sw } } }
      links:
        - { name: w, ends: ["a:eth1", "b:eth1"] }
      tests:
        - { ping: a -> b }

      """

    /// Every type that there is, but `lost`, those of machines that migrate, and `lab.saved`, which SavedLabs has.
    private static let types: Set = [
      "lab.up", "lab.down", "node.started", "node.ready", "node.stopped", "node.failed", "port.up", "port.down",
      "port.fault", "link.carrier", "link.impaired", "fdb.moved", "fdb.evicted", "fdb.full", "capture.started",
      "capture.ended", "test.result",
    ]

    private struct Event: Decodable, Equatable {
      struct Detail: Decodable, Equatable {
        var count: Int?
        var restart: Bool?
        var takenBack: Bool?
        var passed: Bool?
        var carrier: String?
        var mac: String?
        var from: String?
        var to: String?
        var reason: String?
      }
      var id: Int
      var time: String
      var type: String
      var lab: String
      var subject: String
      var detail: Detail

      init(_ text: some StringProtocol) throws {
        self = try JSONDecoder().decode(Event.self, from: Data(text.utf8))
      }
    }

    /// Of lines of JSON.
    private static func events(_ text: String) throws -> [Event] {
      try text.split(separator: "\n").map { try Event($0) }
    }

    /// Of server-sent events, whose ids must be those of what they bear.
    private static func followed(_ text: String) throws -> [Event] {
      let parts = text.components(separatedBy: "\n\n").filter { $0.hasPrefix("id: ") }
      return try parts.map { part in
        let lines = part.split(separator: "\n")
        guard lines.count == 2, lines[1].hasPrefix("data: ") else { throw Failure("no event: \(part)") }
        let event = try Event(lines[1].dropFirst(6))
        guard lines[0] == "id: \(event.id)" else { throw Failure("another id: \(part)") }
        return event
      }
    }

    private static func curl(_ sandbox: Sandbox, _ query: String, after id: Int? = nil) async throws -> String {
      var command = [
        "curl", "-sN", "--unix-socket", "\(sandbox.state)/\(lab)/control.sock", "-H", "Accept: text/event-stream",
      ]
      if let id { command += ["-H", "Last-Event-ID: \(id)"] }
      return try await execute(command + ["http://apus/v1/events?\(query)"], within: 400).output
    }

    /// A counter of the only switch, or of the lab.
    private static func metric(_ name: String, _ sandbox: Sandbox) async throws -> Int {
      let socket = "\(sandbox.state)/\(lab)/control.sock"
      let text = try await execute(["curl", "-s", "--unix-socket", socket, "http://apus/metrics"]).output
      let line = text.split(separator: "\n").first { $0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ") }
      guard let value = line?.split(separator: " ").last.flatMap({ Int($0) }) else {
        throw Failure("no \(name): \(text)")
      }
      return value
    }

    private static func kept(_ sandbox: Sandbox, _ type: String) async throws -> [Event] {
      let outcome = try await sandbox.apus(
        "events", "--lab", lab, "--since", "1h", "--no-follow", "-o", "jsonl", "--type", type, expecting: 0)
      return try events(outcome.output)
    }

    private static func wait(
      for what: String, _ type: String, _ sandbox: Sandbox, _ isIt: @escaping (Event) -> Bool = { _ in true }
    ) async throws {
      try await eventually(what, within: 60) { try await kept(sandbox, type).contains(where: isIt) }
    }

    /// Numbers and times rise, and no number is left out.
    private static func expectOrder(_ events: [Event]) {
      #expect(zip(events, events.dropFirst()).allSatisfy { $1.id == $0.id + 1 && $1.time >= $0.time })
      #expect(events.allSatisfy { $0.lab == lab })
    }

    @Test(.timeLimit(.minutes(10))) func everyTypeHappensAndIsHeardInOrder() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0, within: 300)
        let heard = Task {
          try await sandbox.apus("events", "--lab", Self.lab, "--since", "1h", "-o", "jsonl", within: 500)
        }
        let followed = Task { try await Self.curl(sandbox, "since=1h") }

        try await Self.makeEverything(sandbox, file)
        let before = try await Self.kept(sandbox, "lab")
        #expect(before.map(\.type) == ["lab.up"])
        try await Self.expectLifeAfterDeath(sandbox, file, heard, followed)
      }
    }

    private static func makeEverything(_ sandbox: Sandbox, _ file: String) async throws {
      try await sandbox.apus("test", lab, expecting: 0)
      try await sandbox.apus("link", "set", "--lab", lab, "w", "down", expecting: 0)
      try await wait(for: "the wire is down", "link.carrier", sandbox) {
        $0.subject == "w" && $0.detail.carrier == "down"
      }
      try await sandbox.apus("link", "set", "--lab", lab, "w", "up", expecting: 0)
      try await sandbox.apus("link", "set", "--lab", lab, "w", "delay=1ms", expecting: 0)
      try await sandbox.apus("stop", "--lab", lab, "a", expecting: 0)
      try await sandbox.apus("start", "--lab", lab, "a", expecting: 0)
      try await sandbox.apus(
        "capture", "sw", "--lab", lab, "--duration", "1s", "-w", "\(sandbox.folder)/c.pcapng", expecting: 0)

      // A machine that dies, and comes again.
      guard let pid = try await sandbox.nodes(lab).first(where: { $0.node == "vm" })?.pid else {
        throw Failure("no pid")
      }
      kill(pid, SIGKILL)
      try await wait(for: "vm has failed", "node.failed", sandbox) { $0.subject == "vm" }
      try await sandbox.apus("start", "--lab", lab, "vm", expecting: 0, within: 300)

      // A front-end that speaks no vhost-user.
      let peer = try UnixSocket.connect(path: "\(sandbox.state)/\(lab)/x.eth0.sock")
      _ = try peer.write([UInt8](repeating: 0xA5, count: 64), from: 0)
      try await wait(for: "x.eth0 has a fault", "port.fault", sandbox) { $0.subject == "x.eth0" }
      _ = consume peer

      // One address, here and there.
      for node in ["a", "b", "a"] {
        try await sandbox.shell(
          node, "ip link set eth0 address 02:00:00:00:00:77; ping -c 1 -W 1 10.3.0.99 || true", lab: lab)
      }
      // Many addresses, more than a port may have.
      let line =
        "for i in $(seq 10 40); do ip link set eth0 address 02:00:00:00:01:$i; ping -c 1 -W 0.1 10.3.0.99; done"
      try await sandbox.shell("b", "\(line) || true", lab: lab, within: 100)
      for type in types where type != "lab.down" {
        try await wait(for: "\(type) has happened", type, sandbox)
      }
      let moves = try await kept(sandbox, "fdb.moved").filter { $0.detail.mac == "02:00:00:00:00:77" }
      #expect(moves.first?.detail.from == "a.eth0")
      // However often it moved, and whatever else did: each is told, and only once.
      var (told, counted) = (0, -1)
      try await eventually("all moves are told", within: 60) {
        counted = try await metric("apus_fdb_moves_total", sandbox)
        told = try await kept(sandbox, "fdb.moved").reduce(0) { $0 + ($1.detail.count ?? 0) }
        return told == counted
      }
      #expect(told >= 2)
      let results = try await kept(sandbox, "test")
      #expect(results.map(\.detail.passed) == [true])
      // Nobody has failed but the machine that was killed, and once.
      #expect(try await kept(sandbox, "node.failed").map(\.subject) == ["vm"])
    }

    private static func expectLifeAfterDeath(
      _ sandbox: Sandbox, _ file: String, _ heard: Task<Outcome, any Error>, _ followed: Task<String, any Error>
    ) async throws {
      let last = try await kept(sandbox, "node").last?.id ?? 0
      try sandbox.daemon(lab).signal(SIGKILL)
      // Whoever listened was told all, and in order.
      let outcome = try await heard.value
      #expect(outcome.status == 5, "\(outcome.errors)")
      let first = try events(outcome.output)
      expectOrder(first)
      #expect(Set(first.map(\.type)) == types.subtracting(["lab.down"]))
      #expect(try Self.followed(try await followed.value) == first)
      let id = first.last?.id ?? 0
      #expect(id >= last)

      try await sandbox.apus("up", file, expecting: 0, within: 200)
      let after = try Self.followed(try await curl(sandbox, "since=1h&follow=false", after: id))
      #expect(after.first?.type == "lost")
      #expect(after.first?.detail.restart == true)
      #expect(after.dropFirst().allSatisfy { $0.id > id })
      expectOrder(after)
      let back = after.filter { $0.type == "node.started" }
      #expect(Set(back.map(\.subject)) == ["a", "b", "vm", "x"])
      #expect(back.allSatisfy { $0.detail.takenBack == true })
      #expect(after.last { $0.type == "lab.up" }?.detail.takenBack == true)

      try await expectWordsForPeople(sandbox)
      try await expectTheEnd(sandbox)
    }

    private static func wait(forReaders count: Int, _ sandbox: Sandbox) async throws {
      try await eventually("\(count) follow the events", within: 60) {
        try await metric("apus_events_readers", sandbox) == count
      }
    }

    /// Lines at a terminal, where Ctrl-C is no failure.
    private static func expectWordsForPeople(_ sandbox: Sandbox) async throws {
      let person = try TerminalClient(
        [sandbox.binary, "events", "--lab", lab, "--since", "1h"], environment: sandbox.environment)
      defer { person.end() }
      try await person.expect("  node.started     vm                was taken back (pid ")
      person.signal(SIGINT)
      #expect(try await person.status() == 0)
    }

    private static func expectTheEnd(_ sandbox: Sandbox) async throws {
      try await wait(forReaders: 0, sandbox)
      // Without a time, only what comes.
      let new = Task { try await sandbox.apus("events", "--lab", lab, "-o", "jsonl", within: 200) }
      let all = Task { try await sandbox.apus("events", "--lab", lab, "--since", "1h", "-o", "jsonl", within: 200) }
      try await wait(forReaders: 2, sandbox)
      try await sandbox.apus("down", lab, expecting: 0, within: 100)
      for outcome in [try await new.value, try await all.value] {
        #expect(outcome.status == 0, "\(outcome)")
        let events = try events(outcome.output)
        expectOrder(events)
        #expect(events.last?.type == "lab.down")
      }
      #expect(try await !new.value.output.contains("takenBack"))
    }
  }
}
