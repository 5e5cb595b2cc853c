import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What a lab lives through: guests that reboot, processes that are killed, a daemon that comes back.
  @Suite struct Life {
    private static let lab = "ape-life"
    private static let file = """
      version: 1
      name: ape-life
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw1: {} }
      nodes:
        vm[1-2]: { kind: vm, image: builtin, nics: { eth0: { switch: sw1, vlan: blue } } }
        probe: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue } } }

      """

    /// Open descriptors of a process.
    private static func descriptorCount(_ process: ProcessIdentity) throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.pid)/fd").count
    }

    /// What the guest's kernel calls this boot: another one after each start.
    ///
    /// Times would not tell, as a guest that
    /// boots slowly may be older at the first answer than it was when it was told to boot again.
    private static func boot(_ node: String, _ sandbox: Sandbox) async throws -> String {
      try await sandbox.shell(node, "cat /proc/sys/kernel/random/boot_id", lab: lab)
    }

    private static func guest(_ node: String, _ sandbox: Sandbox) async throws -> ProcessIdentity {
      guard let pid = try await sandbox.nodes(lab).first(where: { $0.node == node })?.pid,
        let process = ProcessIdentity.of(pid: pid)
      else { throw Failure("\(node) has no process") }
      return process
    }

    private static func guests(_ sandbox: Sandbox) async throws -> [ProcessIdentity] {
      [try await guest("vm1", sandbox), try await guest("vm2", sandbox)]
    }

    @Test(.timeLimit(.minutes(10))) func rebootsAndKills() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("vm1", "10.0.20.2", lab: Self.lab)
        try await sandbox.pings("probe", "10.0.20.1", lab: Self.lab)
        let daemon = try sandbox.daemon(Self.lab)
        let level = try Self.descriptorCount(daemon)
        try await Self.reboot(sandbox)
        try await Self.killGuest(sandbox, file)
        try await eventually("the daemon has \(level) descriptors again") {
          try Self.descriptorCount(daemon) <= level
        }
        try await Self.killDaemon(sandbox, file)
        try await Self.terminateDaemon(sandbox, file)
      }
    }

    private static func reboot(_ sandbox: Sandbox) async throws {
      let before = try await boot("vm2", sandbox)
      let process = try await guest("vm2", sandbox)
      // The command dies with the guest: what becomes of it is not the point.
      _ = try await sandbox.apus("exec", "--lab", lab, "vm2", "--", "reboot", "-f")
      try await eventually("vm2 boots again", within: 90) {
        guard try await sandbox.nodes(lab).contains(where: { $0.node == "vm2" && $0.ready }) else { return false }
        guard let now = try? await boot("vm2", sandbox) else { return false }
        return now != before
      }
      #expect(try await guest("vm2", sandbox) == process)
      try await sandbox.pings("vm1", "10.0.20.2", lab: lab)
      try await sandbox.pings("vm2", "10.0.20.1", lab: lab)
    }

    private static func killGuest(_ sandbox: Sandbox, _ file: String) async throws {
      let old = try await guest("vm2", sandbox)
      old.signal(SIGKILL)
      try await eventually("vm2 is seen to have failed") {
        try await sandbox.nodes(lab).contains { $0.node == "vm2" && $0.state == "failed" && !$0.ready }
      }
      try await eventually("its port has no carrier") {
        try await sandbox.port("vm2.eth0", lab).carrier == "down"
      }
      let neighbour = try await boot("vm1", sandbox)
      let outcome = try await sandbox.apus("up", file, expecting: 0, within: 200)
      #expect(outcome.output.contains("restart") && outcome.output.contains("vm2"), "\(outcome)")
      #expect(try await guest("vm2", sandbox) != old)
      try await sandbox.pings("vm1", "10.0.20.2", lab: lab)
      #expect(try await boot("vm1", sandbox) == neighbour)
    }

    /// Guests go on while nobody serves their ports, and talk again soon after somebody does.
    private static func killDaemon(_ sandbox: Sandbox, _ file: String) async throws {
      let boots = [try await boot("vm1", sandbox), try await boot("vm2", sandbox)]
      let guests = try await Self.guests(sandbox)
      let daemon = try sandbox.daemon(lab)
      daemon.signal(SIGKILL)
      #expect(await daemon.wait(timeoutSeconds: 5))
      #expect(guests.allSatisfy { $0.isAlive })
      #expect(try await sandbox.apus("port", "list", "--lab", lab).status == 5)
      let outcome = try await sandbox.apus("up", file, expecting: 0)
      #expect(outcome.output.contains("adopt"), "\(outcome)")
      try await sandbox.pings("vm1", "10.0.20.2", lab: lab, within: 30)
      try await sandbox.pings("probe", "10.0.20.1", lab: lab, within: 30)
      #expect(try await Self.guests(sandbox) == guests)
      #expect([try await boot("vm1", sandbox), try await boot("vm2", sandbox)] == boots)
    }

    private static func terminateDaemon(_ sandbox: Sandbox, _ file: String) async throws {
      let guests = try await Self.guests(sandbox)
      let daemon = try sandbox.daemon(lab)
      daemon.signal(SIGTERM)
      #expect(await daemon.wait(timeoutSeconds: 10))
      #expect(guests.allSatisfy { $0.isAlive })
      #expect(NetworkNamespace.exists("apus-\(lab)-probe"))
      try await sandbox.apus("up", file, expecting: 0)
      try await sandbox.pings("vm1", "10.0.20.2", lab: lab, within: 30)
      // Without a daemon `down` works all the same.
      let again = try sandbox.daemon(lab)
      again.signal(SIGKILL)
      #expect(await again.wait(timeoutSeconds: 5))
      try await sandbox.apus("down", lab, expecting: 0)
      for guest in guests { #expect(await guest.wait(timeoutSeconds: 5), "process \(guest.pid) still runs") }
      #expect(!NetworkNamespace.exists("apus-\(lab)-probe"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
    }

    @Test(.timeLimit(.minutes(2))) func interruptTakesTheLabDown() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-fore
          switches: { sw1: {} }
          nodes:
            a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.1/24 } } }
            b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.2/24 } } }

          """)
        let process = try sandbox.start([sandbox.binary, "up", file, "--foreground"], log: "foreground.log")
        try await eventually("the lab is up") {
          (text(of: "\(sandbox.folder)/foreground.log") ?? "").contains("Ctrl-C takes it down")
        }
        try await sandbox.pings("a", "10.9.0.2", lab: "ape-fore")
        process.signal(SIGINT)
        #expect(await process.wait(timeoutSeconds: 20))
        #expect(NetworkNamespace.names().filter { $0.hasPrefix("apus-ape-fore-") } == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
      }
    }
  }
}
