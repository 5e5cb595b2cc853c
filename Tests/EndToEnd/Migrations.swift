import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

/// What the tests read of what `migrate -j` prints.
struct MigrationRow: Decodable, Sendable {
  var node: String
  var pid: Int32
  var memory: String
  var rounds: Int
  var bytes: Int
  var downtime: Double
}

extension Sandbox {
  /// Moves a machine, and says what came of it.
  @discardableResult
  func migrate(_ node: String, _ options: String..., lab: String) async throws -> MigrationRow {
    let words = [binary, "migrate", node, "--lab", lab, "-j"] + options
    let outcome = try await execute(words, environment: environment, within: 100)
    guard outcome.status == 0 else { throw Failure("\(outcome)\n\(text(of: "\(data)/\(lab)/\(node)/qemu.log") ?? "")") }
    guard let row = try outcome.rows(MigrationRow.self).first else { throw Failure("no row: \(outcome)") }
    return row
  }

  /// Names in the state folder of a lab's node.
  func stateFiles(_ node: String, lab: String) -> [String] { HostFacts.entries(of: "\(state)/\(lab)/\(node)") }

  /// The folder with the memory of a lab's machines, by what the QEMU of one of them was started with.
  func memoryFolder(of node: String, lab: String) async throws -> String {
    let pid = try await nodes(lab).first { $0.node == node }?.pid
    let words = pid.flatMap { HostFacts.text(ofFile: "/proc/\($0)/cmdline") } ?? ""
    let memory = words.split(separator: "\0").first { $0.hasPrefix("memory-backend-file,") } ?? ""
    let key = "mem-path="
    guard let path = memory.split(separator: ",").first(where: { $0.hasPrefix(key) })?.dropFirst(key.count) else {
      throw Failure("the memory of \(node) is no file: \(words)")
    }
    return URL(filePath: String(path)).deletingLastPathComponent().path
  }
}

extension RealThings {
  /// Machines that go on in another QEMU.
  @Suite struct Migrations {
    private static let lab = "ape-move"

    /// The other end of all: a namespace that pings, and takes a stream of numbers.
    private static func file(_ more: String = "") -> String {
      """
      version: 1
      name: \(lab)
      vlans: { red: { id: 20 } }
      switches: { sw1: {} }
      nodes:
        a: { kind: vm, memory: 96M, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.20.1/24 }\(more) } }
        p: { kind: netns, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.20.9/24 } } }

      """
    }

    /// What goes on while the machine moves, and must not notice.
    private struct Life {
      let sandbox: Sandbox
      let ping: ProcessIdentity
      let stream: ProcessIdentity
      let counter: ProcessIdentity
      let capture: ProcessIdentity
      let console: TerminalClient
      let shell: TerminalClient
      let sum: String

      static func begin(_ sandbox: Sandbox) async throws -> Life {
        let sum = try await sandbox.shell(
          "a", "dd if=/dev/urandom of=/tmp/f bs=1M count=8 2>/dev/null; md5sum </tmp/f", lab: lab)
        let namespace = ["ip", "netns", "exec", "apus-\(lab)-p"]
        let stream = try sandbox.start(namespace + ["nc.openbsd", "-l", "10.0.20.9", "7000"], log: "stream.out")
        try await sandbox.shell(
          "a",
          "(i=0; while echo $i; do i=$((i+1)); usleep 2000; done | nc 10.0.20.9 7000) >/dev/null 2>&1 </dev/null &",
          lab: lab)
        try await sandbox.pings("p", "10.0.20.1", lab: lab)
        let words = [sandbox.binary, "exec", "--lab", lab, "a", "--"]
        let counter = try sandbox.start(
          words + ["sh", "-c", "i=0; while echo $i; do i=$((i+1)); usleep 20000; done"], log: "counter.out")
        let console = try TerminalClient([sandbox.binary, "console", "a"], environment: sandbox.environment)
        try await console.expect("Ctrl-] leaves")
        let shell = try TerminalClient(
          [sandbox.binary, "exec", "-it", "--lab", lab, "a", "--", "sh"], environment: sandbox.environment)
        await shell.type("echo re''ady\r")
        try await shell.expect("ready")
        let capture = try sandbox.start(
          [sandbox.binary, "capture", "a.eth0", "-f", "icmp", "-w", "\(sandbox.folder)/a.pcapng"], log: "capture.log")
        try await eventually("the capture runs") { try await !sandbox.captures(lab).isEmpty }
        let ping = try sandbox.start(namespace + ["ping", "-i", "0.005", "10.0.20.1"], log: "ping.out")
        for name in ["stream.out", "counter.out", "ping.out"] {
          try await eventually("\(name) begins") { (text(of: "\(sandbox.folder)/\(name)")?.count ?? 0) > 20 }
        }
        return Life(
          sandbox: sandbox, ping: ping, stream: stream, counter: counter, capture: capture, console: console,
          shell: shell, sum: sum)
      }

