import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Captures while dpdk-testpmd keeps a switch busy: no capture holds up the switch, and every frame that a port has
  /// passed is in the file, filtered or counted as dropped.
  ///
  /// testpmd sends on one port what comes in at the other, so that the frames it begins with go round and round:
  /// `pmd.p0 - sw1 - pmd.p1`. Two hosts in another VLAN of the same switch are quiet but for their pings.
  @Suite struct CapturesUnderLoad {
    private static let lab = "ape-load"
    private static let busy = ["pmd.p0", "pmd.p1"]

    private static let file = """
      version: 1
      name: ape-load
      vlans: { busy: 10, quiet: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw1: {} }
      nodes:
        pmd: { kind: external, nics: { p0: { switch: sw1, vlan: busy }, p1: { switch: sw1, vlan: busy } } }
        q1: { kind: netns, nics: { eth0: { switch: sw1, vlan: quiet } } }
        q2: { kind: netns, nics: { eth0: { switch: sw1, vlan: quiet } } }

      """

    // MARK: - The load

    /// Runs a test with frames going round.
    private static func use(_ body: (Sandbox) async throws -> Void) async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(file), expecting: 0)
        let sockets = busy.map { "\(sandbox.state)/\(lab)/\($0).sock" }
        let testpmd = try Testpmd.start(sandbox, sockets: sockets, forwarding: ["--forward-mode=io", "--tx-first"])
        try await eventually("testpmd's frames go round", within: 60) {
          guard testpmd.isAlive else { throw Failure("testpmd has ended") }
          return try await passed(sandbox).values.allSatisfy { $0 > 10_000 }
        }
        try await body(sandbox)
      }
    }

    /// Frames that some ports have passed in both directions so far.
    private static func passed(_ sandbox: Sandbox, _ names: [String] = busy) async throws -> [String: Int] {
      let rows = try await sandbox.ports(lab).filter { names.contains($0.name) }
      return Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0.receive_packets + $0.transmit_packets) })
    }

    /// Waits until both busy ports have passed more than before; returns how much they have then.
    private static func rise(_ sandbox: Sandbox, above before: [String: Int]) async throws -> [String: Int] {
      var now = before
      try await eventually("the busy ports pass frames") {
        now = try await passed(sandbox)
        return busy.allSatisfy { now[$0, default: 0] > before[$0, default: 0] }
      }
      return now
    }

    // MARK: - Captures

    /// Starts a capture into a file and waits until the daemon has it.
    private static func start(_ sandbox: Sandbox, _ arguments: [String]) async throws -> ProcessIdentity {
      let process = try sandbox.start([sandbox.binary, "capture"] + arguments, log: "capture.log")
      try await running(sandbox, process)
      return process
    }

    private static func running(_ sandbox: Sandbox, _ process: ProcessIdentity) async throws {
      try await eventually("the capture runs") {
        guard process.isAlive else { throw Failure("the capture has ended") }
        return try await !sandbox.captures(lab).isEmpty
      }
    }

    private static func ended(_ process: ProcessIdentity) async throws {
      guard await process.wait(timeoutSeconds: 60) else { throw Failure("the capture does not end") }
    }

    /// Demands that the last statistics of an interface tell where every frame has gone.
    private static func expectExact(
      _ interface: CaptureFile.Interface, isFiltered: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let received = try #require(interface.received, "\(interface)", sourceLocation: sourceLocation)
      let dropped = try #require(interface.dropped, "\(interface)", sourceLocation: sourceLocation)
      let accepted = try #require(interface.accepted, "\(interface)", sourceLocation: sourceLocation)
      #expect(accepted == interface.frames + dropped, "\(interface)", sourceLocation: sourceLocation)
      #expect(interface.delivered == interface.frames, "\(interface)", sourceLocation: sourceLocation)
      #expect(
        isFiltered ? received >= accepted : received == accepted, "\(interface)", sourceLocation: sourceLocation)
    }

    /// Bytes of a file.
    private static func size(_ path: String) -> Int {
      (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    /// Frames of a file as Wireshark's own tool counts them.
    private static func countByCapinfos(_ path: String) async throws -> Int? {
      let outcome = try await execute(["/usr/bin/capinfos", "-M", "-c", path], within: 60)
      let line = outcome.output.split(separator: "\n").first { $0.hasPrefix("Number of packets:") }
      return line?.split(separator: " ").last.flatMap { Int($0) }
    }

    private static func ping(_ sandbox: Sandbox, count: Int) async throws {
      try await sandbox.apus(
        "exec", "--lab", lab, "q1", "--", "ping", "-c", "\(count)", "-i", "0.1", "10.0.20.2", expecting: 0)
    }

    // MARK: - Tests

    @Test(.timeLimit(.minutes(2))) func everyFrameIsWrittenOrCounted() async throws {
      try await Self.use { sandbox in
        let path = "\(sandbox.folder)/busy.pcapng"
        let before = try await Self.passed(sandbox)
        let capture = try await Self.start(sandbox, ["pmd:p0", "-s", "64", "-w", path])
        // Looks at the ports while it runs: each finds more frames than the one before.
        let first = try await Self.rise(sandbox, above: before)
        var last = first
        for _ in 0..<3 { last = try await Self.rise(sandbox, above: last) }
        capture.signal(SIGINT)
        try await Self.ended(capture)
        let after = try await Self.rise(sandbox, above: last)

        let contents = try CaptureFile(path)
        let interface = try contents.only()
        #expect(contents.rest == 0 && interface.name == "pmd.p0")
        try Self.expectExact(interface)
        #expect(try await Self.countByCapinfos(path) == interface.frames)
        let said = "\(interface.frames) frames captured, \(interface.dropped ?? -1) dropped by the capture"
        #expect(text(of: "\(sandbox.folder)/capture.log")?.contains(said) == true, "\(interface)")
        // No more than the port has passed, and no less than it has while the capture was seen to run.
        let (least, most) = (
          (last["pmd.p0"] ?? 0) - (first["pmd.p0"] ?? 0), (after["pmd.p0"] ?? 0) - (before["pmd.p0"] ?? 0)
        )
        #expect((max(1, least)...most).contains(interface.received ?? 0), "\(interface), port \(before) to \(after)")
      }
    }

    @Test(.timeLimit(.minutes(2))) func aReaderThatStopsCostsRecordsOnly() async throws {
      try await Self.use { sandbox in
        let (pipe, path) = ("\(sandbox.folder)/pipe", "\(sandbox.folder)/slow.pcapng")
        try #require(mkfifo(pipe, 0o600) == 0)
        let reader = try sandbox.start(["sh", "-c", "exec cat '\(pipe)' > '\(path)'"], log: "cat.log")
        let line = "exec '\(sandbox.binary)' capture pmd:p0 -s 64 -w - > '\(pipe)'"
        let capture = try sandbox.start(["sh", "-c", line], log: "capture.log")
        try await Self.running(sandbox, capture)
        reader.signal(SIGSTOP)
        var now = try await Self.passed(sandbox)
        try await eventually("the capture drops", within: 60) {
          now = try await Self.rise(sandbox, above: now)
          return try await sandbox.captures(Self.lab).contains { $0.dropped > 0 }
        }
        // It drops, and the switch goes on.
        for _ in 0..<3 { now = try await Self.rise(sandbox, above: now) }
        let size = Self.size(path)
        reader.signal(SIGCONT)
        // A reader that does not read when the capture ends loses the rest.
        try await eventually("the reader reads again") { Self.size(path) > size }
        capture.signal(SIGINT)
        try await Self.ended(capture)
        try await Self.ended(reader)
        _ = try await Self.rise(sandbox, above: now)

        let contents = try CaptureFile(path)
        let interface = try contents.only()
        #expect(contents.rest == 0)
        try Self.expectExact(interface)
        #expect((interface.dropped ?? 0) > 0 && interface.frames > 0, "\(interface)")
        #expect(try await Self.countByCapinfos(path) == interface.frames)
        // What was lost is counted for those who watch, too.
        let metrics = try await sandbox.api(Self.lab, "/metrics").1
        let counter = #"apus_capture_dropped_total{lab="\#(Self.lab)"} \#(interface.dropped ?? 0)"#
        #expect(metrics.contains("\(counter)\n"), "\(metrics)")
      }
    }

    @Test(.timeLimit(.minutes(2))) func aQuietPortHasItsOwnFrames() async throws {
      try await Self.use { sandbox in
        let path = "\(sandbox.folder)/quiet.pcapng"
        let busy = try await Self.passed(sandbox)
        let before = try await Self.passed(sandbox, ["q1.eth0"])
        let capture = try await Self.start(sandbox, ["q1:eth0", "-w", path])
        let first = try await Self.passed(sandbox, ["q1.eth0"])
        try await Self.ping(sandbox, count: 5)
        let last = try await Self.passed(sandbox, ["q1.eth0"])
        let more = try await Self.rise(sandbox, above: busy)
        capture.signal(SIGINT)
        try await Self.ended(capture)
        let after = try await Self.passed(sandbox, ["q1.eth0"])
        _ = try await Self.rise(sandbox, above: more)

        let interface = try CaptureFile(path).only()
        try Self.expectExact(interface)
        #expect(interface.dropped == 0)
        let counts = [before, first, last, after].map { $0["q1.eth0"] ?? 0 }
        #expect((counts[2] - counts[1]...counts[3] - counts[0]).contains(interface.frames), "\(interface) \(counts)")
        let pings = try await tshark(path, ["icmp.seq", "icmp.type"], filter: "icmp")
        // A reply may come after the next request.
        #expect(pings.sorted { $0[0] < $1[0] } == (1...5).flatMap { [["\($0)", "8"], ["\($0)", "0"]] }, "\(pings)")
        // testpmd sends UDP over IPv4; the hosts have none of it.
        #expect(try await tshark(path, ["frame.number"], filter: "udp && ip").isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(2))) func theFilterOfARunningCaptureChanges() async throws {
      try await Self.use { sandbox in
        let path = "\(sandbox.folder)/filter.pcapng"
        let capture = try await Self.start(sandbox, ["all", "-f", "icmp[0] == 8", "-w", path])
        let id = try #require(try await sandbox.captures(Self.lab).first?.id)
        try await Self.ping(sandbox, count: 2)

        // A filter that is none leaves the one that is in force.
        let resource = "/v1/captures/\(id)"
        let wrong = try await sandbox.api(Self.lab, resource, method: "PATCH", body: #"{"filter":"tcp prot 80"}"#)
        #expect(wrong.0 == 400 && wrong.1.contains("syntax error"), "\(wrong)")
        let empty = try await sandbox.api(Self.lab, resource, method: "PATCH", body: "{}")
        #expect(empty.0 == 400, "\(empty)")
        let unknown = try await sandbox.api(Self.lab, "/v1/captures/none", method: "PATCH", body: #"{"filter":"arp"}"#)
        #expect(unknown.0 == 404 && unknown.1.contains("none"), "\(unknown)")
        #expect(try await sandbox.captures(Self.lab).map(\.filter) == ["icmp[0] == 8"])
        try await Self.ping(sandbox, count: 2)

        let right = try await sandbox.api(Self.lab, resource, method: "PATCH", body: #"{"filter":"icmp[0] == 0"}"#)
        #expect(right.0 == 204 && right.1.isEmpty, "\(right)")
        #expect(try await sandbox.captures(Self.lab).map(\.filter) == ["icmp[0] == 0"])
        try await Self.ping(sandbox, count: 2)
        capture.signal(SIGINT)
        try await Self.ended(capture)

        // Each is seen where it comes from and where it goes to.
        let types = try await tshark(path, ["icmp.type", "frame.comment"])
        #expect(types.map { $0[0] } == Array(repeating: "8", count: 8) + Array(repeating: "0", count: 4), "\(types)")
        let comments = types.enumerated().filter { !$0.element[1].isEmpty }
        #expect(comments.map(\.offset) == [8], "\(types)")
        #expect(comments.first?.element[1] == "from here on with the filter icmp[0] == 0")
        for interface in try CaptureFile(path).interfaces {
          try Self.expectExact(interface, isFiltered: true)
          #expect(interface.dropped == 0)
          // All that testpmd sends went through the filters.
          if Self.busy.contains(interface.name) { #expect(interface.frames == 0 && (interface.received ?? 0) > 0) }
        }
      }
    }
  }
}
