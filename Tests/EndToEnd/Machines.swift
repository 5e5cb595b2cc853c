import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Machines whose NICs, carriers, disks and readiness change or fail.
  @Suite struct Machines {
    private static let lab = "ape-machines"

    private static func file(vm1 nics: String, vm2: String = "", after: String = "") -> String {
      """
      version: 1
      name: ape-machines
      switches: { sw1: {} }
      nodes:
        vm1: { kind: vm, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } \(nics) } }
        p1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }
        \(vm2)

      """
    }

    private static func process(_ sandbox: Sandbox) async throws -> Int32? {
      try await sandbox.nodes(lab).first { $0.node == "vm1" }?.pid
    }

    @Test(.timeLimit(.minutes(10))) func nicsComeAndGoWhileItRuns() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file(vm1: ""))
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
        let pid = try #require(try await Self.process(sandbox))
        _ = try sandbox.write(
          Self.file(vm1: ", eth1: { switch: sw1, address: 10.0.0.11/24 }, eth2: { switch: sw1, vlan: 7 }"))
        let plan = try await sandbox.apus("up", file, "--dry-run", expecting: 3)
        #expect(plan.output.contains("eth1, eth2 plugged in"), "\(plan)")
        try await sandbox.apus("up", file, expecting: 0)
        // Over the new NIC alone.
        try await sandbox.shell("vm1", "ip link set eth0 down", lab: Self.lab)
        try await sandbox.pings("p1", "10.0.0.11", lab: Self.lab)
        try await sandbox.shell("vm1", "ip link set eth0 up", lab: Self.lab)
        try await eventually("the second new NIC has its carrier") {
          try await sandbox.shell("vm1", "cat /sys/class/net/eth2/operstate", lab: Self.lab).hasPrefix("up")
        }
        // A guest that boots again knows it still, and another daemon takes it back.
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        try await sandbox.apus("up", file, expecting: 0)
        _ = try await sandbox.apus("exec", "--lab", Self.lab, "vm1", "--", "reboot")
        try await sandbox.pings("p1", "10.0.0.11", lab: Self.lab, within: 180)

        try await eventually("vm1 is ready", within: 180) {
          try await sandbox.nodes(Self.lab).first { $0.node == "vm1" }?.ready == true
        }
        _ = try sandbox.write(Self.file(vm1: ""))
        try await sandbox.apus("up", file, expecting: 0)
        let links = try await sandbox.shell("vm1", "ls /sys/class/net", lab: Self.lab)
        #expect(links.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("eth") } == ["eth0"])
        #expect(try await sandbox.ports(Self.lab).map(\.name) == ["vm1.eth0", "p1.eth0"])
        #expect(try await Self.process(sandbox) == pid)
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
      }
    }

    @Test(.timeLimit(.minutes(4))) func carrierReachesTheGuestAndSurvivesTheDaemon() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file(vm1: ""))
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
        func carrier() async throws -> String {
          try await sandbox.shell("vm1", "cat /sys/class/net/eth0/carrier", lab: Self.lab)
            .filter { !$0.isWhitespace }
        }
        #expect(try await carrier() == "1")
        try await sandbox.apus("link", "set", "vm1.eth0", "down", expecting: 0)
        try await eventually("the guest sees its link down") { try await carrier() == "0" }
        #expect(try await sandbox.ports(Self.lab).first?.carrier == "down")
        let drift = try await sandbox.apus("up", file, "--dry-run", expecting: 0)
        #expect(drift.output.contains("drift") && drift.output.contains("carrier of vm1.eth0 down"), "\(drift)")

        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        try await sandbox.apus("up", file, expecting: 0)
        // QEMU raises the carrier when the back-end is there again; the daemon takes it away within a second. Three
        // seconds are enough as a rule; where they are not, it is down in the end and stays so.
        try await Task.sleep(for: .seconds(3))
        try await eventually("the guest sees its link down again") { try await carrier() == "0" }
        try await Task.sleep(for: .seconds(1))
        #expect(try await carrier() == "0")

        let plan = try await sandbox.apus("up", file, "--dry-run", "--reset", expecting: 3)
        #expect(plan.output.contains("change") && !plan.output.contains("drift"), "\(plan)")
        try await sandbox.apus("up", file, "--reset", expecting: 0)
        try await eventually("the guest sees its link up") { try await carrier() == "1" }
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
      }
    }

    @Test(.timeLimit(.minutes(4))) func machinesStartInOrderAndOneAtATime() async throws {
      try await Sandbox.use { sandbox in
        let more = """
          vm2: { kind: vm, after: vm1 }
            vm3: { kind: vm, after: [vm1.started, p1] }
            vm4: { kind: vm }
          """
        let file = try sandbox.write(Self.file(vm1: "", vm2: more))
        try await sandbox.apus("up", file, "--parallel", "1", expecting: 0, within: 180)
        // Who waits for `up` is told a line a node; the daemon's log has every step.
        let log = text(of: "\(sandbox.data)/\(Self.lab)/apus.log") ?? ""
        let lines = log.split(separator: "\n").compactMap { line in
          line.range(of: "vm[1-4]: .*", options: .regularExpression).map { String(line[$0]) }
        }
        // With one place in the queue each is ready before the next one boots.
        let steps = lines.filter { $0.contains(": booting") || $0.contains(": ready in") }
          .map { $0.contains(": booting") ? "boots" : "ready" }
        #expect(steps == Array(repeating: ["boots", "ready"], count: 4).flatMap(\.self), "\(lines)")
        let ready = lines.firstIndex { $0.hasPrefix("vm1: ready") } ?? .max
        let boots = lines.firstIndex { $0.hasPrefix("vm2: booting") } ?? 0
        #expect(ready < boots, "\(lines)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func imageThatDoesNotBootLeavesNothingBehind() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-machines
          nodes:
            vm1: { kind: vm, image: empty.img, ready: { console: "login:", timeout: 20s } }

          """)
        try Data(count: 1 << 20).write(to: URL(filePath: "\(sandbox.folder)/empty.img"))
        let outcome = try await sandbox.apus("up", file, expecting: 1)
        // The last words of its console are those of the firmware.
        #expect(outcome.errors.contains("vm1: not ready 20 s after its start"), "\(outcome)")
        #expect(outcome.errors.contains("No bootable device"), "\(outcome)")
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)") == false)
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.data)/\(Self.lab)") == false)
        #expect(try Data(contentsOf: URL(filePath: "\(sandbox.folder)/empty.img")) == Data(count: 1 << 20))
      }
    }

    @Test(.timeLimit(.minutes(3))) func persistentDiskOutlivesTheLabAndFailures() async throws {
      try await Sandbox.use { sandbox in
        func file(_ image: String, _ ready: String = "") throws -> String {
          try sandbox.write(
            "version: 1\nname: ape-machines\nnodes:\n  vm1: { kind: vm, image: \(image), persist: on \(ready) }\n")
        }
        for name in ["one.img", "two.img"] {
          try Data(count: 1 << 20).write(to: URL(filePath: "\(sandbox.folder)/\(name)"))
        }
        let disk = "\(sandbox.data)/\(Self.lab)/vm1/disk.qcow2"
        try await sandbox.apus("up", try file("one.img"), expecting: 0)
        // It has no system that could shut down, and would be waited for.
        let machine = try #require(try await Self.process(sandbox).flatMap(ProcessIdentity.of(pid:)))
        machine.signal(SIGKILL)
        #expect(await machine.wait(timeoutSeconds: 10))
        try await sandbox.apus("down", Self.lab, expecting: 0)
        let before = try #require(FileManager.default.contents(atPath: disk))
        // An up that fails takes nothing of it, and one from another image is refused.
        try await sandbox.apus(
          "up", try file("one.img", ", ready: { console: x, timeout: 1s }"), expecting: 1, within: 120)
        let other = try await sandbox.apus("up", try file("two.img"), expecting: 1)
        #expect(other.errors.contains("was made from"), "\(other)")
        #expect(FileManager.default.contents(atPath: disk) == before)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(FileManager.default.contents(atPath: disk) == before)
      }
    }

    @Test(.timeLimit(.minutes(3))) func imagesThatAreWrongAreRefused() async throws {
      try await Sandbox.use { sandbox in
        func refused(_ image: String, _ text: String, _ status: Int32 = 2) async throws {
          let file = try sandbox.write(
            "version: 1\nname: ape-machines\nnodes:\n  vm1: { kind: vm, image: \(image) }\n")
          let outcome = try await sandbox.apus("up", file, expecting: status)
          #expect(outcome.errors.contains(text), "\(outcome)")
          #expect(FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)") == false)
        }
        try Data("no disk at all, but a text".utf8).write(to: URL(filePath: "\(sandbox.folder)/disk.bin"))
        try Data(count: 4096).write(to: URL(filePath: "\(sandbox.folder)/disk.img"))
        try await refused("missing.qcow2", "error[L301]")
        try await refused("disk.bin", "error[L302]")
        let zeros = String(repeating: "0", count: 64)
        try await refused("{ file: disk.img, sha256: \(zeros) }", "error[L308]")
        // More memory than any host has.
        let file = try sandbox.write(
          "version: 1\nname: ape-machines\nnodes:\n  vm1: { kind: vm, memory: 1024G }\n")
        let outcome = try await sandbox.apus("up", file, expecting: 2)
        #expect(outcome.errors.contains("node vm1 asks for 1 TiB of memory, this host has"), "\(outcome)")
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)") == false)
      }
    }

    @Test(.timeLimit(.minutes(3))) func fullDiskIsSaidAndLeavesNothingBehind() async throws {
      try await Sandbox.use { sandbox in
        try FileManager.default.createDirectory(atPath: sandbox.data, withIntermediateDirectories: true)
        let mount = try await execute(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", sandbox.data], within: 10)
        try #require(mount.status == 0, "\(mount)")
        let result: Result<Void, any Error>
        do {
          try Data(count: 4 << 20).write(to: URL(filePath: "\(sandbox.folder)/disk.img"))
          let file = try sandbox.write(
            "version: 1\nname: ape-machines\nnodes:\n  vm1: { kind: vm, image: disk.img, cloud-init: {} }\n")
          let outcome = try await sandbox.apus("up", file, expecting: 1)
          #expect(outcome.errors.contains("space"), "\(outcome)")
          #expect(FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)") == false)
          result = .success(())
        } catch {
          result = .failure(error)
        }
        // Not cancelled with a test whose time is over.
        _ = try await Task { try await execute(["umount", "--lazy", sandbox.data], within: 60) }.value
        try result.get()
      }
    }
  }
}
