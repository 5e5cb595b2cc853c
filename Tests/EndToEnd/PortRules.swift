import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Rules on ports, of the lab file and at run time, between real stacks.
  @Suite struct PortRules {
    private static let lab = "ape-rules"

    /// - Parameters:
    ///   - server: keys of its NIC.
    ///   - client: keys of the other one, behind a comma.
    private static func file(_ server: String = "access: web", lists: String = web, client: String = "") -> String {
      """
      version: 1
      name: ape-rules
      switches: { sw1: {} }
      access:
      \(lists)
      nodes:
        client: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24\(client) } } }
        web: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24, \(server) } } }
        other: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.3/24 } } }

      """
    }

    private static let web = """
        web: { stateful: on, to-node: [ { allow: tcp, port: 80 }, { allow: icmp, from: 10.0.0.1 } ], from-node: [ { allow: any } ] }
      """

    private struct Hit: Decodable {
      var list: String
      var direction: String
      var number: Int?
      var rule: String
      var port: String?
      var hits: Int
    }

    private static func hits(_ sandbox: Sandbox, _ direction: String, _ number: Int?) async throws -> Int {
      let rows: [Hit] = try await sandbox.apus("access", "list", "--lab", lab, "-j", expecting: 0).rows()
      let row = rows.first { $0.list == "web" && $0.direction == direction && $0.number == number }
      return try #require(row, "\(rows)").hits
    }

    /// Whether a node gets an answer of a ping to another.
    private static func pings(_ sandbox: Sandbox, _ node: String, _ address: String) async throws -> Bool {
      try await sandbox.apus("exec", "--lab", lab, node, "--", "ping", "-c", "1", "-W", "1", address).status == 0
    }

    /// Whether a node reaches a port of another, on which somebody listens meanwhile.
    private static func reaches(
      _ sandbox: Sandbox, _ node: String, _ server: String, _ address: String, _ port: Int
    ) async throws -> Bool {
      let listener = try sandbox.start(
        [
          sandbox.binary, "exec", "--lab", lab, server, "--", "python3", "-c",
          "import socket; s = socket.create_server(('', \(port))); s.settimeout(8); c, _ = s.accept(); c.sendall(b'here')",
        ], log: "server-\(server)-\(port).log")
      defer { listener.signal(SIGKILL) }
      try await eventually("\(server) listens on \(port)", within: 15) {
        try await sandbox.apus("exec", "--lab", lab, server, "--", "ss", "-Htln", "sport = :\(port)").output.contains(
          "LISTEN")
      }
      let line = "import socket; s = socket.create_connection(('\(address)', \(port)), 2); print(s.recv(9).decode())"
      let outcome = try await sandbox.apus("exec", "--lab", lab, node, "--", "python3", "-c", line)
      return outcome.output.contains("here")
    }

    private static func drops(_ sandbox: Sandbox, _ port: String) async throws -> PortRow.Drops {
      try await sandbox.port(port, lab).drops
    }

    private static func steps(_ sandbox: Sandbox, _ arguments: String..., status: Int32) async throws -> [String] {
      struct Step: Decodable {
        var action: String
        var subject: String
        var detail: String
      }
      let file = "\(sandbox.folder)/ape.lab.yaml"
      let outcome = try await execute(
        [sandbox.binary, "up", file, "-j"] + arguments, environment: sandbox.environment, within: 100)
      guard outcome.status == status else { throw Failure("status \(status) expected; \(outcome)") }
      return try outcome.rows(Step.self).map { "\($0.action) \($0.subject): \($0.detail)" }
    }

    @Test(.timeLimit(.minutes(4))) func aServerIsReachedOnItsPortAlone() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        try await sandbox.pings("client", "10.0.0.2", lab: Self.lab)
        #expect(try await !Self.pings(sandbox, "other", "10.0.0.2"))
        #expect(try await Self.reaches(sandbox, "other", "web", "10.0.0.2", 80))
        #expect(try await !Self.reaches(sandbox, "other", "web", "10.0.0.2", 81))
        // What it begins itself is answered, though no rule lets the answers in.
        try await sandbox.pings("web", "10.0.0.3", lab: Self.lab)
        #expect(try await Self.reaches(sandbox, "web", "other", "10.0.0.3", 5000))
        #expect(try await Self.hits(sandbox, "to-node", 1) >= 1)
        #expect(try await Self.hits(sandbox, "to-node", 2) >= 1)
        #expect(try await Self.hits(sandbox, "to-node", nil) >= 2)
        #expect(try await Self.drops(sandbox, "web.eth0").out["acl"] ?? 0 >= 2)
        let shown = try await sandbox.apus("port", "show", "web.eth0", "--lab", Self.lab, expecting: 0).output
        #expect(shown.contains("access       web") && shown.contains("flows"), "\(shown)")

        // Which rule it was that kept a frame off.
        let frame = ["--lab", Self.lab, "other.eth0", "dst=web.eth0"]
        for (packet, words) in [
          (["from=10.0.0.3", "to=10.0.0.2", "port=80"], "rule 1 of web, to-node, allows it"),
          (["from=10.0.0.1", "to=10.0.0.2"], "rule 2 of web, to-node, allows it"),
          (["from=10.0.0.3", "to=10.0.0.2", "proto=udp", "port=53"], "no rule of web, to-node"),
        ] {
          let trace = try await execute([sandbox.binary, "trace"] + frame + packet, environment: sandbox.environment)
          #expect(trace.status == 0 && trace.output.contains(words), "\(trace)")
        }
      }
    }

    @Test(.timeLimit(.minutes(4))) func nobodyClaimsWhatIsNotItsOwn() async throws {
      try await Sandbox.use { sandbox in
        let text = Self.file("mac-lock: on, ip-lock: on, learn-limit: 1", lists: "  web: {}")
        try await sandbox.apus("up", try sandbox.write(text), expecting: 0)
        try await sandbox.pings("web", "10.0.0.1", lab: Self.lab)
        try await sandbox.shell("web", "ip address add 10.0.0.77/24 dev eth0", lab: Self.lab)
        let claim = "ping -c 1 -W 1 -I 10.0.0.77 10.0.0.1"
        #expect(try await sandbox.apus("exec", "--lab", Self.lab, "web", "--", "sh", "-c", claim).status != 0)
        let spoofed = try await Self.drops(sandbox, "web.eth0").in["spoofed"] ?? 0
        #expect(spoofed >= 1)
        // With another station's address nothing of it passes, not even what it may send.
        try await sandbox.shell("web", "ip link set eth0 address 02:00:00:00:00:55", lab: Self.lab)
        #expect(try await !Self.pings(sandbox, "web", "10.0.0.1"))
        #expect(try await Self.drops(sandbox, "web.eth0").in["spoofed"] ?? 0 > spoofed)
        let fdb: [FDBRow] = try await sandbox.apus("fdb", "list", "--lab", Self.lab, "-j", expecting: 0).rows()
        #expect(!fdb.contains { $0.mac == "02:00:00:00:00:55" }, "\(fdb)")
      }
    }

    @Test(.timeLimit(.minutes(4))) func isolatedPortsReachTheOthersAlone() async throws {
      try await Sandbox.use { sandbox in
        let text = Self.file("isolated: on", lists: "  web: {}", client: ", isolated: on")
        try await sandbox.apus("up", try sandbox.write(text), expecting: 0)
        try await sandbox.pings("web", "10.0.0.3", lab: Self.lab)
        try await sandbox.pings("client", "10.0.0.3", lab: Self.lab)
        #expect(try await !Self.pings(sandbox, "client", "10.0.0.2"))
        #expect(try await Self.drops(sandbox, "web.eth0").out["isolated"] ?? 0 >= 1)
      }
    }

    @Test(.timeLimit(.minutes(5))) func rulesAreSetAtRunTimeAndOutliveTheDaemon() async throws {
      try await Sandbox.use { sandbox in
        let text = Self.file("switch: sw1", lists: Self.web).replacingOccurrences(of: ", switch: sw1", with: "")
        let file = try sandbox.write(text)
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("other", "10.0.0.2", lab: Self.lab)
        func set(_ settings: String..., status: Int32 = 0) async throws -> Outcome {
          let outcome = try await execute(
            [sandbox.binary, "port", "set", "web.eth0", "--lab", Self.lab] + settings, environment: sandbox.environment)
          guard outcome.status == status else { throw Failure("status \(status) expected; \(outcome)") }
          return outcome
        }
        _ = try await set("access=web", "rate.to-node=8Mbit", "storm.broadcast=100/s")
        #expect(try await !Self.pings(sandbox, "other", "10.0.0.2"))
        try await sandbox.pings("client", "10.0.0.2", lab: Self.lab)
        #expect(try await set("access=wab", status: 2).errors.contains("did you mean \"web\"?"))
        #expect(try await set("rate.to-node=0", status: 2).errors.contains("1kbit..1Tbit"))

        let said = "drift port web.eth0: access web, storm.broadcast 100/s, rate.to-node 8Mbit"
        #expect(try await Self.steps(sandbox, "--dry-run", status: 0) == [said])
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("client", "10.0.0.2", lab: Self.lab)
        #expect(try await !Self.pings(sandbox, "other", "10.0.0.2"))
        #expect(try await Self.steps(sandbox, "--dry-run", status: 0) == [said])

        // The list does not go while a port has it, and with --reset all is as the file has it.
        _ = try sandbox.write(text.replacingOccurrences(of: "web: { stateful", with: "wob: { stateful"))
        let refused = try await sandbox.apus("up", file, expecting: 1)
        #expect(refused.errors.contains("port web.eth0: unknown access list \"web\""), "\(refused)")
        _ = try sandbox.write(text)
        #expect(try await Self.steps(sandbox, "--reset", status: 0) == ["change port web.eth0: back to the file"])
        try await sandbox.pings("other", "10.0.0.2", lab: Self.lab)
        let shown = try await sandbox.apus("port", "show", "web.eth0", "--lab", Self.lab, expecting: 0).output
        #expect(!shown.contains("access       web") && !shown.contains("flows"), "\(shown)")
      }
    }

    @Test(.timeLimit(.minutes(4))) func anotherFileChangesRulesUnderTraffic() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        let pid = try await sandbox.nodes(Self.lab).first { $0.node == "web" }?.pid
        #expect(try await !Self.pings(sandbox, "other", "10.0.0.2"))
        let received = try await sandbox.port("web.eth0", Self.lab).receive_packets
        _ = try sandbox.write(
          Self.file(lists: Self.web.replacingOccurrences(of: ", from: 10.0.0.1", with: ", from: 10.0.0.0/24")))
        #expect(try await Self.steps(sandbox, status: 0) == ["change access web: 3 rules, stateful"])
        try await sandbox.pings("other", "10.0.0.2", lab: Self.lab)
        _ = try sandbox.write(Self.file("isolated: on"))
        #expect(
          try await Self.steps(sandbox, status: 0) == [
            "change access web: 3 rules, stateful", "change port web.eth0: rules: isolated on",
          ])
        try await sandbox.pings("other", "10.0.0.2", lab: Self.lab)
        // Its port was never made anew.
        #expect(try await sandbox.port("web.eth0", Self.lab).receive_packets > received)
        #expect(try await sandbox.nodes(Self.lab).first { $0.node == "web" }?.pid == pid)
      }
    }

    @Test(.timeLimit(.minutes(4))) func aRateIsSeen() async throws {
      try await Sandbox.use { sandbox in
        let text = Self.file("rate: { from-node: 8Mbit }", lists: "  web: {}")
        try await sandbox.apus("up", try sandbox.write(text), expecting: 0)
        try await sandbox.pings("web", "10.0.0.1", lab: Self.lab)
        let before = try await sandbox.port("client.eth0", Self.lab).transmit_bytes
        // 1000 bytes a datagram: 3000 of them are three seconds of the rate.
        let flood =
          "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); e = time.time() + 2\n"
          + "while time.time() < e:\n  for i in range(50): s.sendto(b'x' * 958, ('10.0.0.1', 9))\n  time.sleep(0.001)"
        try await sandbox.shell("web", "python3 -c \"\(flood)\"", lab: Self.lab)
        let passed = Double(try await sandbox.port("client.eth0", Self.lab).transmit_bytes - before)
        // Two seconds of 8 Mbit/s, and the burst of 64 KiB.
        #expect((1_500_000...2_600_000).contains(passed), "\(passed)")
        #expect(try await Self.drops(sandbox, "web.eth0").in["rate"] ?? 0 > 100)
      }
    }

    @Test(.timeLimit(.minutes(4))) func aPortThatIsAddedHasItsRulesFromTheStart() async throws {
      try await Sandbox.use { sandbox in
        let tap = "ape-rul0"
        defer { try? TAPDevice.remove(name: tap, namespace: nil) }
        try await sandbox.apus("up", try sandbox.write(Self.file(lists: Self.web)), expecting: 0)
        try await sandbox.apus(
          "port", "add", "sw1", "guest", "access=web", "ip-lock=10.0.0.9", "--lab", Self.lab, "--tap", tap, expecting: 0
        )
        let address = try await execute(["ip", "address", "add", "10.0.0.9/24", "dev", tap])
        guard address.status == 0 else { throw Failure("\(address)") }
        try await sandbox.pings("client", "10.0.0.9", lab: Self.lab)
        #expect(try await !Self.pings(sandbox, "other", "10.0.0.9"))
        let refused = try await sandbox.apus(
          "port", "set", "guest", "ip-lock=on", "--lab", Self.lab, expecting: 2)
        #expect(refused.errors.contains("ip-lock=10.0.0.5"), "\(refused)")
        try await sandbox.apus("port", "set", "guest", "access=none", "--lab", Self.lab, expecting: 0)
        try await sandbox.pings("other", "10.0.0.9", lab: Self.lab)
      }
    }

    @Test(.timeLimit(.minutes(6))) func aMachineIsHeldToItsRules() async throws {
      try await Sandbox.use { sandbox in
        let text = Self.file().replacingOccurrences(
          of: "web: { kind: netns", with: "web: { kind: vm, memory: 96M")
        try await sandbox.apus("up", try sandbox.write(text), expecting: 0, within: 200)
        try await sandbox.pings("client", "10.0.0.2", lab: Self.lab, within: 60)
        #expect(try await !Self.pings(sandbox, "other", "10.0.0.2"))
        try await sandbox.pings("web", "10.0.0.3", lab: Self.lab)
        try await sandbox.apus("port", "set", "web.eth0", "access=none", "--lab", Self.lab, expecting: 0)
        try await sandbox.pings("other", "10.0.0.2", lab: Self.lab)
      }
    }
  }
}
