import Foundation
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// `/metrics` of a lab with traffic of all kinds, read by the parsers of others, and live frames.
  @Suite struct Metrics {
    private static let lab = "ape-metrics"

    private static let file = """
      version: 1
      name: ape-metrics
      vlans: { red: { id: 10, subnet: 10.0.0.0/24 } }
      switches: { sw1: { fdb-size: 16 }, sw2: {} }
      nodes:
        vm1: { kind: vm, nics: { eth0: { switch: sw1, vlan: red } } }
        h1: { kind: netns, nics: { eth0: { switch: sw1, vlan: red }, eth1: { address: 10.9.0.1/24 } } }
        h2: { kind: netns, nics: { eth0: { switch: sw2, vlan: red }, eth1: { address: 10.9.0.2/24 } } }
      links:
        - { name: trunk1, ends: [sw1, sw2], trunk: all }
        - { name: wire1, ends: [h1:eth1, h2:eth1], impair: slow }
      impairments:
        slow: { delay: 20ms, loss: 20%, duplicate: 20%, rate: 256kbit, queue: 4 }

      """

    /// What an answer is, as the reference parser of OpenMetrics reads it: `NAME{a="b"}` to value.
    private struct Scrape {
      var values: [String: Double] = [:]
      var kinds: [String: String] = [:]

      func value(_ name: String, _ labels: String = "") -> Double? {
        values[labels.isEmpty ? name : "\(name){\(labels)}"]
      }

      /// The sum of all samples of a name whose labels have that in them.
      func sum(_ name: String, _ labels: String = "") -> Double {
        values.filter { key, _ in
          // An empty text is in no other, to Foundation.
          key.prefix { $0 != "{" } == name && (labels.isEmpty || key.contains(labels))
        }.values.reduce(0, +)
      }
    }

    /// Prints a line a sample, and one a family.
    private static let reader = """
      import sys
      from prometheus_client.openmetrics.parser import text_string_to_metric_families
      for family in text_string_to_metric_families(sys.stdin.read()):
          if not family.documentation: raise ValueError(family.name + " has no help")
          print("family", family.name, family.type, sep="\\t")
          for sample in family.samples:
              labels = ",".join('%s="%s"' % pair for pair in sample.labels.items())
              print("sample", sample.name + ("{%s}" % labels if labels else ""), float(sample.value), sep="\\t")
      """

    private static func ask(
      _ sandbox: Sandbox, accept: String?, to file: String
    ) async throws -> (type: String, path: String) {
      let path = "\(sandbox.folder)/\(file)"
      var command = ["/usr/bin/curl", "-s", "-S", "-f", "--unix-socket", "\(sandbox.state)/\(lab)/control.sock"]
      if let accept { command += ["-H", "Accept: \(accept)"] }
      command += ["-o", path, "-w", "%{content_type}", "http://apus/metrics"]
      let outcome = try await execute(command, within: 60)
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
      return (outcome.output, path)
    }

    private static func scrape(_ sandbox: Sandbox) async throws -> Scrape {
      let asked = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
      let (type, path) = try await ask(sandbox, accept: asked, to: "openmetrics.txt")
      guard type == "application/openmetrics-text; version=1.0.0; charset=utf-8" else { throw Failure(type) }
      let python = "\(projectRoot)/.build/python/bin/python"
      guard FileManager.default.isExecutableFile(atPath: python) else {
        throw Failure("\(python) is missing: tools/setup --tests makes it")
      }
      let outcome = try await execute(["/bin/sh", "-c", "exec \"$0\" -c \"$1\" <\"$2\"", python, reader, path])
      guard outcome.status == 0 else { throw Failure("\(outcome)\n\(text(of: path) ?? "")") }
      var scrape = Scrape()
      for line in outcome.output.split(separator: "\n") {
        let words = line.split(separator: "\t").map { String($0) }
        if words[0] == "family" {
          scrape.kinds[words[1]] = words[2]
        } else {
          scrape.values[words[1]] = Double(words[2])
        }
      }
      return scrape
    }

    private static func checkWithPromtool(_ sandbox: Sandbox) async throws {
      let (type, path) = try await ask(sandbox, accept: nil, to: "plain.txt")
      #expect(type == "text/plain; version=0.0.4; charset=utf-8")
      let outcome = try await execute(["/bin/sh", "-c", "exec promtool check metrics <\"$0\"", path])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    }

    /// Frames that a switch refuses, stations that move, and more of them than there is room for.
    private static func sendOddFrames() throws {
      let (h1, h2) = (try RawSocket("eth0", in: "apus-\(lab)-h1"), try RawSocket("eth0", in: "apus-\(lab)-h2"))
      for number in 0..<40 {
        try h1.send(
          FrameBuilder(to: FrameBuilder.station(999), from: FrameBuilder.station(1000 + number)).plain(size: 80))
      }
      for _ in 0..<5 {
        for socket in [h1, h2] {
          try socket.send(FrameBuilder(to: FrameBuilder.station(999), from: FrameBuilder.station(500)).plain(size: 80))
          // The other switch has to have it before the next one comes from elsewhere.
          usleep(20_000)
        }
      }
      // A group address as source.
      try h1.send(FrameBuilder(to: FrameBuilder.station(999), from: [3, 0, 0, 0, 0, 1]).plain(size: 80))
    }

    private static func makeTraffic(_ sandbox: Sandbox) async throws {
      try await sandbox.pings("h1", "10.0.0.1", lab: lab)
      let capture = ["capture", "all", "--lab", lab, "-w", "\(sandbox.folder)/all.pcapng"]
      let process = try sandbox.start([sandbox.binary] + capture, log: "capture.log")
      try await eventually("the capture runs") { try await sandbox.captures(lab).count == 1 }
      #expect(try await scrape(sandbox).value("apus_capture_running", "lab=\"\(lab)\"") == 1)
      try await sandbox.shell("h1", "ping -c 50 -i 0.01 10.0.0.3; ping -c 50 -i 0.01 10.0.0.1", lab: lab)
      // More than the wire carries; some are lost there.
      try await sandbox.apus(
        "exec", "--lab", lab, "h1", "--", "ping", "-f", "-s", "1000", "-c", "400", "-w", "5", "10.9.0.2")
      try sendOddFrames()
      process.signal(SIGINT)
      #expect(await process.wait(timeoutSeconds: 20))
    }

    @Test(.timeLimit(.minutes(4))) func everyFamilyRisesWithItsTraffic() async throws {
      try await Sandbox.use { sandbox in
        let lab = Self.lab
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let before = try await Self.scrape(sandbox)
        try await Self.makeTraffic(sandbox)
        _ = try await sandbox.api(lab, "/v1/ports/none")
        _ = try await sandbox.api(lab, "/nowhere")
        // One round in 16 is measured, from the worker's second second on.
        try await eventually("a round's time was taken") {
          try await sandbox.shell("h1", "ping -c 20 -i 0.01 10.0.0.3", lab: lab)
          return try await Self.scrape(sandbox).sum("apus_worker_round_seconds_count") > 0
        }
        let after = try await Self.scrape(sandbox)
        try await Self.checkWithPromtool(sandbox)

        Self.checkRises(before, after)
        Self.checkValues(after)
      }
    }

    /// What has risen, and that no counter has fallen.
    private static func checkRises(_ before: Scrape, _ after: Scrape) {
      for (name, value) in before.values {
        let family = String(name.prefix { $0 != "{" })
        let isCounter = ["_total", "_bucket", "_count", "_sum"].contains { family.hasSuffix($0) }
        guard isCounter else { continue }
        #expect(after.values[name] ?? -1 >= value, "\(name)")
      }
      let risen = [
        ("apus_port_receive_packets_total", "h1.eth0"), ("apus_port_receive_bytes_total", "vm1.eth0"),
        ("apus_port_transmit_packets_total", "vm1.eth0"), ("apus_port_transmit_bytes_total", "h2.eth0"),
        ("apus_port_receive_packets_total", "sw2:trunk1"), ("apus_port_drops_total", "source-invalid"),
        ("apus_port_drops_total", "impaired-loss"), ("apus_port_drops_total", "impaired-queue"),
        ("apus_impairment_delayed_packets_total", "h1.eth1"), ("apus_impairment_lost_packets_total", ""),
        ("apus_impairment_duplicated_packets_total", ""), ("apus_impairment_refused_packets_total", ""),
        ("apus_vhost_user_kicks_total", "vm1.eth0"), ("apus_vhost_user_calls_total", "vm1.eth0"),
        ("apus_fdb_moves_total", "sw1"), ("apus_fdb_evictions_total", "sw1"),
        ("apus_worker_busy_cycles_total", ""), ("apus_worker_idle_cycles_total", ""), ("apus_worker_sleeps_total", ""),
        ("apus_worker_bursts_total", ""), ("apus_worker_packets_total", ""), ("apus_worker_burst_packets_count", ""),
        ("apus_worker_burst_packets_sum", ""), ("apus_capture_packets_total", ""), ("apus_events_total", ""),
        ("apus_http_requests_total", "route=\"/metrics\""), ("apus_http_requests_total", "route=\"none\""),
        ("apus_http_requests_total", "status=\"404\""), ("apus_http_connections_opened_total", ""),
      ]
      for (name, labels) in risen {
        let (old, new) = (before.sum(name, labels), after.sum(name, labels))
        #expect(new > old, "\(name) \(labels): \(old) then \(new)")
      }
    }

    /// What is exact, and what belongs together.
    private static func checkValues(_ scrape: Scrape) {
      let port = "lab=\"\(lab)\",port=\"h1.eth0\""
      #expect(scrape.value("apus_port_up", port) == 1)
      #expect(scrape.value("apus_port_mtu_bytes", port) == 65521)
      #expect(scrape.value("apus_port_info", "\(port),switch=\"sw1\",kind=\"tap\",mode=\"access\"") == 1)
      #expect(scrape.value("apus_port_drops_total", "\(port),direction=\"in\",reason=\"source-invalid\"") == 1)
      #expect(scrape.value("apus_vhost_user_connected", "lab=\"\(lab)\",port=\"vm1.eth0\"") == 1)
      #expect(scrape.sum("apus_vhost_user_ring_running", "vm1.eth0") == 2)
      #expect(scrape.value("apus_fdb_limit_entries", "lab=\"\(lab)\",switch=\"sw1\"") == 16)
      #expect(scrape.value("apus_fdb_entries", "lab=\"\(lab)\",switch=\"sw1\"") ?? 99 <= 16)
      #expect(scrape.value("apus_capture_running", "lab=\"\(lab)\"") == 0)
      // Every frame that an impairment lost is a drop of its port too.
      #expect(
        scrape.sum("apus_impairment_lost_packets_total") == scrape.sum("apus_port_drops_total", "impaired-loss"))
      #expect(
        scrape.sum("apus_impairment_refused_packets_total") == scrape.sum("apus_port_drops_total", "impaired-queue"))
      let (count, sum) = (scrape.sum("apus_worker_burst_packets_count"), scrape.sum("apus_worker_burst_packets_sum"))
      #expect(sum >= count && abs(count - scrape.sum("apus_worker_bursts_total")) < 10)
      let rounds = scrape.sum("apus_worker_round_seconds_count")
      #expect(rounds <= count / 16 + 1 && scrape.sum("apus_worker_round_seconds_sum") > 0)
      #expect(scrape.kinds["apus_worker_round_seconds"] == "histogram" && scrape.kinds["apus_build"] == "info")
      // No address of a station, in whatever label.
      #expect(scrape.values.keys.allSatisfy { $0.firstMatch(of: /([0-9a-f]{2}:){5}/) == nil })
    }

    // Live frames.

    private struct Line: Decodable {
      var time: String?
      var interface: String?
      var direction: String?
      var length: Int?
      var `protocol`: String?
      var info: String?
      var lost: Int?
    }

    private static func lines(_ path: String) -> [Line] {
      (text(of: path) ?? "").split(separator: "\n").compactMap { line in
        try? JSONDecoder().decode(Line.self, from: Data(line.utf8))
      }
    }

    private static func follow(_ sandbox: Sandbox, _ query: String, log: String) async throws -> ProcessIdentity {
      let running = try await sandbox.captures(lab).count
      let process = try sandbox.start(
        [
          "/usr/bin/curl", "-s", "-S", "-N", "--unix-socket", "\(sandbox.state)/\(lab)/control.sock", "-X", "POST",
          "http://apus/v1/frames?\(query)",
        ], log: log)
      try await eventually("frames are followed") { try await sandbox.captures(lab).count > running }
      return process
    }

    private static let small = """
      version: 1
      name: ape-metrics
      switches: { sw1: {} }
      nodes:
        h1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        h2: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }

      """

    @Test(.timeLimit(.minutes(2))) func framesAreToldAsTheyPass() async throws {
      try await Sandbox.use { sandbox in
        let lab = Self.lab
        try await sandbox.apus("up", try sandbox.write(Self.small), expecting: 0)
        let few = try await Self.follow(sandbox, "target=h1.eth0&filter=icmp&count=4", log: "few.log")
        let all = try await Self.follow(sandbox, "rate=10", log: "all.log")
        try await sandbox.shell("h1", "ping -c 2 -i 0.2 10.0.0.2", lab: lab)
        // With its count it ends by itself.
        #expect(await few.wait(timeoutSeconds: 20))
        let frames = Self.lines("\(sandbox.folder)/few.log")
        #expect(frames.map(\.direction) == ["in", "out", "in", "out"])
        #expect(frames.allSatisfy { $0.interface == "h1.eth0" && $0.protocol == "ICMP" && $0.length == 98 })
        #expect(frames.first?.info == "10.0.0.1 > 10.0.0.2 echo request 1")
        #expect(frames.allSatisfy { $0.time?.hasSuffix("Z") == true })

        // A flood is counted, and told of at once.
        try await sandbox.shell("h1", "ping -f -c 500 -w 20 10.0.0.2 >/dev/null", lab: lab)
        try await eventually("the flood was counted") {
          let lines = Self.lines("\(sandbox.folder)/all.log")
          let told = lines.filter { $0.lost == nil }.count
          return told > 0 && told + lines.compactMap(\.lost).reduce(0, +) >= 2000
        }
        // Who goes away ends it.
        all.signal(SIGTERM)
        try await eventually("the capture has ended") { try await sandbox.captures(lab).isEmpty }
        let refusal = try await sandbox.api(lab, "/v1/frames?filter=tcp%20prot", method: "POST")
        #expect(refusal.0 == 400 && refusal.1.contains("filter \\\"tcp prot\\\""), "\(refusal)")
      }
    }
  }
}
