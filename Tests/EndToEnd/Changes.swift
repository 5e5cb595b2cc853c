import Glibc
import LinuxHost
import Testing

extension RealThings {
  /// A lab that changes while it is up: who is not meant keeps running.
  @Suite struct Changes {
    private static let lab = "ape-changes"

    private static func file(vm1 switchName: String, memory: String, probe: Bool) -> String {
      """
      version: 1
      name: ape-changes
      switches: { sw1: {}, sw2: {} }
      nodes:
        vm1: { kind: vm, memory: \(memory), nics: { eth0: { switch: \(switchName), address: 10.0.0.1/24 } } }
        p1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }
        \(probe ? "p2: { kind: netns, nics: { eth0: { switch: sw2, address: 10.0.0.3/24 } } }" : "")

      """
    }

    private static func process(_ sandbox: Sandbox) async throws -> Int32 {
      guard let pid = try await sandbox.nodes(lab).first(where: { $0.node == "vm1" })?.pid else {
        throw Failure("vm1 has no process")
      }
      return pid
    }

    @Test(.timeLimit(.minutes(4))) func machineMovesToAnotherSwitch() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file(vm1: "sw1", memory: "128M", probe: false))
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
        let pid = try await Self.process(sandbox)

        _ = try sandbox.write(Self.file(vm1: "sw2", memory: "128M", probe: true))
        let plan = try await sandbox.apus("up", file, "--dry-run", expecting: 3)
        #expect(plan.output.contains("attached elsewhere"), "\(plan)")
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("p2", "10.0.0.1", lab: Self.lab)
        #expect(try await Self.process(sandbox) == pid)
        #expect(
          try await sandbox.apus("exec", "--lab", Self.lab, "p1", "--", "ping", "-c", "1", "-W", "1", "10.0.0.1").status
            != 0)
        let again = try await sandbox.apus("up", file, expecting: 0)
        #expect((again.output + again.errors).contains("no changes"))

        _ = try sandbox.write(Self.file(vm1: "sw2", memory: "144M", probe: true))
        let refused = try await sandbox.apus("up", file, expecting: 1)
        #expect(refused.errors.contains("--allow-restart"), "\(refused)")
        #expect(try await Self.process(sandbox) == pid)
        try await sandbox.apus("up", file, "--allow-restart", expecting: 0)
        #expect(try await Self.process(sandbox) != pid)
        try await sandbox.pings("p2", "10.0.0.1", lab: Self.lab)

        try await sandbox.apus("stop", "vm1", expecting: 0)
        #expect(try await sandbox.nodes(Self.lab).first { $0.node == "vm1" }?.state == "stopped")
        try await sandbox.apus("start", "vm1", expecting: 0)
        try await sandbox.pings("vm1", "10.0.0.3", lab: Self.lab)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }
  }
}
