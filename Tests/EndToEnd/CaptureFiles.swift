import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What is captured is for other programs: they read it, convert it, and are told when there is nothing to read.
  @Suite struct CaptureFiles {
    private static let lab = "ape-files"
    private static let file = """
      version: 1
      name: ape-files
      switches: { sw1: {} }
      nodes:
        h1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        h2: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }
        tr: { kind: netns, nics: { eth0: { switch: sw1, trunk: all } } }
      capture:
        - { on: "h1:eth0", file: declared.pcap, filter: icmp }

      """

    /// Captures that run, that of the lab file left out.
    private static func asked(_ sandbox: Sandbox) async throws -> [CaptureRow] {
      try await sandbox.captures(lab).filter { $0.id.hasPrefix("apus-") }
    }

    /// Starts a capture, when the one before has ended, and waits until the daemon has it.
    private static func start(_ sandbox: Sandbox, _ arguments: [String], log: String) async throws -> ProcessIdentity {
      try await eventually("the capture before has ended") { try await asked(sandbox).isEmpty }
      let process = try sandbox.start([sandbox.binary, "capture", "--lab", lab] + arguments, log: log)
      try await eventually("the capture runs") { try await !asked(sandbox).isEmpty || !process.isAlive }
      return process
    }

    /// Runs a capture while `h1` pings `h2`, twice.
    private static func capture(_ sandbox: Sandbox, _ arguments: [String]) async throws -> String {
      let log = "\(UInt32.random(in: 0 ... .max)).log"
      let process = try await start(sandbox, arguments, log: log)
      try await sandbox.shell("h1", "ping -c 2 -i 0.2 10.0.0.2", lab: lab)
      #expect(await process.wait(timeoutSeconds: 30), "\(arguments)")
      return text(of: "\(sandbox.folder)/\(log)") ?? ""
    }

    private static func apus(_ sandbox: Sandbox, _ arguments: [String], expecting status: Int32) async throws -> String
    {
      let outcome = try await execute(
        [sandbox.binary, "capture", "--lab", lab] + arguments, environment: sandbox.environment, within: 60)
      #expect(outcome.status == status, "\(arguments) \(outcome)")
      return outcome.errors
    }

    private static func run(_ command: [String]) async throws {
      let outcome = try await execute(command, within: 30)
      #expect(outcome.status == 0, "\(command): \(outcome)")
    }

    @Test(.timeLimit(.minutes(3))) func othersReadThem() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let (all, folder) = ("\(sandbox.folder)/all.pcapng", "\(sandbox.folder)/ports")
        _ = try await Self.capture(sandbox, ["all", "-f", "icmp", "-c", "8", "-s", "0", "-w", all])
        let names = ["frame.interface_name", "frame.len", "frame.cap_len", "frame.packet_id", "icmp.seq"]
        let frames = try await tshark(all, names)
        #expect(frames.count == 8 && frames.allSatisfy { $0[1] == "98" && $0[2] == "98" }, "\(frames)")
        for command in [
          ["editcap", all], ["reordercap", all], ["mergecap", all, "-w"], ["tshark", "-r", all, "-w"],
        ] {
          let result = "\(sandbox.folder)/converted"
          try await Self.run(command + [result])
          #expect(try await tshark(result, names) == frames, "\(command)")
        }
        try await Self.run(["tshark", "-F", "pcap", "-r", all, "-w", "\(sandbox.folder)/converted"])
        // What the recorder has of the same frames has the same numbers.
        let last = "\(sandbox.folder)/last.pcapng"
        try await sandbox.apus(
          "capture", "--lab", Self.lab, "all", "--last", "60s", "-f", "icmp", "-w", last, expecting: 0)
        let recorded = try await tshark(last, ["frame.packet_id"])
        #expect(Set(recorded.map { $0[0] }) == Set(frames.map { $0[3] }), "\(recorded) \(frames)")

        let one = "\(sandbox.folder)/one.pcap"
        // Other ports of the lab are no ports of that file.
        try await sandbox.apus(
          "capture", "--lab", Self.lab, "h1:eth0", "--last", "60s", "-f", "icmp", "--direction", "in", "-w", one,
          expecting: 0)
        #expect(try await tshark(one, ["ip.src"]).allSatisfy { $0 == ["10.0.0.1"] })
        _ = try await Self.capture(sandbox, ["h1:eth0", "-f", "icmp", "-c", "4", "-w", one])
        #expect(try Data(contentsOf: URL(filePath: one)).prefix(4) == Data([0x4D, 0x3C, 0xB2, 0xA1]))
        #expect(try await tshark(one, ["icmp.type"]).map { $0[0] }.sorted() == ["0", "0", "8", "8"])
        let two = try await sandbox.apus(
          "capture", "--lab", Self.lab, "h1", "h2", "-w", "\(sandbox.folder)/two.pcap", expecting: 2)
        #expect(two.errors.contains("one port") && two.errors.contains("--per-interface"), "\(two)")
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.folder)/two.pcap"))
        #expect(
          try await Self.apus(sandbox, ["all", "--per-interface", ""], expecting: 2).contains("name of a folder"))
        _ = try await Self.capture(
          sandbox, ["all", "-f", "icmp", "-c", "8", "--format", "pcap", "--per-interface", folder])
        for name in ["h1", "h2"] {
          #expect(try await tshark("\(folder)/\(name).eth0.pcap", ["icmp.type"]).count == 4)
        }
        try await Self.replays(sandbox, all)
        try await Self.names(sandbox)
        try await Self.tagged(sandbox)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        let declared = "\(sandbox.folder)/declared.pcap"
        #expect(try Data(contentsOf: URL(filePath: declared)).prefix(4) == Data([0x4D, 0x3C, 0xB2, 0xA1]))
        #expect(try await tshark(declared, ["icmp.type"]).count > 8)
      }
    }

    /// A SYN of IPv6 that comes tagged: its flags are at byte 67, and at 71 where it came in.
    private static func tagged(_ sandbox: Sandbox) async throws {
      let (file, found) = ("\(sandbox.folder)/syn.pcap", "\(sandbox.folder)/found.pcapng")
      let hosts = [[UInt8]](repeating: [0xFD] + [UInt8](repeating: 0, count: 15), count: 2).flatMap { $0 }
      let frame: [UInt8] =
        [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 0x81, 0, 0, 1, 0x86, 0xDD]
        + [0x60, 0, 0, 0, 0, 20, 6, 64] + hosts + [0, 80, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 1, 0, 0, 0, 0, 0]
      let words = { (values: [UInt32]) in
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
      }
      let size = UInt32(frame.count)
      try Data(words([0xA1B2_C3D4, 0x0004_0002, 0, 0, 65536, 1, 0, 0, size, size]) + frame)
        .write(to: URL(filePath: file))
      let capture = try await start(
        sandbox, ["h1:eth0", "-f", "tcp and ip6[53] & 2 != 0", "-c", "1", "-w", found], log: "found.log")
      _ = try await apus(sandbox, ["--from-file", file, "--inject", "tr:eth0"], expecting: 0)
      #expect(await capture.wait(timeoutSeconds: 30))
      #expect(try await tshark(found, ["tcp.flags.syn", "vlan.id"]).map { $0[0] } == ["1"])
    }

    /// A node that comes while a capture runs has its name in the file.
    private static func names(_ sandbox: Sandbox) async throws {
      let path = "\(sandbox.folder)/names.pcapng"
      let process = try await start(sandbox, ["sw1", "-f", "icmp", "-w", path], log: "names.log")
      let more = "  h3: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.3/24 } } }\n"
      let changed = file.replacing("capture:\n", with: "\(more)capture:\n")
      try await sandbox.apus("up", try sandbox.write(changed), expecting: 0)
      try await eventually("its port is captured") {
        try await asked(sandbox).contains { $0.ports.contains("h3.eth0") }
      }
      try await sandbox.pings("h3", "10.0.0.1", lab: lab)
      process.signal(SIGINT)
      #expect(await process.wait(timeoutSeconds: 30))
      let hosts = Set(try await tshark(path, ["ip.src_host"], options: ["-N", "n"]).map { $0[0] })
      #expect(hosts.isSuperset(of: ["h1", "h3"]), "\(hosts)")
    }

    /// Our own capture of both ports, sent again.
    private static func replays(_ sandbox: Sandbox, _ file: String) async throws {
      try await run(["gzip", "-k", file])
      let other = "4 left out as they are of another interface or direction"
      let cases: [([String], String)] = [
        ([], "8 frames sent into h1.eth0\n  4 of them went to a node where they were captured; --direction in"),
        (["--direction", "in"], "4 frames sent into h1.eth0, \(other)"),
        (["--interface", "h2:eth0"], "4 frames sent into h1.eth0, \(other)"),
        (["--interface", "h1.eth0", "--direction", "in"], "2 frames sent into h1.eth0, 6 left out"),
      ]
      for (options, words) in cases {
        for name in [file, "\(file).gz"] {
          let said = try await apus(
            sandbox, ["--from-file", name, "--inject", "h1:eth0", "--speed", "0"] + options, expecting: 0)
          #expect(said.contains(words), "\(options) \(said)")
        }
      }
      for (options, words) in [
        (["--interface", "h3.eth0"], "there are h1.eth0, h2.eth0"), (["--direction", "up"], "in, out, both"),
      ] {
        let said = try await apus(sandbox, ["--from-file", file, "--inject", "h1:eth0"] + options, expecting: 2)
        #expect(said.contains(words), "\(options) \(said)")
      }
    }

    /// Wireshark waits for its end of the FIFO to be opened, and shows what the program said when that has ended.
    @Test(.timeLimit(.minutes(2))) func nobodyWaitsForACaptureThatIsRefused() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let pipe = "\(sandbox.folder)/fifo"
        try #require(mkfifo(pipe, 0o600) == 0)
        let port = "apus.\(Self.lab).h1.eth0"
        for (arguments, words) in [
          (["--extcap-interface", port, "--extcap-capture-filter", "tcp prt 80"], "tcp prt 80"),
          ([], "--extcap-interface is missing"), (["--extcap-interface", "apus.nolab.h1.eth0"], "nolab"),
          (["--extcap-interface", "apus.\(Self.lab).h9.eth0"], "h9.eth0"),
          (["--extcap-interface", port, "--snaplen", "many"], "many"),
          (["--extcap-interface", port, "--nonsense"], "nonsense"),
        ] {
          // As dumpcap: the reading end is there, and waits for bytes or their end.
          let reader = try sandbox.start(["cat", pipe], log: "reader.log")
          let outcome = try await execute(
            [sandbox.binary, "extcap", "--capture", "--fifo", pipe] + arguments, environment: sandbox.environment,
            within: 30)
          #expect(outcome.status != 0 && outcome.errors.contains(words), "\(arguments) \(outcome)")
          #expect(await reader.wait(timeoutSeconds: 20), "\(arguments)")
          reader.signal(SIGKILL)
        }
        try await Self.tsharkEnds(sandbox, port)
      }
    }

    private static func tsharkEnds(_ sandbox: Sandbox, _ port: String) async throws {
      let folders = try await execute(["/usr/bin/tshark", "-G", "folders"], within: 20).output
      let line = try #require(folders.split(separator: "\n").first { $0.contains("Extcap path:") })
      let folder = try #require(line.split(separator: ":").last).trimmingCharacters(in: .whitespaces)
      let link = "\(folder)/apus-extcap"
      let wasThere = FileManager.default.fileExists(atPath: link)
      if !wasThere { try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: sandbox.binary) }
      defer { if !wasThere { try? FileManager.default.removeItem(atPath: link) } }
      let shark = try await execute(
        ["/usr/bin/tshark", "-i", port, "-f", "tcp prt 80", "-w", "\(sandbox.folder)/x.pcapng"],
        environment: sandbox.environment, within: 30)
      #expect(shark.errors.contains("tcp prt 80"), "\(shark)")
    }
  }
}
