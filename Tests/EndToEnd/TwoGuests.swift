import Foundation
import LinuxHost
import Testing

extension RealThings {
  /// The first topology of the README from `up` to the second `down`, as a person uses it.
  @Suite struct TwoGuests {
    private static let lab = "ape-two"

    /// The project's own file under a name that no other run of it has.
    private static func file(in sandbox: Sandbox) throws -> String {
      let path = "\(projectRoot)/topologies/two-guests.lab.yaml"
      guard let original = text(of: path), original.contains("name: two-guests\n") else {
        throw Failure("\(path) has no line `name: two-guests`")
      }
      return try sandbox.write(original.replacing("name: two-guests\n", with: "name: \(lab)\n"))
    }

    @Test(.timeLimit(.minutes(3))) func fromUpToDown() async throws {
      try await Sandbox.use { sandbox in
        let lab = Self.lab
        let file = try Self.file(in: sandbox)
        try await sandbox.apus("validate", file, expecting: 0)
        #expect(!FileManager.default.fileExists(atPath: sandbox.state))
        try await sandbox.apus("up", file, expecting: 0)
        let again = try await sandbox.apus("up", file, expecting: 0)
        #expect((again.output + again.errors).contains("no changes"))
        try await Self.checkTests(sandbox, file)
        try await Self.checkTables(sandbox)
        try await Self.checkExecute(sandbox)
        let processes = try await Self.processes(sandbox)
        #expect(processes.count == 3)
        try await sandbox.apus("down", lab, expecting: 0)
        try await Self.checkNothingLeft(sandbox, processes)
        let second = try await sandbox.apus("down", lab, expecting: 0)
        #expect(second.errors.contains("no lab"))
      }
    }

    private static func checkTests(_ sandbox: Sandbox, _ file: String) async throws {
      let result = try await sandbox.apus("test", file, expecting: 0)
      #expect(result.errors.contains("3 tests: 3 passed, 0 failed"), "\(result)")
      // A lab that was up stays up.
      #expect(try await sandbox.nodes(lab).count == 4)
    }

    private static func checkTables(_ sandbox: Sandbox) async throws {
      let nodes = try await sandbox.nodes(lab)
      #expect(nodes.map(\.node) == ["vm1", "vm2", "probe", "other"])
      #expect(nodes.map(\.kind) == ["vm", "vm", "netns", "netns"])
      #expect(nodes.allSatisfy { $0.state == "running" && $0.ready && $0.lab == lab })
      #expect(
        nodes.map { $0.addresses.first ?? "" }.map { $0.prefix { $0 != "/" } } == [
          "10.0.20.1", "10.0.20.2", "10.0.20.3", "10.0.20.9",
        ])
      let ports = try await sandbox.ports(lab)
      #expect(ports.map(\.name) == ["vm1.eth0", "vm2.eth0", "probe.eth0", "other.eth0"])
      #expect(ports.map(\.kind) == ["vhost-user", "vhost-user", "tap", "tap"])
      #expect(ports.map(\.pvid) == [20, 20, 20, 10])
      #expect(ports.allSatisfy { $0.carrier == "up" && $0.switch == "sw1" && $0.mode == "access" && $0.error == nil })
      #expect(ports[0].receive_packets > 0 && ports[0].transmit_packets > 0)
      let entries: [FDBRow] = try await sandbox.apus("fdb", "list", "--lab", lab, "-j", expecting: 0).rows()
      #expect(Set(entries.filter { $0.vlan == 20 }.map(\.port)).isSuperset(of: ["vm1.eth0", "vm2.eth0", "probe.eth0"]))
      #expect(entries.allSatisfy { $0.switch == "sw1" && ($0.vlan == 20) == ($0.port != "other.eth0") })
    }

    private static func checkExecute(_ sandbox: Sandbox) async throws {
      func status(_ node: String, _ command: String...) async throws -> Int32 {
        let words = [sandbox.binary, "exec", "--lab", lab, node, "--"] + command
        return try await execute(words, environment: sandbox.environment).status
      }
      #expect(try await status("vm1", "ping", "-c", "2", "10.0.20.2") == 0)
      #expect(try await status("probe", "ping", "-c", "1", "10.0.20.1") == 0)
      #expect(try await status("vm1", "ping", "-c", "1", "-W", "1", "10.0.20.9") == 1)
      #expect(try await status("vm2", "sh", "-c", "exit 42") == 42)
      #expect(try await status("other", "sh", "-c", "exit 7") == 7)
      #expect(try await status("vm1", "no-such-program") == 127)
      #expect(try await status("probe", "no-such-program") == 127)
      #expect(try await status("nobody", "true") == 125)
      let words = try await sandbox.apus("exec", "--lab", lab, "vm1", "--", "sh", "-c", "echo out; echo err >&2")
      #expect(words.output == "out\n" && words.errors == "err\n" && words.status == 0)
    }

    private static func processes(_ sandbox: Sandbox) async throws -> [ProcessIdentity] {
      let guests = try await sandbox.nodes(lab).compactMap { $0.pid.flatMap(ProcessIdentity.of(pid:)) }
      return try [sandbox.daemon(lab)] + guests
    }

    private static func checkNothingLeft(_ sandbox: Sandbox, _ processes: [ProcessIdentity]) async throws {
      for process in processes { #expect(await process.wait(timeoutSeconds: 5), "process \(process.pid) still runs") }
      #expect(NetworkNamespace.names().filter { $0.hasPrefix("apus-\(lab)-") } == [])
      let manager = FileManager.default
      for folder in [sandbox.state, sandbox.data] {
        #expect(try manager.contentsOfDirectory(atPath: folder) == [])
      }
    }

    @Test func brokenFileStartsNothing() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-broken
          switches: { sw1: {} }
          nodes:
            vm1: { kind: vm, nics: { eth0: { switch: sw_1 } } }
          """)
        for command in ["validate", "up"] {
          let outcome = try await sandbox.apus(command, file, expecting: 2)
          #expect(outcome.errors.contains(":5:44: error[L201]: unknown switch \"sw_1\""), "\(outcome)")
          #expect(outcome.errors.contains("did you mean \"sw1\"?"))
          #expect(outcome.output == "")
        }
        #expect(!FileManager.default.fileExists(atPath: sandbox.state))
        #expect(!FileManager.default.fileExists(atPath: sandbox.data))
      }
    }
  }
}
