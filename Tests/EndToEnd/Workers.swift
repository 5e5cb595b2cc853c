import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Several threads that move the frames of one lab.
  @Suite struct Workers {
    private static let lab = "ape-workers"

    /// Two pairs of namespaces that talk to each other.
    private static func file(_ workers: String) -> String {
      """
      version: 1
      name: \(lab)
      workers: \(workers)
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, vlan: 10, address: 10.0.1.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, vlan: 10, address: 10.0.1.2/24 } } }
        c: { kind: netns, nics: { eth0: { switch: sw1, vlan: 20, address: 10.0.2.1/24 } } }
        d: { kind: netns, nics: { eth0: { switch: sw1, vlan: 20, address: 10.0.2.2/24 } } }

      """
    }

    /// Numbers of the processors on which this test, and so the daemon, may run.
    private static var processors: [Int] { (HostFacts.processors ?? []).flatMap { Array($0) } }

    /// The threads of the daemon that are workers, with the processors on which each may run (`Cpus_allowed_list`).
    private static func threads(_ sandbox: Sandbox) throws -> [String: String] {
      var found: [String: String] = [:]
      let folder = "/proc/\(try sandbox.daemon(lab).pid)/task"
      for thread in try FileManager.default.contentsOfDirectory(atPath: folder) {
        let lines = (text(of: "\(folder)/\(thread)/status") ?? "").split(separator: "\n")
        func value(_ key: String) -> String? {
          lines.first { $0.hasPrefix(key) }?.split(whereSeparator: \.isWhitespace).last.map(String.init)
        }
        if let name = value("Name:"), name.hasPrefix("apus-worker") { found[name] = value("Cpus_allowed_list:") }
      }
      return found
    }

    private static func workers(_ sandbox: Sandbox) async throws -> [WorkerRow] {
      try await sandbox.apus("worker", "list", "--lab", lab, "-j", expecting: 0).rows()
    }

    private static func talk(_ sandbox: Sandbox) async throws {
      try await sandbox.pings("a", "10.0.1.2", lab: lab)
      try await sandbox.pings("d", "10.0.2.1", lab: lab)
    }

    @Test(.timeLimit(.minutes(3))) func twoShareThePorts() async throws {
      try await Sandbox.use { sandbox in
        let pinned = Array(Self.processors.prefix(2))
        try #require(pinned.count == 2, "two processors are needed")
        let file = try sandbox.write(Self.file("{ count: 2, cpus: \(pinned) }"))
        try await sandbox.apus("up", file, expecting: 0)
        #expect(
          try Self.threads(sandbox) == ["apus-worker0": "\(pinned[0])", "apus-worker1": "\(pinned[1])"])
        try await Self.talk(sandbox)
        // Both pairs at once, until both workers have been seen to work.
        let noise = [("a", "10.0.1.2"), ("b", "10.0.1.1"), ("c", "10.0.2.2"), ("d", "10.0.2.1")].map { node, address in
          Task {
            while !Task.isCancelled { try await sandbox.shell(node, "ping -q -f -c 500 \(address)", lab: Self.lab) }
          }
        }
        defer { for task in noise { task.cancel() } }
        try await eventually("both workers move frames", within: 60) {
          try await Self.workers(sandbox).filter { ($0.busy ?? 0) > 0 && ($0.frames_per_second ?? 0) > 0 }.count == 2
        }
        let workers = try await Self.workers(sandbox)
        #expect(workers.map(\.worker) == [0, 1] && workers.map(\.cpu) == pinned)
        #expect(workers.allSatisfy { !$0.ports.isEmpty && $0.busy.map { (0...1).contains($0) } == true }, "\(workers)")
        #expect(workers.flatMap(\.ports).sorted() == ["a.eth0", "b.eth0", "c.eth0", "d.eth0"])
        for task in noise {
          task.cancel()
          _ = await task.result
        }
        let stats = try await sandbox.apus("stats", "--lab", Self.lab, expecting: 0).output
        for worker in ["\n     0  ", "\n     1  "] { #expect("\n\(stats)".contains(worker), "\(stats)") }
      }
    }

    /// More than there are processors, as many as there are, and that none of it changes under a lab that is up.
    @Test(.timeLimit(.minutes(3))) func anyNumberOfThem() async throws {
      try await Sandbox.use { sandbox in
        let most = min(Self.processors.count + 7, 64)
        let file = try sandbox.write(Self.file("{ count: \(most) }"))
        let up = try await sandbox.apus("up", file, expecting: 0)
        #expect(up.errors.contains("warning[L305]: \(most) workers are asked for"), "\(up)")
        #expect(try Self.threads(sandbox).count == most)
        try await Self.talk(sandbox)
        let rows = try await Self.workers(sandbox)
        #expect(rows.map(\.worker) == Array(0..<most) && rows.allSatisfy { $0.cpu == nil })

        _ = try sandbox.write(Self.file("{ count: auto }"))
        let refused = try await sandbox.apus("up", file, expecting: 1)
        #expect(refused.errors.contains("running with other `workers`"), "\(refused)")
        #expect(try Self.threads(sandbox).count == most)
        let replaced = try await sandbox.apus("up", file, "--replace", expecting: 0)
        #expect(!replaced.errors.contains("L305"), "\(replaced)")
        #expect(try Self.threads(sandbox).count == min(Self.processors.count, 4))
        try await Self.talk(sandbox)
        let again = try await sandbox.apus("up", file, expecting: 0)
        #expect((again.output + again.errors).contains("no changes"), "\(again)")
      }
    }

    @Test(arguments: ["0", "65", "many"]) func whatIsNoNumberOfThemIsRefused(_ count: String) async throws {
      try await Sandbox.use { sandbox in
        let refused = try await sandbox.apus("up", try sandbox.write(Self.file("{ count: \(count) }")), expecting: 2)
        #expect(refused.errors.contains("ape.lab.yaml:3:19: error[L00"), "\(refused)")
        #expect(refused.errors.contains("auto takes one for each processor, 4 at most"), "\(refused)")
        #expect(!FileManager.default.fileExists(atPath: sandbox.state))
      }
    }
  }
}
