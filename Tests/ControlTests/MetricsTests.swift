import FoundationEssentials
import Lab
import Synchronization
import Testing

@testable import Control
@testable import Dataplane

/// `/metrics`: what a scraper reads.
@Suite struct MetricsTests {
  /// The text of `/metrics`, as a client gets it who asks for nothing in particular.
  private func scrape(_ lab: FixedLab) async throws -> [String] {
    let bytes = Mutex<[UInt8]>([])
    try await ServerFixture.run(lab) { client, _ in
      try await client.download(API.metrics) { piece in bytes.withLock { $0 += piece } }
    }
    return String(decoding: bytes.withLock { $0 }, as: UTF8.self).split(separator: "\n").map { String($0) }
  }

  private func text(_ format: MetricsFormat, _ lab: FixedLab = FixedLab()) async -> [String] {
    LabMetrics.text(await LabMetrics(lab), RequestMeter(), WebSocketDesk.Counts(), lab.events, format).split(
      separator: "\n"
    ).map { String($0) }
  }

  @Test func namesAndLabelsAreThoseOfTheContract() async throws {
    let lines = try await scrape(FixedLab())
    let port = #"lab="two",port="vm1.eth0""#
    for line in [
      #"apus_build_info{version="\#(Product.version)"} 1"#,
      #"apus_port_up{\#(port)} 1"#,
      #"apus_port_up{lab="two",port="sw1:core"} 0"#,
      #"apus_port_mtu_bytes{\#(port)} 1500"#,
      #"apus_port_info{\#(port),switch="sw1",kind="vhost-user",mode="access"} 1"#,
      #"apus_port_info{lab="two",port="tap.a",switch="",kind="tap",mode="wire"} 1"#,
      #"apus_port_receive_packets_total{\#(port)} 12"#,
      #"apus_port_receive_bytes_total{\#(port)} 1200"#,
      #"apus_port_transmit_packets_total{\#(port)} 11"#,
      #"apus_port_transmit_bytes_total{\#(port)} 1100"#,
      #"apus_port_held_packets{\#(port)} 0"#,
      #"apus_port_drops_total{\#(port),direction="in",reason="runt"} 3"#,
      #"apus_port_drops_total{\#(port),direction="out",reason="no-buffer"} 4"#,
      #"apus_port_drops_total{\#(port),direction="out",reason="tap-busy"} 0"#,
      #"apus_impairment_delayed_packets_total{\#(port),direction="out"} 5"#,
      #"apus_impairment_duplicated_packets_total{\#(port),direction="out"} 1"#,
      #"apus_impairment_lost_packets_total{\#(port),direction="out"} 2"#,
      #"apus_impairment_refused_packets_total{\#(port),direction="out"} 3"#,
      #"apus_impairment_held_packets{\#(port),direction="out"} 4"#,
      #"apus_vhost_user_connected{\#(port)} 1"#,
      #"apus_vhost_user_faults_total{\#(port)} 1"#,
      #"apus_vhost_user_refusals_total{\#(port)} 2"#,
      #"apus_vhost_user_kicks_total{\#(port),ring="1"} 3"#,
      #"apus_vhost_user_calls_total{\#(port),ring="1"} 4"#,
      #"apus_vhost_user_segmented_packets_total{\#(port),ring="1"} 5"#,
      #"apus_vhost_user_merged_packets_total{\#(port),ring="1"} 6"#,
      #"apus_vhost_user_ring_running{\#(port),ring="0"} 1"#,
      #"apus_vhost_user_ring_running{\#(port),ring="1"} 0"#,
      #"apus_port_rule_flows{\#(port)} 2"#, #"apus_port_rule_flows_limit{\#(port)} 4096"#,
      #"apus_fdb_entries{lab="two",switch="sw1"} 3"#,
      #"apus_fdb_moves_total{lab="two",switch="sw1"} 1"#,
      #"apus_fdb_evictions_total{lab="two",switch="sw1"} 6"#,
      #"apus_fdb_limit_entries{lab="two",switch="sw1"} 8192"#,
      #"apus_worker_busy_cycles_total{worker="0"} 1000"#,
      #"apus_worker_idle_cycles_total{worker="0"} 3000"#,
      #"apus_worker_busy_cycles_total{worker="1"} 500"#,
      #"apus_worker_sleeps_total{worker="0"} 3"#,
      #"apus_worker_bursts_total{worker="0"} 4"#,
      #"apus_worker_packets_total{worker="0"} 20"#,
      #"apus_capture_running{lab="two"} 2"#,
      #"apus_capture_packets_total{lab="two"} 40"#,
      #"apus_capture_dropped_total{lab="two"} 7"#,
      #"apus_http_connections 1"#,
      "apus_websockets 0", "apus_websockets_refused_total 0",
      #"apus_websockets_closed_total{reason="client"} 0"#, #"apus_websockets_closed_total{reason="daemon"} 0"#,
      "apus_events_total 0", "apus_events_lost_total 0", "apus_events_readers 0",
      #"apus_http_connections_opened_total 1"#,
    ] { #expect(lines.contains(line), "\(line)") }
    // Streams of bytes are no lines of OpenMetrics.
    #expect(lines.allSatisfy { $0 != "# EOF" && !$0.hasPrefix("# UNIT") })
  }

  @Test func histogramsAreCumulative() async {
    let lines = await text(.openMetrics)
    let burst = lines.filter { $0.hasPrefix("apus_worker_burst_packets_") && $0.contains(#"worker="0""#) }
    // Two of 1, one of 2, one of more than 2^10.
    #expect(burst.first == #"apus_worker_burst_packets_bucket{worker="0",le="1.0"} 2"#)
    #expect(burst[1] == #"apus_worker_burst_packets_bucket{worker="0",le="2.0"} 3"#)
    #expect(
      burst.suffix(4) == [
        #"apus_worker_burst_packets_bucket{worker="0",le="1024.0"} 3"#,
        #"apus_worker_burst_packets_bucket{worker="0",le="+Inf"} 4"#,
        #"apus_worker_burst_packets_sum{worker="0"} 2004.0"#,
        #"apus_worker_burst_packets_count{worker="0"} 4"#,
      ])
    let round = lines.filter { $0.hasPrefix("apus_worker_round_seconds_") && $0.contains(#"worker="0""#) }
    #expect(round.first == #"apus_worker_round_seconds_bucket{worker="0",le="1e-06"} 0"#)
    #expect(round[4] == #"apus_worker_round_seconds_bucket{worker="0",le="1.6e-05"} 1"#)
    #expect(round.suffix(2).first == #"apus_worker_round_seconds_sum{worker="0"} 1.25e-05"#)
  }

  /// The rules of the text forms: a family is said once, before its samples, and they are called as its kind demands.
  @Test(arguments: MetricsFormat.allCases) func everySampleFollowsItsFamily(_ format: MetricsFormat) async {
    var (family, kind) = ("", "")
    var seen: Set<String> = []
    var lines = await text(format)
    if format == .openMetrics { #expect(lines.popLast() == "# EOF") }
    for line in lines {
      let words = line.split(separator: " ").map { String($0) }
      if words[0] == "#" {
        if words[2] != family {
          #expect(seen.insert(words[2]).inserted, "\(line)")
          family = words[2]
        }
        #expect(words.count > 3 && ["HELP", "TYPE"].contains(words[1]) || words[1] == "UNIT", "\(line)")
        if words[1] == "TYPE" { kind = words[3] }
        if words[1] == "UNIT" {
          #expect(format == .openMetrics && family.hasSuffix("_\(words[3])"), "\(line)")
        }
        continue
      }
      let name = String(line.prefix { $0 != "{" && $0 != " " })
      let suffixes = ["counter": format == .plain ? [""] : ["_total"], "info": ["_info"], "gauge": [""]]
      let wanted = suffixes[kind] ?? ["_bucket", "_sum", "_count"]
      #expect(wanted.contains { name == family + $0 }, "\(line)")
      if kind == "counter" { #expect(name.hasSuffix("_total"), "\(line)") }
      #expect(words.last.flatMap { Double($0) } != nil, "\(line)")
      #expect(!line.contains("mac=") && !line.contains("02:00:00"), "\(line)")
    }
  }

  @Test(arguments: MetricsFormat.allCases) func withoutALabOnlyTheDaemonIsTold(_ format: MetricsFormat) async {
    let lines = await text(format, FixedLab(current: nil))
    let names = Set(lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != "{" && $0 != " " } })
    #expect(
      names == [
        "apus_build_info", "apus_http_connections", "apus_http_connections_opened_total", "apus_events_total",
        "apus_events_lost_total", "apus_events_readers", "apus_websockets", "apus_websockets_refused_total",
        "apus_websockets_closed_total",
      ])
  }

  @Test func textIsEscaped() {
    for format in MetricsFormat.allCases {
      var text = MetricsText(format)
      text.add(MetricFamily("a", .gauge, help: "b\\\n\""), [(MetricLabels(["c": "d\"e\\f\ng", "h": "i"]), 1)])
      #expect(text.finished.contains("\na{c=\"d\\\"e\\\\f\\ng\",h=\"i\"} 1\n"))
      #expect(text.finished.contains(#"# HELP a b\\\n"# + (format == .plain ? "\"" : "\\\"") + "\n"))
    }
  }

  /// What scrapers send, and what nobody should.
  @Test(arguments: [
    ([], MetricsFormat.plain), (["*/*"], .plain), (["text/plain"], .plain), (["application/json"], .plain),
    ([""], .plain),
    (["application/openmetrics-text"], .openMetrics), (["Application/OpenMetrics-Text; Version=1.0.0"], .openMetrics),
    (["application/openmetrics-text;version=1.0.0;q=0"], .plain),
    (["application/openmetrics-text;version=2.0.0"], .plain),
    (["application/openmetrics-text;q=nan"], .plain), (["application/openmetrics-text;q=x"], .plain),
    (["application/*"], .plain), (["text/plain", "application/openmetrics-text"], .openMetrics),
    (["application/openmetrics-text;q=0.4,text/plain;version=0.0.4;q=0.5"], .plain),
    (["application/openmetrics-text;q=0.4, text/*;q=0.3, */*;q=0.9"], .openMetrics),
    // Prometheus 2.42, and 3.0.
    (
      [
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
      ], .openMetrics
    ),
    (
      [
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
          + "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
          + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
      ], .openMetrics
    ),
  ])
  func theFormIsChosenByAccept(_ accept: [String], _ format: MetricsFormat) {
    #expect(MetricsFormat.chosen(by: accept) == format)
  }

  @Test func requestsAreCountedByRoute() async throws {
    let bytes = Mutex<[UInt8]>([])
    try await ServerFixture.run(FixedLab()) { client, _ in
      for _ in 0..<3 { _ = try await client.ask(API.port, of: "vm1.eth0") }
      for name in ["a", "b"] { _ = try? await client.ask(API.port, of: name) }
      for path in ["/nowhere", "/v1/nothing/x"] { try? await client.exchange(.get, path, .whole([])) { _ in } }
      try await client.download(API.metrics) { piece in bytes.withLock { $0 += piece } }
    }
    let lines = String(decoding: bytes.withLock { $0 }, as: UTF8.self).split(separator: "\n")
      .filter { $0.hasPrefix("apus_http_requests_total") }
    #expect(
      lines == [
        #"apus_http_requests_total{method="GET",route="/v1/ports/{port}",status="200"} 3"#,
        #"apus_http_requests_total{method="GET",route="/v1/ports/{port}",status="404"} 2"#,
        #"apus_http_requests_total{method="none",route="none",status="404"} 2"#,
      ])
  }

  // The dashboard.

  private static func dashboard() throws -> JSONValue {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/grafana/apus.json").path
    return try JSON.decode(JSONValue.self, from: [UInt8](try Data(contentsOf: URL(filePath: path))))
  }

  /// All texts at keys of that name, wherever they stand.
  private static func texts(_ key: String, in value: JSONValue) -> [String] {
    switch value {
    case .object(let members):
      members.flatMap { name, member -> [String] in
        if name == key, case .text(let text) = member { return [text] }
        return texts(key, in: member)
      }
    case .list(let items): items.flatMap { texts(key, in: $0) }
    default: []
    }
  }

  /// Every name in it is told by `/metrics`, with the labels that it is selected and named by.
  @Test func theDashboardAsksForWhatThereIs() async throws {
    let dashboard = try Self.dashboard()
    var labels: [String: Set<String>] = [:]
    for line in await text(.plain) where !line.hasPrefix("#") {
      let name = String(line.prefix { $0 != "{" && $0 != " " })
      labels[name, default: []].formUnion(line.matches(of: /([a-z]+)="/).map { String($0.1) })
    }
    labels["apus_http_requests_total"] = ["method", "route", "status"]
    let asked = ["expr", "query", "definition"].flatMap { Self.texts($0, in: dashboard) }
    var names: Set<String> = []
    for text in asked {
      for match in text.matches(of: /apus_[a-z_]+/) {
        names.insert(String(match.0))
        #expect(labels[String(match.0)] != nil, "\(text)")
      }
      for match in text.matches(of: /(apus_[a-z_]+)\{([^}]*)\}/) {
        for label in String(match.2).matches(of: /([a-z]+)=/) {
          #expect(labels[String(match.1)]?.contains(String(label.1)) == true, "\(text)")
        }
      }
    }
    // And shows every family that there is; of a histogram at least its buckets.
    for name in labels.keys where !["_sum", "_count"].contains(where: { name.hasSuffix($0) }) {
      #expect(names.contains(name), "\(name)")
    }
  }

  /// What Grafana wants of a file that is imported.
  @Test func theDashboardIsOne() throws {
    let dashboard = try Self.dashboard()
    for key in ["title", "uid", "schemaVersion", "panels", "templating", "time"] {
      #expect(dashboard[key] != nil, "\(key)")
    }
    guard case .list(let panels)? = dashboard["panels"] else { return #expect(Bool(false)) }
    var ids: Set<Int> = []
    for panel in panels {
      guard case .integer(let id)? = panel["id"], case .integer(let width)? = panel["gridPos"]?["w"],
        case .integer(let x)? = panel["gridPos"]?["x"]
      else {
        Issue.record("\(panel)")
        continue
      }
      #expect(ids.insert(id).inserted && x + width <= 24)
      guard panel["type"] != "row" else { continue }
      guard case .list(let targets)? = panel["targets"] else { return #expect(Bool(false), "\(panel)") }
      #expect(Set(Self.texts("refId", in: .list(targets))).count == targets.count)
    }
    // No machine of anybody's stands in it.
    #expect(Self.texts("uid", in: .list(panels)).allSatisfy { $0 == "${datasource}" })
  }
}
