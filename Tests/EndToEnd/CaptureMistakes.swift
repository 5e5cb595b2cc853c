import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What people and programs do wrong with captures: it is said, nothing is lost by it, and the daemon goes on.
  @Suite struct CaptureMistakes {
    private static let lab = "ape-mistakes"

    private static func file(_ more: String = "") -> String {
      """
      version: 1
      name: ape-mistakes
      switches: { sw1: {}, sw2: {} }
      nodes:
        h1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        h2: { kind: netns, nics: { eth0: { switch: sw2, address: 10.0.0.2/24 } } }
        quiet: { kind: external, nics: { eth0: {} } }
      links:
        - { name: trunk1, ends: [sw1, sw2], trunk: all }
      \(more)

      """
    }

    private static func size(_ path: String) -> Int {
      (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? -1
    }

    @Test(.timeLimit(.minutes(2))) func whatThereWasStays() async throws {
      try await Sandbox.use { sandbox in
        let declared = "capture:\n  - { on: sw1, file: declared.pcapng, filter: icmp }"
        let lab = try sandbox.write(Self.file(declared))
        try await sandbox.apus("up", lab, expecting: 0)
        try await sandbox.shell("h1", "ping -c 2 -i 0.2 10.0.0.2", lab: Self.lab)
        let file = "\(sandbox.folder)/declared.pcapng"
        try await eventually("frames are in the file") { Self.size(file) > 500 }
        // A filter that is none is found before anything is stopped.
        _ = try sandbox.write(Self.file(declared.replacing("icmp", with: "tcp prt 80")))
        for command in ["validate", "up"] {
          let outcome = try await sandbox.apus(command, lab, expecting: 2)
          #expect(outcome.errors.contains("error[L309]") && outcome.errors.contains("tcp prt 80"), "\(outcome)")
        }
        #expect(Self.size(file) > 500)
        #expect(try await sandbox.captures(Self.lab).map(\.filter) == ["icmp"])
        // A file is opened when there is something to write.
        let before = try Data(contentsOf: URL(filePath: file))
        for (arguments, status) in [
          (["nosuch", "-w", file], 4), (["all", "--last", "10s", "--raw", "-w", file], 2), (["", "-w", file], 2),
          (["trunk1", "--last", "10s", "-w", file], 2),
        ] as [([String], Int32)] {
          let outcome = try await execute(
            [sandbox.binary, "capture", "--lab", Self.lab] + arguments, environment: sandbox.environment, within: 20)
          #expect(outcome.status == status, "\(outcome)")
        }
        #expect(try Data(contentsOf: URL(filePath: file)).starts(with: before))
        try await sandbox.apus("link", "show", "h1:eth0", "--lab", Self.lab, expecting: 0)
      }
    }

    @Test(.timeLimit(.minutes(2))) func nothingHoldsTheDaemonUp() async throws {
      try await Sandbox.use { sandbox in
        let lab = try sandbox.write(Self.file())
        try await sandbox.apus("up", lab, expecting: 0)
        // Files that nobody writes to would be waited for.
        for name in ["one", "two", "three"] {
          let pipe = "\(sandbox.folder)/\(name)"
          try #require(mkfifo(pipe, 0o600) == 0)
          let outcome = try await sandbox.apus(
            "capture", "--from-file", pipe, "--inject", "h1:eth0", "--lab", Self.lab, expecting: 2, within: 20)
          #expect(outcome.errors.contains("no regular file"), "\(outcome)")
        }
        let declared = try sandbox.write(Self.file("capture:\n  - { on: sw1, file: one }"))
        let outcome = try await sandbox.apus("up", declared, within: 30)
        #expect(outcome.status != 0 && outcome.errors.contains("one"), "\(outcome)")
        _ = try sandbox.write(Self.file())
        try await sandbox.apus("up", lab, expecting: 0, within: 30)
        // Clients that are gone: their captures end although no frame comes.
        for _ in 0..<3 {
          let socket = "\(sandbox.state)/\(Self.lab)/control.sock"
          let address = "'http://a/v1/capture?target=quiet.eth0'"
          let line = (0..<20).map { _ in
            "timeout -s KILL 1 curl -s -X POST --unix-socket '\(socket)' \(address) -o /dev/null &"
          }
          _ = try await execute(["sh", "-c", line.joined(separator: "\n") + "\nwait"], within: 30)
        }
        try await eventually("the captures have ended", within: 20) { try await sandbox.captures(Self.lab).isEmpty }
        // A file that is cut short: what is whole is sent, and counted.
        let cut = "\(sandbox.folder)/cut.pcap"
        try Self.pcap(frames: 5).dropLast(10).write(to: URL(filePath: cut))
        let replay = try await sandbox.apus(
          "capture", "--from-file", cut, "--inject", "h1:eth0", "--speed", "0", "--lab", Self.lab, expecting: 2)
        #expect(replay.errors.contains("4 frames were sent"), "\(replay)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func anUpThatIsInterruptedAtOnceLeavesNoDaemon() async throws {
      try await Sandbox.use { sandbox in
        let lab = try sandbox.write(Self.file())
        for delay in ["0.02", "0.05", "0.08", "0.12", "0.15"] {
          let outcome = try await execute(
            ["timeout", "-s", "INT", "--foreground", delay, sandbox.binary, "up", lab],
            environment: sandbox.environment, within: 30)
          // A lab that was up when the interrupt came is whole; there is nothing in between.
          try await eventually("all or nothing is left after \(delay) s: \(outcome)", within: 20) {
            if !FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)") { return true }
            let nodes: [NodeRow] = (try? await sandbox.nodes(Self.lab)) ?? []
            return nodes.count == 3 && nodes.allSatisfy(\.ready)
          }
          try await sandbox.apus("down", Self.lab, expecting: 0)
        }
        // Killed, it clears nothing away: `down` does, whatever there is, and so would the next `up`.
        for delay in ["0.02", "0.04", "0.08", "0.12"] {
          _ = try await execute(
            ["timeout", "-s", "KILL", "--foreground", delay, sandbox.binary, "up", lab],
            environment: sandbox.environment, within: 30)
          try await sandbox.apus("down", Self.lab, expecting: 0)
          // A daemon that was just being started ends by itself.
          try await eventually("nothing is left of an up that was killed after \(delay) s", within: 20) {
            try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == []
          }
        }
        try FileManager.default.createDirectory(
          atPath: "\(sandbox.state)/\(Self.lab)", withIntermediateDirectories: true)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
        try await sandbox.apus("up", lab, expecting: 0)
      }
    }

    /// A pcap file of small frames.
    private static func pcap(frames: Int) -> Data {
      func words(_ values: [UInt32]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
      }
      var data = Data(words([0xA1B2_C3D4, 0x0004_0002, 0, 0, 65536, 1]))
      for number in 0..<frames {
        let frame: [UInt8] = [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xB5] + [UInt8](repeating: 7, count: 46)
        data += words([UInt32(number), 0, 60, 60]) + frame
      }
      return data
    }
  }
}