      /// Whole numbers that a file has got, which come one after the other.
      private func numbers(_ name: String) -> Int? {
        let said = text(of: "\(sandbox.folder)/\(name)") ?? ""
        let lines = said.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.dropLast().enumerated() where line != "\(index)" { return nil }
        return lines.count - 1
      }

      /// Everything goes on; nothing was lost on the way.
      func check(_ what: String) async throws {
        for name in ["stream.out", "counter.out"] {
          let before = numbers(name)
          try await eventually("\(name) goes on \(what)") { (numbers(name) ?? -1) > (before ?? .max) }
        }
        await console.type("echo con''sole\r")
        try await console.expect("console")
        await shell.type("echo she''ll\r")
        try await shell.expect("shell")
        #expect(try await sandbox.shell("a", "md5sum </tmp/f", lab: lab) == sum)
      }

      /// - Returns: pings that were sent, and those that were answered.
      func end() async throws -> (sent: Int, answered: Int) {
        for process in [ping, capture] { process.signal(SIGINT) }
        #expect(await ping.wait(timeoutSeconds: 20))
        #expect(await capture.wait(timeoutSeconds: 20))
        console.end()
        shell.end()
        counter.signal(SIGTERM)
        let said = text(of: "\(sandbox.folder)/ping.out") ?? ""
        #expect(!said.contains("DUP!"))
        let (sent, answered) = try Migrations.pings(said)
        let file = ["-r", "\(sandbox.folder)/a.pcapng", "-Y", "icmp.type == 0", "-T", "fields", "-e", "icmp.seq"]
        let shown = try await execute(["tshark"] + file, within: 100)
        // A capture may drop frames on a busy machine, but goes on.
        let replies = shown.output.split(separator: "\n").compactMap { Int($0) }
        #expect(shown.status == 0 && replies.count > answered / 2, "\(replies.count) of \(answered): \(shown.errors)")
        return (sent, answered)
      }
    }

    /// What a ping of fewer than 65,536 has said: pings up to the last that was answered, and those that were answered.
    ///
    /// Those behind it were on their way when it was ended.
    private static func pings(_ said: String) throws -> (sent: Int, answered: Int) {
      let end = said.suffix(20_000)
      let numbers = end.matches(of: /icmp_seq=(\d+)/).compactMap { Int($0.1) }
      guard let match = end.firstMatch(of: /\d+ packets transmitted, (\d+) received/), let answered = Int(match.1),
        let sent = numbers.max()
      else { throw Failure("ping says: \(said.suffix(300))") }
      return (sent, answered)
    }

