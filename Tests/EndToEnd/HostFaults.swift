import Foundation
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// The host has no room, no descriptors, no memory, or lets a process stand still: what runs goes on, what cannot be done
  /// is said, and once the fault is gone all is as before.
  @Suite struct HostFaults {
    private static let lab = "ape-fault"
    private static let namespaces = ["apus-ape-fault-a", "apus-ape-fault-b"]

    private static func file(_ more: String = "") -> String {
      """
      version: 1
      name: \(lab)
      recorder: 1M
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.2/24 } } }
        e: { kind: external, nics: { eth0: { switch: sw1 } } }
      \(more)

      """
    }

    /// Frames go through, whether the daemon can be asked or not.
    private static func expectTraffic(_ what: Comment) async throws {
      let ping = try await execute(["ping", "-c", "3", "-i", "0.2", "-W", "5", "10.9.0.2"], namespace: namespaces[0])
      #expect(ping.status == 0 && ping.output.contains(" 0% packet loss"), what)
    }

    /// Traffic between two namespaces that a program with another root of mounts has made.
    private static func expectTraffic(_ disk: SmallDisk, _ what: Comment) async throws {
      let ping = try await disk.apus(
        "exec", "--lab", lab, "a", "--", "ping", "-c", "3", "-i", "0.2", "-W", "5", "10.9.0.2")
      #expect(ping.status == 0 && ping.output.contains(" 0% packet loss"), what)
    }

    private static func isWhole(_ text: String?) -> Bool {
      text.map { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) != nil } ?? true
    }

    // MARK: - No room

    /// What was said at run time, and another version of the file, are refused whole; nothing written down is torn.
    @Test(.timeLimit(.minutes(5))) func aFullStateFolder() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        let more = Self.file("  c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.3/24 } } }")
        try await SmallDisk.use(sandbox, at: sandbox.state, size: "1m", lab: Self.lab) { disk in
          try await disk.apus("up", file, expecting: 0)
          let folder = "\(sandbox.state)/\(Self.lab)"
          let (lab, names) = (disk.text(of: "\(folder)/lab.json"), disk.names(in: folder))
          try await disk.fill()
          for command in [
            ["link", "set", "a.eth0", "delay=1ms"], ["port", "set", "a.eth0", "mtu=1400"],
            ["port", "add", "sw1", "p", "--vhost-user", "\(sandbox.folder)/p.sock"],
            ["fdb", "add", "sw1", "02:00:00:00:00:77", "a.eth0"], ["up", file],
          ] {
            if command[0] == "up" { _ = try sandbox.write(more) }
            let refused = try await disk.run([sandbox.binary] + command)
            #expect(refused.status == 1 && refused.errors.contains("No space left on device"), "\(refused)")
            #expect(disk.text(of: "\(folder)/lab.json") == lab, "\(command)")
            #expect(disk.names(in: folder) == names, "\(command)")
          }
          try await Self.expectTraffic(disk, "a full state folder stops no frame")
          let ports = try await disk.apus("port", "list", "--lab", Self.lab, "-j", expecting: 0).rows(PortRow.self)
          #expect(ports.map(\.name).sorted() == ["a.eth0", "b.eth0", "e.eth0"])
          #expect(ports.allSatisfy { $0.mtu != 1400 })

          try await disk.makeRoom()
          try await disk.apus("link", "set", "a.eth0", "delay=1ms", expecting: 0)
          try await disk.apus("up", file, expecting: 0)
          #expect(Self.isWhole(disk.text(of: "\(folder)/runtime.json")) && disk.names(in: folder).contains("c"))
          try await Self.expectTraffic(disk, "there is room again")
          try await disk.apus("down", Self.lab, expecting: 0)
        }
      }
    }

    /// A lab does not come up half, and a daemon that died over it is followed by another once there is room.
    @Test(.timeLimit(.minutes(5))) func aStateFolderThatIsFullAtTheStart() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await SmallDisk.use(sandbox, at: sandbox.state, size: "1m", lab: Self.lab) { disk in
          try await disk.fill()
          let up = try await disk.apus("up", file)
          #expect(up.status == 1 && up.errors.contains("No space left on device"), "\(up)")
          #expect(HostFacts.entries(of: "/run/netns").allSatisfy { !Self.namespaces.contains($0) })
          try await disk.makeRoom()
          try await disk.apus("up", file, expecting: 0)
          try await Self.expectTraffic(disk, "the lab is up")

          try await disk.fill()
          let daemon = try disk.daemon(Self.lab)
          daemon.signal(SIGKILL)
          _ = await daemon.wait(timeoutSeconds: 10)
          let again = try await disk.apus("up", file)
          #expect(again.status == 0 || again.errors.contains("No space left on device"), "\(again)")
          #expect(Self.isWhole(disk.text(of: "\(sandbox.state)/\(Self.lab)/lab.json")))
          try await disk.makeRoom()
          try await disk.apus("up", file, expecting: 0)
          try await Self.expectTraffic(disk, "the next daemon took it back")
          try await disk.apus("down", Self.lab, expecting: 0)
        }
      }
    }

    /// Captures end and say why, what is saved and added is refused, logs are lost: frames go on.
    @Test(.timeLimit(.minutes(5))) func aFullDataFolder() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          Self.file() + "capture: [ { on: a:eth0, file: \(sandbox.data)/lab.pcapng } ]\n")
        let image = "\(sandbox.folder)/zeros.raw"
        try Data(count: 1 << 20).write(to: URL(filePath: image))
        try await SmallDisk.use(sandbox, at: sandbox.data, size: "32m", lab: Self.lab) { disk in
          try await disk.apus("up", file, expecting: 0)
          try await disk.fill()
          try await Self.fillCaptures(disk, sandbox)
          for command in [["save", Self.lab], ["image", "add", image]] {
            let refused = try await disk.run([sandbox.binary] + command)
            let isSaid = ["No space left", "room", "free"].contains { refused.errors.contains($0) }
            #expect(refused.status == 1 && isSaid, "\(refused)")
          }
          try await Self.expectTraffic(disk, "a full data folder stops no frame")
          try await disk.apus("link", "set", "a.eth0", "delay=1ms", expecting: 0)

          try await disk.makeRoom()
          try await disk.apus("save", Self.lab, expecting: 0)
          try await disk.apus(
            "capture", "a.eth0", "-w", "\(sandbox.data)/again.pcapng", "--duration", "100ms", "--lab", Self.lab,
            expecting: 0)
          try await disk.apus("down", Self.lab, expecting: 0)
        }
      }
    }

    /// A capture of the lab file and one of a client, both into the full folder: each ends with the reason.
    private static func fillCaptures(_ disk: SmallDisk, _ sandbox: Sandbox) async throws {
      async let client = disk.apus(
        "capture", "a.eth0", "-w", "\(sandbox.data)/client.pcapng", "--duration", "30s", "--lab", lab)
      try await eventually("the capture of the lab file has ended") {
        _ = try await disk.apus(
          "exec", "--lab", lab, "a", "--", "ping", "-c", "20", "-i", "0.01", "-s", "1400", "10.9.0.2")
        let events = try await disk.apus("events", "--lab", lab, "--since", "1h", "--no-follow", "--type", "capture")
        return events.output.contains("No space left on device")
      }
      let outcome = try await client
      #expect(outcome.status == 1 && outcome.errors.contains("No space left on device"), "\(outcome)")
    }

    // MARK: - No descriptors

    /// Those who connect wait, without a busy reactor and without a storm of log lines; what is connected goes on.
    @Test(.timeLimit(.minutes(5))) func noDescriptors() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        let daemon = try sandbox.daemon(Self.lab)
        let log = "\(sandbox.data)/\(Self.lab)/apus.log"
        try await Self.limitDescriptors(of: daemon, to: Self.highest(daemon) + 1)
        // They take what there is of lower numbers; the rest waits.
        let control = "\(sandbox.state)/\(Self.lab)/control.sock"
        var held: [Descriptor] = []
        for _ in 0..<64 { held.append(try UnixSocket.connect(path: control)) }
        held.append(try UnixSocket.connect(path: "\(sandbox.state)/\(Self.lab)/e.eth0.sock"))
        try await Task.sleep(for: .seconds(1))

        let (before, lines) = (try Self.ticks(daemon), Self.lineCount(log))
        let asked = try await sandbox.apus("port", "list", "--lab", Self.lab)
        #expect(asked.status == 5 && asked.errors.contains("has not answered"), "\(asked)")
        try await Self.expectTraffic("ports do not need another descriptor")
        // Ten seconds and more: a reactor that is woken for ever would have used that many.
        #expect(try Self.ticks(daemon) - before < 300)
        #expect(Self.lineCount(log) - lines < 10)
        #expect(daemon.isAlive)

        held = []
        try await eventually("the API answers again") {
          try await sandbox.apus("port", "list", "--lab", Self.lab).status == 0
        }
        // A front-end hands over some, which there are only now.
        try await Self.limitDescriptors(of: daemon, to: 4096)
        try await Self.expectFrontEnd(sandbox)
        #expect(try sandbox.daemon(Self.lab) == daemon)
      }
    }

    /// A front-end comes to the port, and hears a namespace.
    private static func expectFrontEnd(_ sandbox: Sandbox) async throws {
      let front = try VirtualGuest()
      try await eventually("a front-end is let in") {
        (try? front.connect(path: "\(sandbox.state)/\(lab)/e.eth0.sock")) != nil
      }
      try await eventually("it is there, and nothing is wrong with the port") {
        let port = try await sandbox.port("e.eth0", lab)
        return port.connected == true && port.carrier == "up" && port.error == nil
      }
      try front.send(FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 64))
      try await eventually("its frame has come in") { try await sandbox.port("e.eth0", lab).receive_packets > 0 }
    }

    /// Sets the soft limit alone, so that it can be raised again.
    private static func limitDescriptors(of process: ProcessIdentity, to count: Int) async throws {
      let limit = try await execute(["prlimit", "--pid", "\(process.pid)", "--nofile=\(count):"])
      guard limit.status == 0 else { throw Failure("\(limit)") }
    }

    private static func highest(_ process: ProcessIdentity) -> Int {
      HostFacts.entries(of: "/proc/\(process.pid)/fd").compactMap { Int($0) }.max() ?? 0
    }

    private static func lineCount(_ path: String) -> Int {
      text(of: path)?.split(separator: "\n").count ?? 0
    }

    /// Clock ticks, a hundredth of a second each, that a process has used.
    private static func ticks(_ process: ProcessIdentity) throws -> Int {
      let fields = (text(of: "/proc/\(process.pid)/stat") ?? "").split(separator: ")").last?.split(separator: " ") ?? []
      guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
        throw Failure("no /proc/\(process.pid)/stat")
      }
      return user + system
    }

    // MARK: - No memory

    /// A capture too many is refused; those that run, and the lab, go on.
    @Test(.timeLimit(.minutes(5))) func noMemoryForACapture() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        let daemon = try sandbox.daemon(Self.lab)
        // Once without a limit: what is made at the first time is there.
        try await sandbox.apus("capture", "all", "-w", "\(sandbox.folder)/x", "--duration", "10ms", expecting: 0)
        try await Self.limitMemory(daemon, to: "\(try Self.memory(daemon) + 72 << 20)")
        var captures: [ProcessIdentity] = []
        var refused: String?
        for number in 0..<12 where refused == nil {
          let log = "capture\(number).log"
          let capture = try sandbox.start(
            [sandbox.binary, "capture", "all", "-w", "\(sandbox.folder)/\(number).pcapng", "--lab", Self.lab], log: log)
          try await eventually("it has begun, or is refused") {
            let count = try await sandbox.captures(Self.lab).count
            return count == captures.count + 1 || !capture.isAlive
          }
          if capture.isAlive { captures.append(capture) } else { refused = text(of: "\(sandbox.folder)/\(log)") }
        }
        // No room for its frames, or for its thread.
        let words = ["Cannot allocate memory", "Resource temporarily unavailable"]
        #expect(
          words.contains { refused?.contains($0) == true }, "\(captures.count) captures; \(refused ?? "none refused")")
        #expect(!captures.isEmpty && captures.allSatisfy(\.isAlive))
        #expect(try sandbox.daemon(Self.lab) == daemon)
        try await Self.expectTraffic("the lab goes on")
        #expect(try await sandbox.captures(Self.lab).allSatisfy { $0.received > 0 })

        for capture in captures { capture.signal(SIGINT) }
        for capture in captures { #expect(await capture.wait(timeoutSeconds: 20)) }
        try await sandbox.apus("capture", "all", "-w", "\(sandbox.folder)/y", "--duration", "10ms", expecting: 0)
      }
    }

    /// A recorder that cannot be had keeps the lab down, and says why.
    @Test(.timeLimit(.minutes(3))) func noMemoryForTheRecorder() async throws {
      try await Sandbox.use { sandbox in
        let large = try sandbox.write(Self.file().replacingOccurrences(of: "recorder: 1M", with: "recorder: 1G"))
        let limited = ["prlimit", "--as=\(1 << 30)", sandbox.binary, "up", large]
        let up = try await execute(limited, environment: sandbox.environment)
        #expect(up.status == 1 && up.errors.contains("Cannot allocate memory"), "\(up)")
        #expect(!HostFacts.entries(of: "/run/netns").contains(Self.namespaces[0]))
        _ = try sandbox.write(Self.file(), as: "small.lab.yaml")
        let small = Array(limited.dropLast()) + ["\(sandbox.folder)/small.lab.yaml"]
        let again = try await execute(small, environment: sandbox.environment)
        #expect(again.status == 0, "\(again)")
        try await Self.expectTraffic("with a small one it is up")
      }
    }

    /// Bytes of a process's address space.
    private static func memory(_ process: ProcessIdentity) throws -> Int {
      let lines = text(of: "/proc/\(process.pid)/status")?.split(separator: "\n") ?? []
      guard let line = lines.first(where: { $0.hasPrefix("VmSize:") }),
        let size = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
      else { throw Failure("no VmSize of process \(process.pid)") }
      return size << 10
    }

    private static func limitMemory(_ process: ProcessIdentity, to value: String) async throws {
      let limit = try await execute(["prlimit", "--pid", "\(process.pid)", "--as=\(value)"])
      guard limit.status == 0 else { throw Failure("\(limit)") }
    }

    // MARK: - Standing still

    /// The daemon is stopped for ten seconds: nobody has to come again, no counter is wrong, and it answers at once.
    @Test(.timeLimit(.minutes(4))) func aDaemonThatStoodStill() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        let guest = try VirtualGuest()
        try guest.connect(path: "\(sandbox.state)/\(Self.lab)/e.eth0.sock")
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        let before = try await Self.counters(sandbox)
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGSTOP)
        defer { daemon.signal(SIGCONT) }
        // In its rings and queues until it goes on.
        for _ in 0..<100 {
          try guest.send(FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 64))
        }
        try await Task.sleep(for: .seconds(10))
        daemon.signal(SIGCONT)
        try await eventually("all frames have come in", within: 5) {
          try await sandbox.port("e.eth0", Self.lab).receive_packets == 100
        }
        try await Self.expectTraffic("traffic has gone on")
        let after = try await Self.counters(sandbox)
        // Each of the guest's frames went to both namespaces; pings were three and as many answers.
        #expect(after["a"] ?? 0 >= (before["a"] ?? 0) + 103 && after["b"] ?? 0 >= (before["b"] ?? 0) + 103)
        let port = try await sandbox.port("e.eth0", Self.lab)
        #expect(port.connected == true && port.error == nil && (port.refusals ?? 0) == 0)
        let events = try await sandbox.apus(
          "events", "--since", "1h", "--no-follow", "--lab", Self.lab, "-o", "jsonl", expecting: 0)
        #expect(!events.output.contains("port.fault") && events.output.split(separator: "\n").count < 40, "\(events)")
      }
    }

    private static func counters(_ sandbox: Sandbox) async throws -> [String: Int] {
      let ports = try await sandbox.ports(lab)
      return Dictionary(uniqueKeysWithValues: ports.map { (String($0.name.prefix(1)), $0.transmit_packets) })
    }

    /// A machine's QEMU is stopped for ten seconds: it costs its own port frames, and nobody else anything.
    @Test(.timeLimit(.minutes(6))) func aMachineThatStoodStill() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          Self.file(
            "  g: { kind: vm, image: builtin, memory: 96M, nics: { eth0: { switch: sw1, address: 10.9.0.9/24 } } }"))
        try await sandbox.apus("up", file, expecting: 0, within: 300)
        try await sandbox.pings("a", "10.9.0.9", lab: Self.lab, within: 120)
        guard let pid = try await sandbox.nodes(Self.lab).first(where: { $0.node == "g" })?.pid,
          let machine = ProcessIdentity.of(pid: pid)
        else { throw Failure("g has no process") }
        machine.signal(SIGSTOP)
        defer { machine.signal(SIGCONT) }
        // More than its ring has room for.
        _ = try await execute(
          ["ping", "-q", "-c", "2000", "-i", "0.002", "-W", "1", "10.9.0.9"], namespace: Self.namespaces[0], within: 60)
        try await Self.expectTraffic("others do not wait for it")
        #expect(try await sandbox.apus("ps", "--lab", Self.lab).status == 0)
        let held = try await sandbox.port("g.eth0", Self.lab)
        #expect(held.connected == true && held.drops.out["no-buffer", default: 0] > 0, "\(held.drops)")
        try await Task.sleep(for: .seconds(5))
        machine.signal(SIGCONT)
        try await sandbox.pings("a", "10.9.0.9", lab: Self.lab, within: 60)
        let node = try await sandbox.nodes(Self.lab).first { $0.node == "g" }
        #expect(node?.pid == pid && node?.state == "running" && node?.error == nil)
        let port = try await sandbox.port("g.eth0", Self.lab)
        #expect(port.error == nil && (port.refusals ?? 0) == 0)
      }
    }
  }
}
