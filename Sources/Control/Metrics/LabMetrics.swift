import Dataplane
import Topology

/// What `/metrics` tells of a lab; the names are those of the user guide.
struct LabMetrics {
  var lab: String
  var ports: [PortStatus] = []
  var switches: [SwitchStatus] = []
  var workers: [WorkerStatus] = []
  /// Frames that captures were too slow for.
  var captureDrops: UInt64 = 0

  /// Read off a service, one thing after the other.
  init?(_ service: any LabService) async {
    guard let name = await service.lab()?.name else { return nil }
    lab = name
    ports = await service.ports()
    switches = await service.switches()
    workers = await service.workers()
    captureDrops = await service.droppedByCaptures()
  }

  /// - Parameter lab: nil = none is up: only what is true of the daemon itself.
  static func text(_ lab: LabMetrics?) -> String {
    var text = OpenMetricsText()
    text.add(
      "apus_build", .info, help: "The program that answers.",
      [OpenMetricsText.Sample(labels: ["version": Product.version], value: 1)])
    lab?.add(to: &text)
    return text.finished
  }

  private func add(to text: inout OpenMetricsText) {
    addPorts(to: &text)
    text.add("apus_fdb_entries", .gauge, help: "Stations that a switch knows.", ofSwitches(\.fdbEntries))
    text.add(
      "apus_fdb_moves", .counter, help: "Stations that came up on another port than before.", ofSwitches(\.fdbMoves))
    text.add(
      "apus_worker_busy_cycles", .counter, unit: "cycles", help: "TSC cycles in which frames were moved.",
      ofWorkers(\.busyCycles))
    text.add(
      "apus_worker_idle_cycles", .counter, unit: "cycles", help: "TSC cycles of looking in vain, without sleep.",
      ofWorkers(\.idleCycles))
    text.add(
      "apus_capture_dropped", .counter,
      help: "Frames that captures were too slow for; none of them was kept from its way.",
      [OpenMetricsText.Sample(labels: ["lab": lab], value: captureDrops)])
  }

  private func addPorts(to text: inout OpenMetricsText) {
    text.add("apus_port_up", .gauge, help: "1 while the carrier is up.", ofPorts { $0.carrier ? 1 : 0 })
    text.add(
      "apus_port_receive_packets", .counter, help: "Frames from the node into the switch.", ofPorts(\.receivePackets))
    text.add(
      "apus_port_receive_bytes", .counter, unit: "bytes", help: "Bytes from the node into the switch.",
      ofPorts(\.receiveBytes))
    text.add(
      "apus_port_transmit_packets", .counter, help: "Frames from the switch to the node.", ofPorts(\.transmitPackets))
    text.add(
      "apus_port_transmit_bytes", .counter, unit: "bytes", help: "Bytes from the switch to the node.",
      ofPorts(\.transmitBytes))
    // Every reason from the start: of a counter that appears with its first value, no rise can be seen.
    let drops = ports.flatMap { port in
      IngressDrop.allCases.map { drop(port, "in", $0.name, port.dropsIn) }
        + EgressDrop.allCases.map { drop(port, "out", $0.name, port.dropsOut) }
    }
    text.add(
      "apus_port_drops", .counter, help: "Frames dropped, by reason; in = from the node into the switch.", drops)
  }

  private func drop(
    _ port: PortStatus, _ direction: String, _ reason: String, _ counts: [String: UInt64]
  ) -> OpenMetricsText.Sample {
    OpenMetricsText.Sample(
      labels: ["lab": lab, "port": port.name, "direction": direction, "reason": reason], value: counts[reason] ?? 0)
  }

  private func ofPorts(_ value: (PortStatus) -> UInt64) -> [OpenMetricsText.Sample] {
    ports.map { OpenMetricsText.Sample(labels: ["lab": lab, "port": $0.name], value: value($0)) }
  }

  private func ofSwitches(_ value: (SwitchStatus) -> UInt64) -> [OpenMetricsText.Sample] {
    switches.map { OpenMetricsText.Sample(labels: ["lab": lab, "switch": $0.name], value: value($0)) }
  }

  private func ofWorkers(_ value: (WorkerStatus) -> UInt64) -> [OpenMetricsText.Sample] {
    workers.map { OpenMetricsText.Sample(labels: ["worker": "\($0.index)"], value: value($0)) }
  }
}