    /// Three times there and back, and nobody notices.
    @Test(.timeLimit(.minutes(5))) func nobodyNotices() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        let life = try await Life.begin(sandbox)
        try await sandbox.apus("link", "set", "a.eth0", "delay=2ms", "--lab", Self.lab, expecting: 0)
        let link = try await sandbox.apus("link", "show", "a.eth0", "--lab", Self.lab, expecting: 0).output
        var port = try await sandbox.port("a.eth0", Self.lab)
        var pids: Set<Int32> = []
        for round in 1...6 {
          let old = try await sandbox.nodes(Self.lab).first { $0.node == "a" }?.pid ?? 0
          let process = ProcessIdentity.of(pid: old)
          let row = try await sandbox.migrate("a", lab: Self.lab)
          #expect(row.node == "a" && row.memory == "shared" && row.pid != old && row.rounds > 0)
          #expect(row.bytes < 16 << 20, "\(row)")
          // It is a child of the first process here, which may be late to notice its end, or never does.
          #expect(process?.isAlive == false)
          pids.insert(row.pid)
          let node = try await sandbox.nodes(Self.lab).first { $0.node == "a" }
          #expect(node?.pid == row.pid && node?.ready == true, "\(String(describing: node))")
          try await life.check("after move \(round)")
          let now = try await sandbox.port("a.eth0", Self.lab)
          #expect(now.receive_packets > port.receive_packets && now.transmit_packets > port.transmit_packets)
          #expect(now.pvid == 20 && now.carrier == "up" && now.error == nil && now.connected == true)
          port = now
        }
        #expect(pids.count == 6)
        #expect(try await sandbox.apus("link", "show", "a.eth0", "--lab", Self.lab, expecting: 0).output == link)
        let (sent, answered) = try await life.end()
        #expect(sent - answered <= 6 * 3, "\(sent) pings were sent, \(answered) answered")
        try await Self.checkAfterwards(sandbox)
      }
    }

    /// What is left of it is what a machine has that never moved.
    private static func checkAfterwards(_ sandbox: Sandbox) async throws {
      let events = try await sandbox.apus(
        "events", "--since", "10m", "--no-follow", "--type", "node,port,link", "--lab", lab, expecting: 0)
      let lines = events.output.split(separator: "\n")
      #expect(lines.count { $0.contains("node.migrating") } == 6 && lines.count { $0.contains("node.migrated") } == 6)
      #expect(!lines.contains { $0.contains("port.down") || $0.contains("port.fault") }, "\(events)")
      #expect(
        sandbox.stateFiles("a", lab: lab).filter { $0.hasSuffix(".new") || $0 == "move.sock" } == [])
      let memory = try await sandbox.memoryFolder(of: "a", lab: lab)
      #expect(HostFacts.entries(of: memory).filter { !$0.hasPrefix(".") } == ["a"])
      let again = try await sandbox.apus("up", "\(sandbox.folder)/ape.lab.yaml", expecting: 0)
      #expect((again.output + again.errors).contains("no changes"))
      // One that was moved an odd number of times has other sockets, by which it starts again, and is taken back.
      try await sandbox.migrate("a", lab: lab)
      try sandbox.daemon(lab).signal(SIGKILL)
      try await sandbox.apus("up", "\(sandbox.folder)/ape.lab.yaml", expecting: 0)
      try await sandbox.pings("p", "10.0.20.1", lab: lab)
      try await sandbox.apus("restart", "a", "--lab", lab, expecting: 0)
      try await sandbox.pings("p", "10.0.20.1", lab: lab)
      try await sandbox.migrate("a", lab: lab)
      try await sandbox.pings("p", "10.0.20.1", lab: lab)
      try await sandbox.apus("down", lab, expecting: 0)
      #expect(!FileManager.default.fileExists(atPath: memory))
      #expect(HostFacts.entries(of: sandbox.state) == [] && HostFacts.entries(of: sandbox.data) == [])
    }

    /// NICs that came and went while it ran, one of them emulated, with another MTU and two queues.
    @Test(.timeLimit(.minutes(4))) func nicsOfAllSorts() async throws {
      try await Sandbox.use { sandbox in
        let first = ", eth1: { switch: sw1, address: 10.1.0.1/24 }"
        try await sandbox.apus("up", try sandbox.write(Self.file(first)), expecting: 0)
        let second = ", eth2: { switch: sw1, vlan: red, address: 10.2.0.1/24, mtu: 1400, queues: 2 }"
        try await sandbox.apus("up", try sandbox.write(Self.file(second)), expecting: 0)
        for _ in 0..<2 {
          try await sandbox.migrate("a", "--downtime", "50ms", lab: Self.lab)
          try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
        }
        // The far end joins the third NIC's network.
        try await sandbox.shell("p", "ip address add 10.2.0.9/24 dev eth0", lab: Self.lab)
        try await sandbox.pings("p", "10.2.0.1", lab: Self.lab)
        let port = try await sandbox.port("a.eth2", Self.lab)
        #expect(port.mtu == 1400 && port.connected == true)
        #expect(try await sandbox.shell("a", "cat /sys/class/net/eth2/mtu", lab: Self.lab) == "1400\n")
        #expect(try await Self.links(sandbox) == ["eth0", "eth2"])
        // It can be unplugged there, too.
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        #expect(try await Self.links(sandbox) == ["eth0"])
        try await sandbox.migrate("a", lab: Self.lab)
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
        #expect(try await Self.links(sandbox) == ["eth0"])
        #expect(try await sandbox.ports(Self.lab).map(\.name).sorted() == ["a.eth0", "p.eth0"])
      }
    }

    /// Names of the NICs that the guest has, sorted.
    private static func links(_ sandbox: Sandbox) async throws -> [String] {
      try await sandbox.shell("a", "ls /sys/class/net", lab: lab).split(whereSeparator: \.isWhitespace).map(String.init)
        .filter { $0.hasPrefix("eth") }.sorted()
    }

    /// A disk that boots, with the built-in guest and a driver for the disk in it, and 8 MiB behind its file system.
    private static func makeDisk(_ sandbox: Sandbox) async throws {
      let words =
        "console=ttyS0 quiet cryptomgr.notests nokaslr mitigations=off no_timer_check tsc=reliable apus.name=a "
        + "apus.nic=eth0,\(mac),10.0.20.1/24"
      let menu = "DEFAULT a\nLABEL a\n  KERNEL vmlinuz\n  INITRD initrd.gz\n  APPEND \(words)\n"
      _ = try sandbox.write(menu, as: "syslinux.cfg")
      let guest = sandbox.guestFolder
      let line = """
        cd \(sandbox.folder); mkdir -p extra/lib/modules
        sed 's/#.*//;/^[[:space:]]*$/d' \(projectRoot)/tools/guest/modules.txt >extra/lib/modules/order
        echo virtio_blk >>extra/lib/modules/order
        cp \(guest)/nested/virtio_blk.ko extra/lib/modules/
        { cat \(guest)/initramfs.gz; (cd extra && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1; } >initrd.gz
        truncate -s 24M disk.img; mkfs.vfat disk.img >/dev/null
        mcopy -i disk.img syslinux.cfg ::/syslinux.cfg; syslinux --install disk.img
        mcopy -i disk.img \(guest)/vmlinuz ::/vmlinuz; mcopy -i disk.img initrd.gz ::/initrd.gz
        truncate -s 32M disk.img
        """
      let outcome = try await execute(["sh", "-ec", line])
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
    }

    private static let mac = "02:00:00:00:20:01"

    /// What a guest has written on a disk that persists is there after each move, and in the disk's file.
    @Test(.timeLimit(.minutes(6))) func disksThatPersist() async throws {
      try await Sandbox.use { sandbox in
        try await Self.makeDisk(sandbox)
        let file = Self.file().replacing("96M", with: "160M, image: disk.img, persist: on")
          .replacing("vlan: red, address: 10.0.20.1", with: "vlan: red, mac: \"\(Self.mac)\", address: 10.0.20.1")
        try await sandbox.apus("up", try sandbox.write(file), expecting: 0)
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab, within: 180)
        let console = try TerminalClient(
          [sandbox.binary, "console", "a", "--lab", Self.lab], environment: sandbox.environment)
        defer { console.end() }
        try await console.expect("Ctrl-] leaves")
        /// Of the 4 MiB behind the disk's file system, as the disk has them now; something may be done first.
        func sum(after line: String = ":") async throws -> String {
          let reads = "dd if=/dev/vda bs=1M skip=24 count=4 2>/dev/null | md5sum"
          await console.type("\(line); echo 3 >/proc/sys/vm/drop_caches; echo SU''M $(\(reads))\r")
          try await console.expect("SUM ", within: 120)
          return try await console.expect(" -")
        }
        let before = try await sum(after: "dd if=/dev/urandom of=/dev/vda bs=1M seek=24 count=4; sync")
        #expect(before.count == 32, "\(before)")
        for _ in 0..<2 {
          try await sandbox.migrate("a", lab: Self.lab)
          #expect(try await sum() == before)
          try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
        }
        // Nobody has it open any more.
        let pid = try #require(try await sandbox.nodes(Self.lab).first { $0.node == "a" }?.pid)
        let machine = try #require(ProcessIdentity.of(pid: pid))
        machine.signal(SIGKILL)
        #expect(await machine.wait(timeoutSeconds: 20))
        try await sandbox.apus("down", Self.lab, expecting: 0)
        let convert = "qemu-img convert -O raw \(sandbox.data)/\(Self.lab)/a/disk.qcow2 \(sandbox.folder)/raw"
        let read = try await execute(
          ["sh", "-ec", "\(convert); dd if=\(sandbox.folder)/raw bs=1M skip=24 count=4 2>/dev/null | md5sum"])
        #expect(read.status == 0 && read.output.hasPrefix(before), "\(before) \(read)")
      }
    }

    /// A NIC that QEMU emulates, whose rings nobody sees.
    @Test(.timeLimit(.minutes(4))) func emulatedNICs() async throws {
      try await Sandbox.use { sandbox in
        let file = Self.file().replacing("96M", with: "128M")
          .replacing("vlan: red, address: 10.0.20.1", with: "vlan: red, model: e1000, address: 10.0.20.1")
        try await sandbox.apus("up", try sandbox.write(file), expecting: 0, within: 200)
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
        let ping = try sandbox.start(
          ["ip", "netns", "exec", "apus-\(Self.lab)-p", "ping", "-i", "0.02", "10.0.20.1"], log: "ping.out")
        for _ in 0..<2 {
          try await sandbox.migrate("a", lab: Self.lab)
          try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
        }
        // QEMU makes it, and one that has gone leaves none behind.
        #expect(HostFacts.entries(of: "\(sandbox.state)/\(Self.lab)").count { $0.hasPrefix("a.eth0.s") } == 1)
        ping.signal(SIGINT)
        #expect(await ping.wait(timeoutSeconds: 20))
        let (sent, answered) = try Self.pings(text(of: "\(sandbox.folder)/ping.out") ?? "")
        #expect(sent - answered <= 2 * 3, "\(sent) pings were sent, \(answered) answered")
      }
    }
  }
}
