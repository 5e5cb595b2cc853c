import Foundation
import Glibc
import LinuxHost
import Testing

extension RealThings {
  /// Daemons that are there and cannot be reached.
  @Suite struct LostDaemons {
    private static let lab = "ape-lost"
    private static let file = """
      version: 1
      name: ape-lost
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.2/24 } } }

      """

    private static var namespaces: [String] { NetworkNamespace.names().filter { $0.hasPrefix("apus-\(lab)-") } }

    /// Commands say so instead of waiting for ever, nothing mistakes it for dead, and `down` removes the lab.
    @Test(.timeLimit(.minutes(3))) func oneThatWasStopped() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGSTOP)
        defer { daemon.signal(SIGKILL) }

        try await sandbox.apus("up", file, "--dry-run", expecting: 5)
        let up = try await sandbox.apus("up", file, expecting: 5)
        #expect(up.errors.contains("the daemon of lab ape-lost (process \(daemon.pid)) has not answered"), "\(up)")
        let doctor = try await sandbox.apus("doctor", "--clean", expecting: 0)
        #expect(!doctor.output.contains(Self.lab), "\(doctor)")
        #expect(Self.namespaces.count == 2)
        let findings = try await sandbox.apus("doctor")
        #expect(findings.output.contains("its daemon does not answer"), "\(findings)")

        // Let go on, it is as it was.
        daemon.signal(SIGCONT)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        daemon.signal(SIGSTOP)
        let down = try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(down.errors.contains("(process \(daemon.pid)) has not answered"), "\(down)")
        #expect(!daemon.isAlive)
        #expect(Self.namespaces == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [["doctor", "--clean"], ["down", "ape-lost"]])
    func oneWhoseFolderWasRemoved(_ command: [String]) async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        let daemon = try sandbox.daemon(Self.lab)
        defer { daemon.signal(SIGKILL) }
        // Stopped, too, it takes its lab down.
        if command[0] == "down" { daemon.signal(SIGSTOP) }
        try FileManager.default.removeItem(atPath: "\(sandbox.state)/\(Self.lab)")

        let findings = try await sandbox.apus("doctor")
        #expect(findings.output.contains("daemon of lab ape-lost, whose folder"), "\(findings)")
        let outcome = try await execute([sandbox.binary] + command, environment: sandbox.environment, within: 100)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(!daemon.isAlive)
        #expect(Self.namespaces == [])
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.data)/\(Self.lab)"))
        // The lab comes up again as if nothing had been.
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// Only its socket is gone: it lives, so nothing is removed under it, and `down` ends it first.
    @Test(.timeLimit(.minutes(3))) func oneWhoseSocketWasRemoved() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        let daemon = try sandbox.daemon(Self.lab)
        defer { daemon.signal(SIGKILL) }
        try FileManager.default.removeItem(atPath: "\(sandbox.state)/\(Self.lab)/control.sock")
        try await sandbox.apus("doctor", "--clean", expecting: 0)
        #expect(daemon.isAlive && Self.namespaces.count == 2)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(!daemon.isAlive)
        #expect(Self.namespaces == [])
      }
    }

    /// Another file replaces its lab, too.
    @Test(.timeLimit(.minutes(2))) func oneThatWasStoppedIsReplaced() async throws {
      try await Sandbox.use { sandbox in
        let other = try sandbox.write(Self.file, as: "other.lab.yaml")
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGSTOP)
        defer { daemon.signal(SIGKILL) }
        try await sandbox.apus("up", "--replace", other, expecting: 0)
        #expect(!daemon.isAlive)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
      }
    }

    /// Stopped, its folder gone, and then another daemon serves a lab of that name.
    @Test(.timeLimit(.minutes(3))) func oneThatAnotherHasReplaced() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-lost
          switches: { sw1: {} }
          nodes: { vm1: { kind: external, nics: { eth0: { switch: sw1 } } } }

          """)
        try await sandbox.apus("up", file, expecting: 0)
        let former = try sandbox.daemon(Self.lab)
        defer { former.signal(SIGKILL) }
        former.signal(SIGSTOP)
        try FileManager.default.removeItem(atPath: "\(sandbox.state)/\(Self.lab)")
        try await sandbox.apus("up", file, expecting: 0)
        let daemon = try sandbox.daemon(Self.lab)
        let cleaned = try await sandbox.apus("doctor", "--clean", expecting: 0)
        #expect(cleaned.output.contains("former daemon of lab ape-lost ended"), "\(cleaned)")
        #expect(!former.isAlive && daemon.isAlive)
        #expect(try await sandbox.ports(Self.lab).map(\.name) == ["vm1.eth0"])
      }
    }
  }
}
