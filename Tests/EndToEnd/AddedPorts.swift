import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Ports that come and go while the lab is up: TAPs of this host, and a machine that somebody else starts.
  @Suite struct AddedPorts {
    private static let lab = "ape-added"
    private static let tap = "ape-add0"

    private static func file(_ more: String = "") -> String {
      """
      version: 1
      name: ape-added
      vlans: { red: 10, blue: 20 }
      switches: { sw1: {}, sw2: {} }
      nodes:
        web: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, address: 10.8.0.9/24 } } }
      \(more)
      """
    }

    private struct Step: Decodable {
      var action: String
      var subject: String
    }

    private struct Entry: Decodable {
      var mac: String
      var port: String
      var vlan: Int
      var `static`: Bool
    }

    private static func plan(_ sandbox: Sandbox, _ arguments: String..., status: Int32) async throws -> [String] {
      let file = "\(sandbox.folder)/ape.lab.yaml"
      let outcome = try await execute(
        [sandbox.binary, "up", file, "-j"] + arguments, environment: sandbox.environment, within: 100)
      guard outcome.status == status else { throw Failure("status \(status) expected; \(outcome)") }
      return try outcome.rows(Step.self).map { "\($0.action) \($0.subject)" }
    }

    private static func hasInterface(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: "/sys/class/net/\(name)")
    }

    /// The host's end of the TAP, and static entries, are where they were.
    private static func check(_ sandbox: Sandbox) async throws {
      try await sandbox.pings("web", "10.8.0.99", lab: lab)
      let entries: [Entry] = try await sandbox.apus("fdb", "list", "--lab", lab, "-j", expecting: 0).rows()
      #expect(
        entries.filter(\.static).map { "\($0.mac) \($0.port) \($0.vlan)" } == ["02:00:00:00:00:77 guest 20"])
      let port = try await sandbox.port("guest", lab)
      #expect(port.carrier == "up" && port.pvid == 20 && port.interface == tap && port.added == true, "\(port)")
    }

    @Test(.timeLimit(.minutes(4))) func aTAPServesOverTheDeathOfTheDaemon() async throws {
      try await Sandbox.use { sandbox in
        defer { try? TAPDevice.remove(name: Self.tap, namespace: nil) }
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.apus("port", "add", "sw1", "guest", "--tap", Self.tap, "--vlan", "blue", expecting: 0)
        let address = try await execute(["ip", "address", "add", "10.8.0.99/24", "dev", Self.tap])
        guard address.status == 0 else { throw Failure("\(address)") }
        try await sandbox.apus("fdb", "add", "sw1", "02:00:00:00:00:77", "guest", expecting: 0)
        try await Self.check(sandbox)
        try await Self.lookEverywhere(sandbox)

        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        let drift = ["drift port guest", "drift fdb sw1"]
        #expect(try await Self.plan(sandbox, "--dry-run", status: 3).suffix(2) == drift)
        #expect(try await Self.plan(sandbox, status: 0).contains("adopt port guest"))
        try await Self.check(sandbox)
        #expect(try await Self.plan(sandbox, status: 0) == [])
        #expect(try await Self.plan(sandbox, "--dry-run", status: 0) == drift)

        // A file that takes its interface, or its switch away, is refused by its name, and all goes on.
        for text in [
          Self.file("  up: { kind: tap, nics: { \(Self.tap): { switch: sw1 } } }"),
          Self.file().replacingOccurrences(of: "sw1: {}, ", with: "").replacingOccurrences(
            of: "switch: sw1", with: "switch: sw2"),
        ] {
          _ = try sandbox.write(text)
          let refused = try await sandbox.apus("up", file, expecting: 1)
          #expect(refused.errors.contains("port guest, which was added at run time"), "\(refused)")
          #expect(refused.errors.contains("apus port remove guest"), "\(refused)")
          try await Self.check(sandbox)
        }
        _ = try sandbox.write(Self.file())
        let gone = ["remove fdb sw1", "remove port guest"]
        #expect(try await Self.plan(sandbox, "--reset", "--dry-run", status: 3).sorted() == gone)
        #expect(try await Self.plan(sandbox, "--reset", status: 0) == gone)
        #expect(!Self.hasInterface(Self.tap))
        #expect(try await sandbox.ports(Self.lab).map(\.name) == ["web.eth0"])

        try await sandbox.apus("port", "add", "sw1", "guest", "--tap", Self.tap, expecting: 0)
        #expect(Self.hasInterface(Self.tap))
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(!Self.hasInterface(Self.tap))
      }
    }

    /// Each command that knows ports knows this one.
    private static func lookEverywhere(_ sandbox: Sandbox) async throws {
      for (command, part) in [
        (["vlan", "list"], "guest"), (["link", "list"], "guest"), (["stats"], "guest"), (["graph", lab], "vlan 20"),
        (["trace", "web.eth0", "dst=02:00:00:00:00:77"], "goes to guest"), (["fdb", "list"], "guest"),
        (["trace", "guest", "dst=web.eth0"], "goes to web.eth0"),
      ] {
        let outcome = try await execute(
          [sandbox.binary] + command + (command[0] == "graph" ? [] : ["--lab", lab]), environment: sandbox.environment)
        #expect(outcome.status == 0 && outcome.output.contains(part), "\(outcome)")
      }
      let metrics = try await execute(
        ["curl", "-s", "--unix-socket", "\(sandbox.state)/\(lab)/control.sock", "http://apus/metrics"])
      #expect(metrics.output.contains("apus_port_up{lab=\"\(lab)\",port=\"guest\"} 1"), "\(metrics.errors)")
      let recorded = try await sandbox.apus(
        "capture", "guest", "--last", "10m", "-f", "icmp", "--lab", lab, expecting: 0)
      #expect(recorded.output.contains("guest in") && recorded.output.contains("10.8.0.99 > 10.8.0.9"), "\(recorded)")
      // A link of its own: with faults, and down.
      try await sandbox.apus("link", "set", "guest", "down", "--lab", lab, expecting: 0)
      #expect(try await sandbox.port("guest", lab).carrier == "down")
      try await sandbox.apus("link", "reset", "guest", "--lab", lab, expecting: 0)
      try await eventually("its carrier is back") { try await sandbox.port("guest", lab).carrier == "up" }
    }

    /// A machine on an added socket, which comes back by itself to a daemon that was started anew.
    @Test(.timeLimit(.minutes(8))) func aMachineOnAnAddedSocket() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        let socket = "\(sandbox.folder)/a.sock"
        try await sandbox.apus("port", "add", "sw1", "a", "--vhost-user", socket, "--vlan", "red", expecting: 0)
        _ = try QEMUFrontEnds.boot(1, "a", QEMUFrontEnds.Variant(isServer: false, queues: 1), sandbox)
        try await eventually("the machine is there", within: 180) {
          try await sandbox.port("a", Self.lab).carrier == "up"
        }
        // Another VLAN than that of the namespace, until it is set.
        let silent = try await sandbox.apus(
          "exec", "--lab", Self.lab, "web", "--", "ping", "-c", "1", "-W", "1", "10.8.0.1")
        #expect(silent.status != 0)
        try await sandbox.apus("port", "set", "a", "vlan=blue", "--lab", Self.lab, expecting: 0)
        try await sandbox.pings("web", "10.8.0.1", lab: Self.lab, within: 60)
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("web", "10.8.0.1", lab: Self.lab, within: 60)
        try await sandbox.apus(
          "port", "set", "web.eth0", "trunk=red,blue", "native=red", "--lab", Self.lab, expecting: 0)
        #expect(try await sandbox.port("web.eth0", Self.lab).mode == "trunk")
        try await sandbox.apus("port", "remove", "a", "--lab", Self.lab, expecting: 0)
        #expect(!FileManager.default.fileExists(atPath: socket))
        let gone = try await sandbox.apus("port", "show", "a", "--lab", Self.lab)
        #expect(gone.status == 4, "\(gone)")
      }
    }

    /// What is wrong is said, with the exit code of its kind, and nothing is left.
    @Test(.timeLimit(.minutes(2))) func whatCannotBe() async throws {
      try await Sandbox.use { sandbox in
        defer { try? TAPDevice.remove(name: Self.tap, namespace: nil) }
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        let made = try await execute(["ip", "tuntap", "add", "dev", Self.tap, "mode", "tun"])
        guard made.status == 0 else { throw Failure("\(made)") }
        let cases: [([String], Int32, String)] = [
          (["port", "add", "sw1", "p"], 2, "--tap INTERFACE, --nic INTERFACE"),
          (["port", "add", "sw1", "p", "--tap", "t", "--vhost-user", "x"], 2, "one thing"),
          (["port", "add", "sw9", "p", "--tap", "ape-add1"], 4, "switches: sw1, sw2"),
          (["port", "add", "sw1", "web", "--tap", "ape-add1"], 2, "taken by a node"),
          (["port", "add", "sw1", "p", "--tap", "ape-add1", "--vlan", "blu"], 2, "did you mean \"blue\""),
          (["port", "add", "sw1", "p", "--tap", Self.tap], 1, "another kind"),
          (["port", "add", "sw1", "p", "--vhost-user", "/no/such/x.sock"], 1, "no folder /no/such"),
          (["port", "set", "web.eth0"], 2, "nothing to set"),
          (["port", "set", "web.eth0", "queues=2"], 2, "cannot be set"),
          (["port", "set", "web.eth0", "carrier=down"], 2, "apus link set"),
          (["port", "set", "p", "vlan=1"], 4, "ports: web.eth0"),
          (["port", "remove", "web.eth0"], 2, "lab file's"),
          (["port", "remove", "p"], 4, "ports: web.eth0"),
          (["fdb", "add", "sw1", "ff:ff:ff:ff:ff:ff", "web.eth0"], 2, "not the address of a station"),
          (["fdb", "add", "sw2", "02:00:00:00:00:01", "web.eth0"], 2, "on switch sw1"),
          (["fdb", "remove", "sw1", "02:00:00:00:00:01"], 4, "no static entry"),
        ]
        for (command, status, part) in cases {
          let outcome = try await execute([sandbox.binary] + command, environment: sandbox.environment)
          #expect(outcome.status == status && outcome.errors.contains(part), "\(outcome)")
        }
        #expect(try await sandbox.ports(Self.lab).map(\.name) == ["web.eth0"])
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)/runtime.json"))
        #expect(!Self.hasInterface("ape-add1"))
        try await sandbox.apus("down", Self.lab, expecting: 0)
        // Not ours.
        #expect(Self.hasInterface(Self.tap))
      }
    }

    /// As many as a container engine brings at once.
    @Test(.timeLimit(.minutes(4))) func aHundredAtOnce() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<100 {
            group.addTask {
              try await sandbox.apus(
                "port", "add", "sw1", "p\(number)", "--tap", "ape-h\(number)", "--vlan", "blue", expecting: 0)
            }
          }
          try await group.waitForAll()
        }
        let ports = try await sandbox.ports(Self.lab)
        #expect(ports.filter { $0.added == true && $0.carrier == "up" }.count == 100)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<100 where number.isMultiple(of: 2) {
            group.addTask {
              try await sandbox.apus("port", "remove", "p\(number)", expecting: 0)
            }
          }
          try await group.waitForAll()
        }
        #expect(try await sandbox.ports(Self.lab).count == 51)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").filter {
          $0.hasPrefix("ape-h")
        }
        #expect(left == [])
      }
    }
  }
}
