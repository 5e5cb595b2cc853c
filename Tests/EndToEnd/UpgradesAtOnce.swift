import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// `apus upgrade` while something else is done to the lab or its daemon, and of several labs.
  @Suite struct UpgradesAtOnce {
    private static let lab = "ape-once"

    private static func file(_ name: String = UpgradesAtOnce.lab) -> String {
      """
      version: 1
      name: \(name)
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.2/24 } } }

      """
    }

    /// Daemons of the lab, old and new.
    private static func daemons(_ sandbox: Sandbox) -> [Int32] {
      HostFacts.entries(of: "/proc").compactMap { Int32($0) }.filter { pid in
        guard let words = HostFacts.text(ofFile: "/proc/\(pid)/cmdline"),
          let variables = HostFacts.text(ofFile: "/proc/\(pid)/environ")
        else { return false }
        return words.contains("\0daemon\0--lab\0\(lab)\0") && variables.contains("APUS_STATE_DIR=\(sandbox.state)\0")
      }
    }

    /// Exactly one daemon answers, and the lab is what its file says.
    private static func expectWhole(_ sandbox: Sandbox, _ file: String) async throws {
      try await eventually("there is one daemon") { daemons(sandbox).count == 1 }
      let served = try sandbox.daemon(lab).pid
      #expect(daemons(sandbox) == [served])
      let again = try await sandbox.apus("up", file, expecting: 0, within: 200)
      #expect((again.output + again.errors).contains("no changes"), "\(again)")
      #expect(try await sandbox.ports(lab).map(\.name).sorted() == ["a.eth0", "b.eth0"])
      try await sandbox.pings("a", "10.9.0.2", lab: lab)
    }

    @Test(.timeLimit(.minutes(4))) func twoUpgrades() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        for _ in 0..<3 {
          async let one = sandbox.apus("upgrade", Self.lab)
          async let other = sandbox.apus("upgrade", Self.lab)
          let outcomes = [try await one, try await other]
          // Who comes second finds the new daemon, or is told that it was too late.
          #expect(outcomes.contains { $0.status == 0 }, "\(outcomes)")
          try await Self.expectWhole(sandbox, file)
        }
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(HostFacts.entries(of: sandbox.state) == [] && Self.daemons(sandbox) == [])
      }
    }

    /// SIGTERM leaves the nodes to the next daemon, which is the other program, or the one that `up` starts.
    @Test(.timeLimit(.minutes(6))) func theOldDaemonIsTerminated() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        for round in 0..<6 {
          let old = try sandbox.daemon(Self.lab)
          let log = "upgrade\(round).log"
          let client = try sandbox.start([sandbox.binary, "upgrade", Self.lab], log: log)
          // As soon as the other program is there, or when it is ready, and all is about to stand still.
          func isTime() -> Bool {
            guard round % 2 == 1 else { return Self.daemons(sandbox).count > 1 }
            return text(of: "\(sandbox.folder)/\(log)")?.contains("is ready") == true
          }
          while client.isAlive, !isTime() { try await Task.sleep(for: .milliseconds(1)) }
          old.signal(SIGTERM)
          #expect(await client.wait(timeoutSeconds: 60))
          try await eventually("the old daemon has ended") { !old.isAlive }
          try await eventually("there is one daemon, or none") { Self.daemons(sandbox).count <= 1 }
          try await sandbox.apus("up", file, expecting: 0, within: 200)
          try await Self.expectWhole(sandbox, file)
        }
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(HostFacts.entries(of: sandbox.state) == [] && Self.daemons(sandbox) == [])
      }
    }

    /// What somebody sets meanwhile is there afterwards, whichever of the two was told.
    @Test(.timeLimit(.minutes(6))) func whatIsSetMeanwhile() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        var (milliseconds, upgrades) = (100, 0)
        for round in 0..<5 {
          let log = "upgrade\(round).log"
          let client = try sandbox.start([sandbox.binary, "upgrade", Self.lab], log: log)
          repeat {
            milliseconds += 1
            try await Self.set("\(milliseconds)ms", sandbox)
            try await Self.expectSet("\(milliseconds)ms", sandbox)
          } while client.isAlive
          let said = text(of: "\(sandbox.folder)/\(log)") ?? ""
          if said.contains("goes on with apus") { upgrades += 1 }
          #expect(said.contains("goes on with apus") || said.contains(" in time, and was ended"), "\(said)")
          try await Self.expectSet("\(milliseconds)ms", sandbox)
        }
        #expect(upgrades > 0)
        try await sandbox.apus("link", "reset", "a.eth0", "--lab", Self.lab, expecting: 0)
        try await Self.expectWhole(sandbox, file)
      }
    }

    /// Asks until somebody answers: a daemon that goes may break off.
    private static func asked(_ sandbox: Sandbox, _ words: [String]) async throws -> Outcome {
      var outcome: Outcome
      var tries = 0
      repeat {
        outcome = try await execute([sandbox.binary] + words + ["--lab", lab], environment: sandbox.environment)
        tries += 1
        if outcome.status == 5 { print("upgrades: once more, after: \(outcome)") }
      } while outcome.status == 5 && tries < 10
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
      return outcome
    }

    private static func set(_ delay: String, _ sandbox: Sandbox) async throws {
      _ = try await asked(sandbox, ["link", "set", "a.eth0", "delay=\(delay)"])
    }

    private static func expectSet(_ delay: String, _ sandbox: Sandbox) async throws {
      let shown = try await asked(sandbox, ["link", "show", "a.eth0"])
      #expect(shown.output.contains(delay), "\(delay) was set; \(shown)")
    }

    @Test(.timeLimit(.minutes(3))) func allLabs() async throws {
      try await Sandbox.use { sandbox in
        let labs = ["ape-one", "ape-two"]
        var files: [String] = []
        for name in labs {
          files.append(try sandbox.write(Self.file(name), as: "\(name).lab.yaml"))
          try await sandbox.apus("up", files[files.count - 1], expecting: 0)
        }
        let before = try labs.map { try sandbox.daemon($0) }
        let outcome = try await sandbox.apus("upgrade", "--all", expecting: 0)
        for (index, name) in labs.enumerated() {
          #expect(outcome.errors.contains("lab \(name) goes on with apus"), "\(outcome)")
          #expect(try sandbox.daemon(name) != before[index])
          try await eventually("the first daemon of \(name) has ended") { !before[index].isAlive }
          let again = try await sandbox.apus("up", files[index], expecting: 0)
          #expect((again.output + again.errors).contains("no changes"), "\(again)")
          try await sandbox.pings("a", "10.9.0.2", lab: name)
        }
      }
    }
  }
}
