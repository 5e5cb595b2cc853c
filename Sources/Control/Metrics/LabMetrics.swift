import Capture
import Dataplane
import Lab
import Topology

/// What `/metrics` tells of a lab; the names are those of docs/commands.md.
struct LabMetrics {
  var lab: String
  var ports: [PortMetrics] = []
  var switches: [SwitchStatus] = []
  var workers: [WorkerStatus] = []
  var captures = CaptureTotals()
  var rules: [(port: String, status: RuleStatus)] = []

  /// Read off a service, one thing after the other.
  init?(_ service: any LabService) async {
    guard let name = await service.lab()?.name else { return nil }
    lab = name
    ports = await service.ports().map { PortMetrics($0, lab: name) }
    switches = await service.switches()
    workers = await service.workers()
    captures = await service.captureTotals()
    rules = await service.ruleStatuses()
  }

  /// - Parameters:
  ///   - lab: nil = none is up: only what is true of the daemon itself.
  ///   - meter: what was asked of the daemon so far.
  ///   - sockets: what became of WebSockets.
  ///   - events: what has happened.
  static func text(
    _ lab: LabMetrics?, _ meter: RequestMeter, _ sockets: WebSocketDesk.Counts, _ events: EventHub,
    _ format: MetricsFormat
  ) -> String {
    var text = MetricsText(format)
    text.add(
      MetricFamily("apus_build", .info, help: "The program that answers."),
      [(MetricLabels(["version": Product.version]), 1)])
    addRequests(meter, to: &text)
    addWebSockets(sockets, to: &text)
    addEvents(events, to: &text)
    lab?.add(to: &text)
    return text.finished
  }

  private static func addRequests(_ meter: RequestMeter, to text: inout MetricsText) {
    text.add(
      MetricFamily(
        "apus_http_requests", .counter, help: "Requests of the API that were answered; streams count as they begin."),
      meter.counts.map { kind, count in
        (MetricLabels(["method": kind.method, "route": kind.route, "status": "\(kind.status)"]), count)
      })
    text.add(
      MetricFamily("apus_http_connections", .gauge, help: "Connections that are open and have asked something."),
      [(MetricLabels(), UInt64(meter.connections.open))])
    text.add(
      MetricFamily("apus_http_connections_opened", .counter, help: "Connections that have ever asked something."),
      [(MetricLabels(), meter.connections.all)])
  }

  private static func addWebSockets(_ counts: WebSocketDesk.Counts, to text: inout MetricsText) {
    text.add(
      MetricFamily("apus_websockets", .gauge, help: "WebSockets that are open: consoles and commands."),
      [(MetricLabels(), UInt64(max(counts.open, 0)))])
    text.add(
      MetricFamily("apus_websockets_refused", .counter, help: "WebSockets that were one too many."),
      [(MetricLabels(), UInt64(counts.refused))])
    text.add(
      MetricFamily("apus_websockets_closed", .counter, help: "WebSockets that are no more, by what ended them."),
      WebSocketEnd.allCases.map { end in
        (MetricLabels(["reason": end.rawValue]), UInt64(counts.ended[end] ?? 0))
      })
  }

  private static func addEvents(_ events: EventHub, to text: inout MetricsText) {
    let counts = events.counts
    text.add(
      MetricFamily("apus_events", .counter, help: "Events of the lab, as apus events tells them."),
      [(MetricLabels(), UInt64(counts.noted))])
    text.add(
      MetricFamily(
        "apus_events_lost", .counter, help: "Events that those who follow them were too slow for; each was told."),
      [(MetricLabels(), UInt64(counts.lost))])
    text.add(
      MetricFamily("apus_events_readers", .gauge, help: "Those who follow events now."),
      [(MetricLabels(), UInt64(counts.readers))])
  }

