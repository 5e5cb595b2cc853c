import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Labs that are saved while they run, and go on: where they are, elsewhere, and after what can go wrong.
  @Suite struct SavedLabs {
    private static let lab = "ape-saved"
    private static let silent = "02:00:00:00:00:88"
    private static let file = """
      version: 1
      name: ape-saved
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw1: { aging: 1h } }
      nodes:
        vm[1-2]: { kind: vm, nics: { eth0: { switch: sw1, vlan: blue } } }
        probe: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue } } }
        x1: { kind: external, nics: { eth0: { switch: sw1, vlan: blue } } }

      """

    private struct Saved: Decodable {
      var path: String
      var machines: Int
      var pause_seconds: Double
      var memory_seconds: Double
      var others: [String: String]
      var down: Bool
    }

    /// What a guest has that a boot would change, and what its memory holds.
    private struct Trace: Equatable {
      var boot: String
      var sum: String

      init(_ node: String, _ sandbox: Sandbox) async throws {
        boot = try await sandbox.shell(node, "cat /proc/sys/kernel/random/boot_id", lab: lab)
        sum = try await sandbox.shell(node, "md5sum /tmp/data", lab: lab)
      }
    }

    private static func uptime(_ node: String, _ sandbox: Sandbox) async throws -> Double {
      let text = try await sandbox.shell(node, "cat /proc/uptime", lab: lab)
      return text.split(separator: " ").first.flatMap { Double($0) } ?? 0
    }

    private static func save(_ sandbox: Sandbox, _ words: String...) async throws -> Saved {
      let command = [sandbox.binary, "save", lab] + words + ["-j"]
      let outcome = try await execute(command, environment: sandbox.environment, within: 100)
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
      return try JSONDecoder().decode(Saved.self, from: Data(outcome.output.utf8))
    }

    private static func stations(_ sandbox: Sandbox) async throws -> [FDBRow] {
      try await sandbox.apus("fdb", "list", "--lab", lab, "-j", expecting: 0).rows()
    }

    private static func mode(_ path: String) -> Int? {
      (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
    }

    @Test(.timeLimit(.minutes(8))) func labGoesOnHereAndElsewhere() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0, within: 200)
        try await sandbox.pings("vm1", "10.0.20.2", lab: Self.lab)
        try await sandbox.pings("probe", "10.0.20.1", lab: Self.lab)
        for node in ["vm1", "vm2"] {
          try await sandbox.shell(node, "dd if=/dev/urandom of=/tmp/data bs=1M count=4", lab: Self.lab)
        }
        let trace = try await Trace("vm1", sandbox)
        try await Self.saySomething(sandbox)

        // First into the folder of its own: everybody goes on.
        let first = try await Self.save(sandbox)
        #expect(first.path.hasPrefix("\(sandbox.data)/saved/\(Self.lab)-"))
        #expect(first.machines == 2 && !first.down && first.others == ["x1": "external"])
        #expect(first.pause_seconds >= first.memory_seconds && first.memory_seconds > 0, "\(first)")
        print("two machines stood still for \(first.pause_seconds) s, \(first.memory_seconds) s to write memory")
        #expect(Self.mode(first.path) == 0o700 && Self.mode("\(first.path)/vm1.memory") == 0o600)
        #expect(try await Trace("vm1", sandbox) == trace)
        let events = try await sandbox.apus(
          "events", "--since", "10m", "--no-follow", "--type", "lab.saved", "--lab", Self.lab, expecting: 0)
        #expect(events.output.contains("lab.saved"), "\(events)")
        try await sandbox.pings("vm1", "10.0.20.2", lab: Self.lab)

        let monday = "\(sandbox.folder)/monday"
        let before = try await Self.stopWithAFrameOnTheWay(sandbox, monday)
        try await Self.refuseWhatIsNotIt(sandbox, file, monday)

        try await Sandbox.use { elsewhere in
          let file = try elsewhere.write(Self.file, as: "other.lab.yaml")
          let begin = ContinuousClock.now
          try await elsewhere.apus("up", file, "--from", monday, expecting: 0, within: 200)
          print("up --from took \(ContinuousClock.now - begin)")
          #expect(try await Trace("vm1", elsewhere) == trace)
          #expect(try await Self.uptime("vm1", elsewhere) >= before.uptime)
          try await Self.expectAllIsThere(elsewhere, before.stations)
        }
      }
    }

    /// What is said at run time, and what somebody does in a namespace.
    private static func saySomething(_ sandbox: Sandbox) async throws {
      try await sandbox.apus(
        "fdb", "add", "sw1", "02:00:00:00:00:99", "vm1.eth0", "--vlan", "20", "--lab", lab, expecting: 0)
      try await sandbox.apus(
        "port", "add", "sw1", "extra", "--vhost-user", "\(sandbox.folder)/x.sock", "--lab", lab, expecting: 0)
      try await sandbox.shell(
        "probe", "ip address add 10.0.20.77/24 dev eth0; ip route add 10.9.0.0/16 via 10.0.20.1", lab: lab)
      // A station that speaks this once only: who knows it later knows it from here.
      let frame = "bytes.fromhex('ffffffffffff' + '\(silent)'.replace(':', '') + '88b5') + bytes(46)"
      let lines =
        "import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth0', 0)); s.send(\(frame))"
      try await sandbox.shell("probe", "python3 -c \"\(lines)\"", lab: lab)
      try await eventually("it is learnt") { try await stations(sandbox).contains { $0.mac == silent } }
    }

    /// Saves the lab while an echo request of vm1 is on its line, and takes it down.
    private static func stopWithAFrameOnTheWay(
      _ sandbox: Sandbox, _ folder: String
    ) async throws -> (uptime: Double, stations: [FDBRow]) {
      try await sandbox.apus(
        "link", "set", "vm1.eth0", "delay=40s", "--from", "vm1.eth0", "--lab", lab, expecting: 0)
      let before = try await uptime("vm1", sandbox)
      // ARP of its own would come late, too.
      try await sandbox.shell(
        "vm1", "ip neigh show | grep -q 10.0.20.2 && (ping -c 1 -W 120 10.0.20.2 >/tmp/ping.log 2>&1 &)", lab: lab)
      let stations = try await stations(sandbox)
      let saved = try await save(sandbox, folder, "--stop")
      #expect(saved.down && saved.path == folder)
      try await eventually("the lab is gone") {
        try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == []
      }
      let plane = text(of: "\(folder)/plane.json") ?? ""
      // A key that only frames have.
      #expect(plane.contains("\"overtakes\""), "no frame was on the way")
      return (before, stations)
    }

    private static func refuseWhatIsNotIt(_ sandbox: Sandbox, _ file: String, _ folder: String) async throws {
      func refused(_ text: String, _ file: String) async throws {
        let outcome = try await sandbox.apus("up", file, "--from", folder, expecting: 2)
        #expect(outcome.errors.contains(text), "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.state)/\(lab)"))
      }
      /// Runs a body while a file of the folder is another.
      func with(_ name: String, as bytes: (inout Data) -> Void, _ body: () async throws -> Void) async throws {
        let path = "\(folder)/\(name)"
        let was = try Data(contentsOf: URL(filePath: path))
        var other = was
        bytes(&other)
        try other.write(to: URL(filePath: path))
        try await body()
        try was.write(to: URL(filePath: path))
      }
      let larger = try sandbox.write(
        Self.file.replacing("kind: vm,", with: "kind: vm, memory: 192M,"), as: "l.lab.yaml")
      try await refused("nodes.vm1.memory: saved 134217728, now 201326592", larger)
      try await with("vm1.memory", as: { $0[$0.count / 2] ^= 1 }) { try await refused("was altered", file) }
      try await with("vm2.memory", as: { $0.removeLast(4096) }) { try await refused("it was cut", file) }
      try await with("plane.json", as: { $0 = Data() }) { try await refused("it was cut", file) }
      try await with(
        "manifest.json",
        as: {
          $0 = Data(
            String(decoding: $0, as: UTF8.self)
              .replacing("\"format\" : 1,", with: "\"format\" : 2,").utf8)
        }
      ) { try await refused("a newer apus has saved the lab", file) }
      try await with("manifest.json", as: { $0 = Data("{".utf8) }) { try await refused("cannot be read", file) }
    }

    private static func expectAllIsThere(_ sandbox: Sandbox, _ before: [FDBRow]) async throws {
      let after = try await stations(sandbox)
      // Stations of before: nobody had to be learnt, and one of them could not be.
      #expect(before.contains { $0.mac == silent })
      for row in before {
        #expect(after.contains { $0.mac == row.mac && $0.port == row.port && $0.vlan == row.vlan }, "\(row)")
      }
      #expect(try await sandbox.ports(lab).contains { $0.name == "extra" })
      let link = try await sandbox.apus("link", "show", "vm1.eth0", "--lab", lab, expecting: 0)
      #expect(link.output.contains("40s"), "\(link)")
      let addresses = try await sandbox.shell("probe", "ip -o address show dev eth0; ip route", lab: lab)
      #expect(addresses.contains("10.0.20.77/24") && addresses.contains("10.9.0.0/16 via 10.0.20.1"), "\(addresses)")
      // The request that was on its line arrives now.
      try await eventually("the frame on the line has arrived", within: 120) {
        try await sandbox.shell("vm1", "cat /tmp/ping.log", lab: lab).contains("1 packets received")
      }
      try await sandbox.apus("link", "reset", "vm1.eth0", "--lab", lab, expecting: 0)
      try await sandbox.pings("vm1", "10.0.20.2", lab: lab)
      try await sandbox.pings("vm2", "10.0.20.77", lab: lab)
    }

    @Test(.timeLimit(.minutes(4))) func saveThatFailsLeavesTheLabRunning() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          "version: 1\nname: ape-saved\nswitches: { sw1: {} }\nnodes:\n"
            + "  vm1: { kind: vm, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }\n"
            + "  p1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }\n")
        try await sandbox.apus("up", file, expecting: 0, within: 200)
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
        try await sandbox.shell("vm1", "echo >/tmp/data", lab: Self.lab)
        let trace = try await Trace("vm1", sandbox)
        try await Self.saveWithoutRoom(sandbox)
        #expect(try await Trace("vm1", sandbox) == trace)

        let there = try await sandbox.apus("save", Self.lab, sandbox.folder, expecting: 1)
        #expect(there.errors.contains("is there already"), "\(there)")
        let nowhere = try await sandbox.apus("save", Self.lab, "\(sandbox.folder)/no/where", expecting: 1)
        #expect(nowhere.errors.contains("No such file"), "\(nowhere)")

        try await Self.interrupt(sandbox)
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
        try await Self.killDaemon(sandbox, file)
        #expect(try await Trace("vm1", sandbox) == trace)
        try await sandbox.pings("p1", "10.0.0.1", lab: Self.lab)
        // And what could not be done before can be done now.
        _ = try await Self.save(sandbox, "\(sandbox.folder)/last")
      }
    }

    private static func saveWithoutRoom(_ sandbox: Sandbox) async throws {
      let small = "\(sandbox.folder)/small"
      try FileManager.default.createDirectory(atPath: small, withIntermediateDirectories: true)
      let mount = try await execute(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], within: 10)
      try #require(mount.status == 0, "\(mount)")
      let result: Result<Void, any Error>
      do {
        let outcome = try await sandbox.apus("save", lab, "\(small)/x", expecting: 1)
        #expect(outcome.errors.contains("MiB free"), "\(outcome)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: small) == [])
        result = .success(())
      } catch {
        result = .failure(error)
      }
      // Not cancelled with a test whose time is over.
      _ = try await Task { try await execute(["umount", "--lazy", small], within: 60) }.value
      try result.get()
    }

    /// The folder that is being written.
    private static func unfinished(_ sandbox: Sandbox) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: sandbox.folder).filter { $0.hasSuffix(".new") }
    }

    /// Begins to save, and returns the command, and what its folder is to be, once that is being written.
    ///
    /// One that was too quick is told to try again.
    private static func beginSave(_ sandbox: Sandbox) async throws -> (command: ProcessIdentity, folder: String) {
      for number in 1...50 {
        let folder = "\(sandbox.folder)/try\(number)"
        let command = try sandbox.start([sandbox.binary, "save", lab, folder], log: "save.log")
        while command.isAlive {
          if try !unfinished(sandbox).isEmpty { return (command, folder) }
          try await Task.sleep(for: .milliseconds(1))
        }
        guard FileManager.default.fileExists(atPath: folder) else {
          throw Failure("save failed: \(text(of: "\(sandbox.folder)/save.log") ?? "")")
        }
        try FileManager.default.removeItem(atPath: folder)
      }
      throw Failure("no save was seen under way")
    }

    private static func interrupt(_ sandbox: Sandbox) async throws {
      for _ in 1...20 {
        let (command, folder) = try await beginSave(sandbox)
        command.signal(SIGINT)
        #expect(await command.wait(timeoutSeconds: 20))
        try await eventually("nothing is left of it") { try unfinished(sandbox).isEmpty }
        guard FileManager.default.fileExists(atPath: folder) else { return }
        // It had just been done.
        try FileManager.default.removeItem(atPath: folder)
      }
      throw Failure("no save was interrupted")
    }

    private static func killDaemon(_ sandbox: Sandbox, _ file: String) async throws {
      var outcome: Outcome?
      for _ in 1...10 where outcome == nil {
        let daemon = try sandbox.daemon(lab)
        _ = try await beginSave(sandbox)
        daemon.signal(SIGKILL)
        #expect(await daemon.wait(timeoutSeconds: 10))
        // It may just have been done.
        let isLeft = try !unfinished(sandbox).isEmpty
        let up = try await sandbox.apus("up", file, expecting: 0, within: 200)
        if isLeft { outcome = up }
      }
      #expect(outcome?.errors.contains("that was not whole, is removed") ?? false, "\(String(describing: outcome))")
      #expect(try unfinished(sandbox).isEmpty)
      #expect(!FileManager.default.fileExists(atPath: "\(sandbox.state)/\(lab)/saving.json"))
    }

    /// A boot sector that counts: 20 times a second it writes a number, which it has in memory, to the second sector.
    private static let counter: [UInt8] = [
      0x31, 0xC0,  // xor ax, ax
      0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0,  // mov ds, es, ss, ax
      0xBC, 0x00, 0x7C, 0xFB,  // mov sp, 7c00h; sti
      0x66, 0xC7, 0x06, 0x00, 0x7E, 0x00, 0x00, 0x00, 0x00,  // mov dword [7e00h], 0
      0x66, 0xFF, 0x06, 0x00, 0x7E,  // inc dword [7e00h]
      0xB8, 0x01, 0x03, 0xB9, 0x02, 0x00, 0xBA, 0x80, 0x00, 0xBB, 0x00, 0x7E, 0xCD, 0x13,  // int 13h: write sector 2
      0xB4, 0x86, 0x31, 0xC9, 0xBA, 0x50, 0xC3, 0xCD, 0x15,  // int 15h: wait 50,000 us
      0xEB, 0xE2,  // again
    ]

    /// The number that a disk has, which a machine may be writing to.
    private static func number(_ disk: String) async throws -> Int {
      let words = ["qemu-io", "-r", "-U", "-f", "qcow2", "-c", "read -v 512 4", disk]
      let outcome = try await execute(words, within: 20)
      // `00000200:  2a 00 00 00  *...`
      let digits =
        outcome.output.split(separator: "\n").first { $0.hasPrefix("00000200:") }?
        .split(separator: " ").dropFirst().prefix(4) ?? []
      guard digits.count == 4 else { throw Failure("\(outcome)") }
      return digits.reversed().reduce(0) { $0 << 8 | (Int($1, radix: 16) ?? 0) }
    }

    @Test(.timeLimit(.minutes(4))) func disksAreOfTheSameInstant() async throws {
      try await Sandbox.use { sandbox in
        var image = Data(Self.counter)
        image.count = 510
        image += [0x55, 0xAA]
        image.count = 1 << 20
        try image.write(to: URL(filePath: "\(sandbox.folder)/counter.img"))
        let file = try sandbox.write("version: 1\nname: ape-saved\nnodes:\n  vm1: { kind: vm, image: counter.img }\n")
        try await sandbox.apus("up", file, expecting: 0, within: 100)
        let folder = "\(sandbox.data)/\(Self.lab)/vm1"
        let disk = "\(folder)/disk.qcow2"
        try await eventually("it counts", within: 60) { try await Self.number(disk) > 5 }

        let saved = "\(sandbox.folder)/one"
        _ = try await Self.save(sandbox, saved)
        let then = try await Self.number("\(saved)/vm1.1.qcow2")
        // Its disk is one file again, and what it has written since is in it.
        #expect(!FileManager.default.fileExists(atPath: "\(disk).layer"))
        try await eventually("it counts on") { try await Self.number(disk) > then + 5 }
        _ = try await Self.save(sandbox, "\(sandbox.folder)/two", "--stop")
        #expect(try await Self.number("\(sandbox.folder)/two/vm1.1.qcow2") > then)

        try await sandbox.apus("up", file, "--from", saved, expecting: 0, within: 100)
        // In memory the number was as on the disk: from there it goes on.
        try await eventually("it goes on") {
          let now = try await Self.number(disk)
          guard now >= then else { throw Failure("it began anew: \(now) after \(then)") }
          return now > then
        }
        #expect(try await Self.number(disk) < then + 1200)
        // The image is another one now.
        try await sandbox.apus("down", Self.lab, expecting: 0)
        image[600] = 1
        try image.write(to: URL(filePath: "\(sandbox.folder)/counter.img"))
        let outcome = try await sandbox.apus("up", file, "--from", saved, expecting: 2)
        #expect(outcome.errors.contains("is another than the one that the disk was saved over"), "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)"))
      }
    }
  }
}
