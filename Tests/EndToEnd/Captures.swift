import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Captures of a running lab, read by tshark.
  @Suite struct Captures {
    private static let lab = "ape-capture"

    private static func file(_ more: String = "") -> String {
      """
      version: 1
      name: ape-capture
      vlans: { red: { id: 10, subnet: 10.0.0.0/24 } }
      switches: { sw1: {} }
      nodes:
        h1: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }
        h2: { kind: netns, nics: { eth0: { switch: sw1, vlan: red }, eth1: { address: 10.9.0.2/24 } } }
        h3: { kind: netns, nics: { eth0: { switch: sw1, vlan: red }, eth1: { address: 10.9.0.3/24 } } }
      links:
        - { name: wire1, ends: [h2:eth1, h3:eth1] }
      \(more)

      """
    }

    private static func ping(_ sandbox: Sandbox, _ node: String, _ address: String) async throws {
      try await sandbox.apus("exec", "--lab", lab, node, "--", "ping", "-c", "2", "-i", "0.2", address, expecting: 0)
    }

    /// Starts a capture and waits until the daemon has it.
    private static func start(
      _ sandbox: Sandbox, _ arguments: [String], log: String, running: Int = 1
    ) async throws -> ProcessIdentity {
      let process = try sandbox.start([sandbox.binary, "capture"] + arguments, log: log)
      try await eventually("the capture runs") { try await captures(sandbox) >= running || !process.isAlive }
      return process
    }

    /// Captures that the daemon has, those of the lab file left out.
    private static func captures(_ sandbox: Sandbox) async throws -> Int {
      try await sandbox.captures(lab).filter { $0.id.hasPrefix("apus-") }.count
    }

    @Test(.timeLimit(.minutes(2))) func twoAtOnceAreReadByTshark() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        let (all, arp) = ("\(sandbox.folder)/all.pcapng", "\(sandbox.folder)/arp.pcapng")
        let first = try await Self.start(sandbox, ["all", "-w", all], log: "all.log")
        let second = try await Self.start(
          sandbox, ["h1:eth0", "-f", "icmp", "-w", arp, "-c", "4"], log: "arp.log", running: 2)
        try await Self.ping(sandbox, "h1", "10.0.0.2")
        // Four frames, and it ends by itself.
        #expect(await second.wait(timeoutSeconds: 20))
        first.signal(SIGINT)
        #expect(await first.wait(timeoutSeconds: 20))
        #expect(text(of: "\(sandbox.folder)/all.log")?.contains("0 dropped by the capture") == true)

        let icmp = try await tshark(
          arp, ["frame.interface_name", "frame.packet_flags_direction", "icmp.type", "icmp.seq"])
        // A reply may come after the next request.
        #expect(
          icmp.sorted { $0[3] < $1[3] } == [
            ["h1.eth0", "0x00000001", "8", "1"], ["h1.eth0", "0x00000002", "0", "1"],
            ["h1.eth0", "0x00000001", "8", "2"], ["h1.eth0", "0x00000002", "0", "2"],
          ], "\(icmp)")
        // A frame has one number on its way in and on all its ways out.
        let requests = try await tshark(
          all, ["frame.interface_name", "frame.packet_flags_direction", "frame.packet_id"],
          filter: "icmp.type == 8 && icmp.seq == 1")
        #expect(requests.map { Array($0.prefix(2)) } == [["h1.eth0", "0x00000001"], ["h2.eth0", "0x00000002"]])
        #expect(Set(requests.map { $0[2] }).count == 1)
        // Hosts are called as their nodes.
        let hosts = try await tshark(
          all, ["ip.src_host", "ip.dst_host"], filter: "icmp.type == 8", options: ["-N", "n"])
        #expect(Set(hosts) == [["h1", "h2"]])
        let asked = try await tshark(
          all, ["frame.interface_name"], filter: "arp.opcode == 1 && arp.dst.proto_ipv4 == 10.0.0.2")
        #expect(Set(asked.map { $0[0] }) == ["h1.eth0", "h2.eth0", "h3.eth0"])
        #expect(try await Self.captures(sandbox) == 0)
        try await Self.scrape(sandbox)
      }
    }

    /// The counters of the lab, as Prometheus reads them.
    private static func scrape(_ sandbox: Sandbox) async throws {
      let lines = try await sandbox.api(lab, "/metrics").1.split(separator: "\n")
      #expect(lines.contains(#"apus_capture_dropped_total{lab="\#(lab)"} 0"#))
      #expect(lines.contains(#"apus_port_up{lab="\#(lab)",port="h1.eth0"} 1"#))
      let frames = lines.first { $0.hasPrefix(#"apus_port_receive_packets_total{lab="\#(lab)",port="h1.eth0"}"#) }
      #expect(frames.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0 >= 3, "\(frames ?? "")")
    }

    @Test(.timeLimit(.minutes(2))) func linkHasEachFrameOnce() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        let path = "\(sandbox.folder)/wire.pcapng"
        let capture = try await Self.start(sandbox, ["wire1", "-f", "icmp", "-w", path], log: "wire.log")
        try await Self.ping(sandbox, "h2", "10.9.0.3")
        capture.signal(SIGINT)
        #expect(await capture.wait(timeoutSeconds: 20))
        let frames = try await tshark(
          path, ["frame.interface_name", "icmp.type", "frame.packet_flags_direction", "icmp.seq"])
        #expect(
          frames.sorted { $0[3] < $1[3] } == [
            ["h2.eth1", "8", "0x00000001", "1"], ["h3.eth1", "0", "0x00000001", "1"],
            ["h2.eth1", "8", "0x00000001", "2"], ["h3.eth1", "0", "0x00000001", "2"],
          ], "\(frames)")
      }
    }

    @Test(.timeLimit(.minutes(2))) func declaredOnesTheRecorderAndNewPorts() async throws {
      try await Sandbox.use { sandbox in
        let captures = "capture:\n  - { on: sw1, file: sw1.pcapng, filter: icmp }"
        let file = try sandbox.write(Self.file(captures))
        try await sandbox.apus("up", file, expecting: 0)
        try await Self.ping(sandbox, "h1", "10.0.0.3")
        // A node that comes later is part of its switch's capture.
        let more = Self.file(captures).replacing(
          "links:", with: "  h4: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }\nlinks:")
        _ = try sandbox.write(more)
        try await sandbox.apus("up", file, expecting: 0)
        try await Task.sleep(for: .seconds(2))
        try await Self.ping(sandbox, "h4", "10.0.0.1")
        // The same file with another filter begins anew.
        _ = try sandbox.write(more.replacing("filter: icmp", with: "filter: icmp or arp"))
        try await sandbox.apus("up", file, expecting: 0)
        try await Self.ping(sandbox, "h1", "10.0.0.3")
        try await Self.ping(sandbox, "h4", "10.0.0.1")
        // What another daemon captures goes to another file, and what there was is kept.
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        try await sandbox.apus("up", file, expecting: 0)
        try await Self.ping(sandbox, "h1", "10.0.0.3")
        // What was there before anybody asked.
        let last = "\(sandbox.folder)/last.pcapng"
        try await sandbox.apus("capture", "h1", "--last", "60s", "-w", last, expecting: 0)
        let recorded = try await tshark(last, ["frame.interface_name", "frame.comment"], filter: "icmp.type == 8")
        #expect(recorded.count == 2 && recorded.allSatisfy { $0[1].contains("to h3.eth0") }, "\(recorded)")
        try await sandbox.apus("down", Self.lab, expecting: 0)
        let later = try await tshark("\(sandbox.folder)/sw1_2.pcapng", ["frame.interface_name"])
        #expect(Set(later.map { $0[0] }).isSuperset(of: ["h1.eth0", "h3.eth0"]))
        let names = try await tshark("\(sandbox.folder)/sw1.pcapng", ["frame.interface_name"])
        #expect(Set(names.map { $0[0] }) == ["h1.eth0", "h3.eth0", "h4.eth0"])
      }
    }

    @Test(.timeLimit(.minutes(2))) func dropsHaveTheirReason() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus(
          "up", try sandbox.write(Self.file("impairments:\n  gone: { loss: 100% }")), expecting: 0)
        let path = "\(sandbox.folder)/drops.pcapng"
        let capture = try await Self.start(sandbox, ["h1", "--drops", "only", "-w", path], log: "drops.log")
        try await sandbox.apus("link", "set", "h1.eth0", "loss=100%", expecting: 0)
        _ = try await sandbox.apus("exec", "--lab", Self.lab, "h1", "--", "ping", "-c", "1", "-W", "1", "10.0.0.2")
        capture.signal(SIGINT)
        #expect(await capture.wait(timeoutSeconds: 20))
        let comments = Set(try await tshark(path, ["frame.comment"]).map { $0[0] })
        #expect(comments == ["dropped: impaired-loss"], "\(comments)")
      }
    }

    @Test(.timeLimit(.minutes(2))) func endsAreClear() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        // A filter that is none, before anything is asked.
        let wrong = try await sandbox.apus("capture", "h1", "-f", "tcp prot 80", expecting: 2)
        #expect(wrong.errors.contains("syntax error"), "\(wrong)")
        let unknown = try await sandbox.apus("capture", "h9", expecting: 4)
        #expect(unknown.errors.contains("h9"), "\(unknown)")
        // The reader is killed: the daemon lets go.
        let reader = try await Self.start(sandbox, ["all", "-w", "-"], log: "reader.log")
        reader.signal(SIGKILL)
        try await eventually("the daemon has let go") { try await Self.captures(sandbox) == 0 }
        // The disk is full: an error, and a file that is whole.
        let disk = "\(sandbox.folder)/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let mount = try await execute(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], within: 10)
        try #require(mount.status == 0, "\(mount)")
        let full = try await Self.start(sandbox, ["all", "-w", "\(disk)/x.pcapng"], log: "full.log")
        _ = try await sandbox.apus(
          "exec", "--lab", Self.lab, "h1", "--", "ping", "-q", "-c", "200", "-i", "0.002", "-s", "1400", "10.0.0.2")
        let ended = await full.wait(timeoutSeconds: 20)
        let frames = try? await tshark("\(disk)/x.pcapng", ["frame.number"])
        // Not cancelled with a test whose time is over.
        _ = try await Task { try await execute(["umount", "--lazy", disk], within: 60) }.value
        #expect(ended)
        #expect(text(of: "\(sandbox.folder)/full.log")?.contains("No space left") == true)
        #expect((frames?.count ?? 0) > 10)
        // The captured port goes: the capture ends and says so.
        let port = try await Self.start(
          sandbox, ["h3:eth0", "-w", "\(sandbox.folder)/gone.pcapng", "--duration", "100s"], log: "gone.log")
        _ = try sandbox.write(
          Self.file().replacing(
            "eth0: { switch: sw1, vlan: red }, eth1: { address: 10.9.0.3/24 }", with: "eth1: { address: 10.9.0.3/24 }"))
        try await sandbox.apus("up", file, expecting: 0)
        #expect(await port.wait(timeoutSeconds: 20))
        #expect(text(of: "\(sandbox.folder)/gone.log")?.contains("what was captured is gone") == true)
        _ = try await tshark("\(sandbox.folder)/gone.pcapng", ["frame.number"])
        // Nobody but its owner reads what was captured.
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(sandbox.folder)/gone.pcapng")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
      }
    }

    @Test(.timeLimit(.minutes(2))) func traceSaysWhyAndReplaySends() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        let trace = try await sandbox.apus("trace", "h1:eth0", "vlan=20", expecting: 0)
        #expect(trace.output.contains("dropped at h1.eth0: vlan-filtered"), "\(trace)")
        let flood = try await sandbox.apus("trace", "h1.eth0", "dst=02:00:00:00:00:77", expecting: 0)
        #expect(flood.output.hasSuffix("goes to h2.eth0, h3.eth0\n"), "\(flood)")
        let named = try await sandbox.apus("trace", "h1.eth0", "dst=h2:eth0", "type=arp", expecting: 0)
        let mac = try await sandbox.shell("h2", "cat /sys/class/net/eth0/address", lab: Self.lab)
        #expect(named.output.contains(mac.filter { !$0.isWhitespace }), "\(named)")
        let unknown = try await sandbox.apus("trace", "h1.eth0", "type=foo", expecting: 2)
        #expect(unknown.errors.contains("arp, ipv4, ipv6, lldp"), "\(unknown)")
        try await sandbox.apus("trace", "h1.eth0", "zz", expecting: 2)
        try await sandbox.apus("trace", "h9.eth0", "00", expecting: 4)

        let sent = "\(sandbox.folder)/sent.pcapng"
        let first = try await Self.start(
          sandbox, ["h1", "--direction", "in", "-f", "icmp", "-w", sent, "-c", "2"], log: "1.log")
        try await Self.ping(sandbox, "h1", "10.0.0.2")
        #expect(await first.wait(timeoutSeconds: 20))
        let again = "\(sandbox.folder)/again.pcapng"
        let second = try await Self.start(
          sandbox, ["h2:eth0", "--direction", "out", "-f", "icmp[0] == 8", "-w", again, "-c", "2"], log: "2.log")
        let replay = try await sandbox.apus(
          "capture", "--from-file", sent, "--inject", "h1:eth0", "--speed", "0", expecting: 0)
        #expect(replay.errors.contains("2 frames sent into h1.eth0"), "\(replay)")
        #expect(await second.wait(timeoutSeconds: 20))
        let names = ["ip.src", "ip.dst", "icmp.seq", "data.data"]
        #expect(try await tshark(again, names) == (try await tshark(sent, names)))
        try "no capture".write(toFile: sent, atomically: true, encoding: .utf8)
        try await sandbox.apus("capture", "--from-file", sent, "--inject", "h1:eth0", expecting: 2)
      }
    }

    @Test(.timeLimit(.minutes(2))) func portsAreInterfacesOfTshark() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file()), expecting: 0)
        let folders = try await execute(["/usr/bin/tshark", "-G", "folders"], within: 20).output
        let line = try #require(folders.split(separator: "\n").first { $0.contains("Extcap path:") })
        let folder = try #require(line.split(separator: ":").last).trimmingCharacters(in: .whitespaces)
        let link = "\(folder)/apus-extcap"
        let wasThere = FileManager.default.fileExists(atPath: link)
        if !wasThere { try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: sandbox.binary) }
        defer { if !wasThere { try? FileManager.default.removeItem(atPath: link) } }
        let listed = try await execute(["/usr/bin/tshark", "-D"], environment: sandbox.environment, within: 30)
        for name in ["all", "h1.eth0", "h3.eth1"] {
          #expect(listed.output.contains("apus.\(Self.lab).\(name)"), "\(listed)")
        }
        let path = "\(sandbox.folder)/shark.pcapng"
        let shark = try sandbox.start(
          ["/usr/bin/tshark", "-i", "apus.\(Self.lab).h1.eth0", "-f", "icmp", "-c", "4", "-w", path], log: "shark.log")
        try await eventually("the capture runs") { try await Self.captures(sandbox) == 1 }
        try await Self.ping(sandbox, "h1", "10.0.0.2")
        #expect(await shark.wait(timeoutSeconds: 30))
        #expect(try await tshark(path, ["icmp.type"]).map { $0[0] }.sorted() == ["0", "0", "8", "8"])
        // Its end is the capture's end.
        try await eventually("the daemon has let go") { try await Self.captures(sandbox) == 0 }
        let checked = try await execute(
          [link, "--extcap-interface", "apus.\(Self.lab).all", "--extcap-capture-filter", "foo bar"],
          environment: sandbox.environment, within: 20)
        #expect(checked.status == 0 && checked.output.contains("syntax error"), "\(checked)")
      }
    }
  }
}