  private func add(to text: inout MetricsText) {
    PortMetrics.add(ports, to: &text)
    addRules(to: &text)
    addSwitches(to: &text)
    addWorkers(to: &text)
    let labels = MetricLabels(["lab": lab])
    text.add(
      MetricFamily("apus_capture_running", .gauge, help: "Captures that run."), [(labels, UInt64(captures.running))])
    text.add(
      MetricFamily("apus_capture_packets", .counter, unit: "packets", help: "Frames that captures gave out."),
      [(labels, captures.written)])
    text.add(
      MetricFamily(
        "apus_capture_dropped", .counter,
        help: "Frames that captures were too slow for; none of them was kept from its way."),
      [(labels, captures.dropped)])
  }

  private func addRules(to text: inout MetricsText) {
    let stateful = rules.filter { $0.status.flowLimit > 0 }
    let families: [(MetricFamily, KeyPath<RuleStatus, Int>)] = [
      (MetricFamily("apus_port_rule_flows", .gauge, help: "Flows whose answers a port lets pass."), \.flowCount),
      (MetricFamily("apus_port_rule_flows_limit", .gauge, help: "How many it can know."), \.flowLimit),
    ]
    for (family, value) in families {
      text.add(
        family,
        stateful.map { port, status in
          (MetricLabels(["lab": lab, "port": port]), UInt64(max(status[keyPath: value], 0)))
        })
    }
  }

  private func addSwitches(to text: inout MetricsText) {
    let families: [(MetricFamily, KeyPath<SwitchStatus, UInt64>)] = [
      (MetricFamily("apus_fdb_entries", .gauge, help: "Stations that a switch knows."), \.fdbEntries),
      (
        MetricFamily("apus_fdb_static_entries", .gauge, help: "Of these, the ones that were fixed."), \.fdbStaticEntries
      ),
      (MetricFamily("apus_fdb_limit_entries", .gauge, help: "Stations that it can know."), \.fdbLimit),
      (
        MetricFamily("apus_fdb_moves", .counter, help: "Stations that came up on another port than before."),
        \.fdbMoves
      ),
      (
        MetricFamily("apus_fdb_evictions", .counter, help: "Stations that had to make room for others."),
        \.fdbEvictions
      ),
    ]
    for (family, value) in families {
      text.add(family, switches.map { (MetricLabels(["lab": lab, "switch": $0.name]), $0[keyPath: value]) })
    }
  }

  private func addWorkers(to text: inout MetricsText) {
    let families: [(MetricFamily, KeyPath<WorkerStatus, UInt64>)] = [
      (
        MetricFamily(
          "apus_worker_busy_cycles", .counter, unit: "cycles", help: "TSC cycles in which frames were moved."),
        \.busyCycles
      ),
      (
        MetricFamily(
          "apus_worker_idle_cycles", .counter, unit: "cycles", help: "TSC cycles of looking in vain, without sleep."),
        \.idleCycles
      ),
      (MetricFamily("apus_worker_sleeps", .counter, help: "Times that a worker slept."), \.sleeps),
      (MetricFamily("apus_worker_bursts", .counter, help: "Rounds of a worker in which frames were moved."), \.bursts),
      (MetricFamily("apus_worker_packets", .counter, unit: "packets", help: "Frames that it received."), \.frames),
    ]
    for (family, value) in families { text.add(family, ofWorkers { $0[keyPath: value] }) }
    text.add(
      MetricFamily(
        "apus_worker_burst_packets", .histogram, unit: "packets",
        help: "Frames that a worker moved in one round over its ports, of rounds that moved any."),
      bounds: 11, scale: (1, 1), ofWorkers(\.burstSizes))
    text.add(
      MetricFamily(
        "apus_worker_round_seconds", .histogram, unit: "seconds",
        help: "Time of a round that moved frames, of one in 16: from the worker's first look at its ports until every "
          + "frame that it took was delivered. No frame of the round was longer in the switch; what it waited before in "
          + "its ring or socket, and delays of impairments, are not in it."),
      bounds: 15, scale: (1e-6, 1e-9), ofWorkers(\.breathTimes))
  }

  private func ofWorkers<Value>(_ value: (WorkerStatus) -> Value) -> [(labels: MetricLabels, value: Value)] {
    workers.map { (MetricLabels(["worker": "\($0.index)"]), value($0)) }
  }
}
