import Lab
import Synchronization
import Testing

@testable import Control

/// `/metrics`: what a scraper reads.
@Suite struct MetricsTests {
  /// The text of `/metrics`, as a client gets it.
  private func scrape(_ lab: FixedLab) async throws -> [String] {
    let bytes = Mutex<[UInt8]>([])
    try await ServerFixture.run(lab) { client, _ in
      try await client.download(API.metrics) { piece in bytes.withLock { $0 += piece } }
    }
    return String(decoding: bytes.withLock { $0 }, as: UTF8.self).split(separator: "\n").map { String($0) }
  }

  @Test func namesAndLabelsAreThoseOfTheContract() async throws {
    let lines = try await scrape(FixedLab())
    for line in [
      #"apus_build_info{version="\#(Product.version)"} 1"#,
      #"apus_port_up{lab="two",port="vm1.eth0"} 1"#,
      #"apus_port_up{lab="two",port="sw1:core"} 0"#,
      #"apus_port_receive_packets_total{lab="two",port="vm1.eth0"} 12"#,
      #"apus_port_receive_bytes_total{lab="two",port="vm1.eth0"} 1200"#,
      #"apus_port_transmit_packets_total{lab="two",port="vm1.eth0"} 11"#,
      #"apus_port_transmit_bytes_total{lab="two",port="vm1.eth0"} 1100"#,
      #"apus_port_drops_total{lab="two",port="vm1.eth0",direction="in",reason="runt"} 3"#,
      #"apus_port_drops_total{lab="two",port="vm1.eth0",direction="out",reason="no-buffer"} 4"#,
      #"apus_port_drops_total{lab="two",port="vm1.eth0",direction="out",reason="tap-busy"} 0"#,
      #"apus_fdb_entries{lab="two",switch="sw1"} 3"#,
      #"apus_fdb_moves_total{lab="two",switch="sw1"} 1"#,
      #"apus_worker_busy_cycles_total{worker="0"} 1000"#,
      #"apus_worker_idle_cycles_total{worker="0"} 3000"#,
      #"apus_worker_busy_cycles_total{worker="1"} 500"#,
      #"apus_worker_idle_cycles_total{worker="1"} 0"#,
      #"apus_capture_dropped_total{lab="two"} 7"#,
    ] { #expect(lines.contains(line), "\(line)") }
    #expect(lines.last == "# EOF")
  }

  /// The rules of the text form: a family is said once, before its samples, and they are called as its kind demands.
  @Test func everySampleFollowsItsFamily() async throws {
    var family = ""
    var kind = ""
    var seen: Set<String> = []
    for line in try await scrape(FixedLab()).dropLast() {
      let words = line.split(separator: " ").map { String($0) }
      if words[0] == "#" {
        guard words[1] == "TYPE" else {
          #expect(words[2] == family && ["HELP", "UNIT"].contains(words[1]), "\(line)")
          if words[1] == "UNIT" { #expect(family.hasSuffix("_\(words[3])"), "\(line)") }
          continue
        }
        (family, kind) = (words[2], words[3])
        #expect(seen.insert(family).inserted, "\(line)")
      } else {
        let name = line.prefix { $0 != "{" && $0 != " " }
        #expect(name == family + ["counter": "_total", "info": "_info", "gauge": ""][kind, default: "?"], "\(line)")
        #expect(words.last.flatMap { UInt64($0) } != nil, "\(line)")
        #expect(!line.contains("mac="), "\(line)")
      }
    }
  }

  @Test func withoutALabOnlyTheDaemonIsTold() async throws {
    let lines = try await scrape(FixedLab(current: nil))
    #expect(lines.count == 4 && lines.last == "# EOF")
  }

  @Test func textInLabelsIsEscaped() {
    var text = OpenMetricsText()
    text.add("a", .gauge, help: "b", [OpenMetricsText.Sample(labels: ["c": "d\"e\\f\ng"], value: 1)])
    #expect(text.finished == "# TYPE a gauge\n# HELP a b\na{c=\"d\\\"e\\\\f\\ng\"} 1\n# EOF\n")
  }
}
