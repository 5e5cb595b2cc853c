import Dataplane

/// What `/metrics` tells of a port.
struct PortMetrics {
  let status: PortStatus
  /// Lab and port.
  let labels: MetricLabels

  init(_ status: PortStatus, lab: String) {
    self.status = status
    labels = MetricLabels(["lab": lab, "port": status.name])
  }

  private typealias Samples = [(labels: MetricLabels, value: UInt64)]

  /// All families, each with the samples of all ports.
  static func add(_ ports: [PortMetrics], to text: inout MetricsText) {
    for (family, value) in ofEach { text.add(family, ports.map { ($0.labels, value($0.status)) }) }
    text.add(
      MetricFamily("apus_port", .info, help: "What a port is; switch is empty on a wire."),
      ports.map { port in
        let status = port.status
        return (
          port.labels.with("switch", status.switchName ?? "").with("kind", status.kind.rawValue)
            .with("mode", status.mode.name), 1
        )
      })
    text.add(
      MetricFamily(
        "apus_port_drops", .counter, help: "Frames dropped, by reason; in = from the node into the switch."),
      ports.flatMap(\.drops))
    for (family, value) in ofImpairments { text.add(family, ports.flatMap { $0.ofImpairments(value) }) }
    for (family, value) in ofSessions { text.add(family, ports.flatMap { $0.ofSession(value) }) }
    for (family, value) in ofRings { text.add(family, ports.flatMap { $0.ofRings(value) }) }
  }

  private static let ofEach: [(MetricFamily, @Sendable (PortStatus) -> UInt64)] = [
    (MetricFamily("apus_port_up", .gauge, help: "1 while the carrier is up."), { $0.carrier ? 1 : 0 }),
    (
      MetricFamily("apus_port_mtu_bytes", .gauge, unit: "bytes", help: "Bytes of the largest payload."),
      { UInt64(max($0.mtu, 0)) }
    ),
    (
      MetricFamily(
        "apus_port_receive_packets", .counter, unit: "packets", help: "Frames from the node into the switch."),
      { $0.receivePackets }
    ),
    (
      MetricFamily("apus_port_receive_bytes", .counter, unit: "bytes", help: "Bytes from the node into the switch."),
      { $0.receiveBytes }
    ),
    (
      MetricFamily(
        "apus_port_transmit_packets", .counter, unit: "packets", help: "Frames from the switch to the node."),
      { $0.transmitPackets }
    ),
    (
      MetricFamily("apus_port_transmit_bytes", .counter, unit: "bytes", help: "Bytes from the switch to the node."),
      { $0.transmitBytes }
    ),
    (
      MetricFamily(
        "apus_port_held_packets", .gauge, unit: "packets", help: "Frames that wait for a machine that moves."),
      { UInt64(max($0.held?.frames ?? 0, 0)) }
    ),
  ]

  /// Every reason from the start: of a counter that appears with its first value, no rise can be seen.
  private var drops: Samples {
    let (into, out) = (labels.with("direction", "in"), labels.with("direction", "out"))
    return IngressDrop.allCases.map { (into.with("reason", $0.name), status.dropsIn[$0.name] ?? 0) }
      + EgressDrop.allCases.map { (out.with("reason", $0.name), status.dropsOut[$0.name] ?? 0) }
  }

  // Impairments.

  private static let ofImpairments: [(MetricFamily, @Sendable (ImpairmentStatus) -> UInt64)] = [
    (
      MetricFamily(
        "apus_impairment_delayed_packets", .counter, unit: "packets",
        help: "Frames that an impairment held for a time, since it is there; in = from the node into the switch."),
      { $0.delayed }
    ),
    (
      MetricFamily(
        "apus_impairment_duplicated_packets", .counter, unit: "packets", help: "Copies that an impairment made."),
      { $0.duplicated }
    ),
    (
      MetricFamily(
        "apus_impairment_lost_packets", .counter, unit: "packets", help: "Frames that an impairment lost."),
      { $0.lost }
    ),
    (
      MetricFamily(
        "apus_impairment_refused_packets", .counter, unit: "packets",
        help: "Frames for which an impairment's queue had no room."),
      { $0.refused }
    ),
    (
      MetricFamily(
        "apus_impairment_held_packets", .gauge, unit: "packets", help: "Frames that an impairment holds now."),
      { UInt64($0.held) }
    ),
  ]

  private func ofImpairments(_ value: (ImpairmentStatus) -> UInt64) -> Samples {
    status.impairments.map { (labels.with("direction", $0.isFromNode ? "in" : "out"), value($0)) }
  }

  // Sessions and rings of vhost-user.

  private static let ofSessions: [(MetricFamily, @Sendable (VhostUserStatus) -> UInt64)] = [
    (
      MetricFamily("apus_vhost_user_connected", .gauge, help: "1 while a front-end is there."),
      { $0.isConnected ? 1 : 0 }
    ),
    (MetricFamily("apus_vhost_user_faults", .counter, help: "Sessions that ended by a fault."), { $0.faults }),
    (
      MetricFamily("apus_vhost_user_refusals", .counter, help: "Messages and front-ends that were refused."),
      { $0.refusals }
    ),
  ]

  private func ofSession(_ value: (VhostUserStatus) -> UInt64) -> Samples {
    status.vhostUser.map { [(labels, value($0))] } ?? []
  }

  private static let ofRings: [(MetricFamily, @Sendable (QueueStatus) -> UInt64)] = [
    (
      MetricFamily(
        "apus_vhost_user_kicks", .counter,
        help: "Notifications from the driver of a ring since its session began; even rings are to the node, odd ones "
          + "from it."),
      { $0.kicks }
    ),
    (
      MetricFamily(
        "apus_vhost_user_calls", .counter, help: "Notifications to the driver of a ring since its session began."),
      { $0.calls }
    ),
    (
      MetricFamily(
        "apus_vhost_user_segmented_packets", .counter, unit: "packets",
        help: "Large frames of several segments from the node, or to it, whole or cut, since the session began."),
      { $0.segmented }
    ),
    (
      MetricFamily(
        "apus_vhost_user_merged_packets", .counter, unit: "packets",
        help: "Frames to the node that took more than one of its buffers, since the session began."),
      { $0.merged }
    ),
    (
      MetricFamily("apus_vhost_user_ring_running", .gauge, help: "1 while a ring runs."),
      { $0.stopped == nil ? 1 : 0 }
    ),
  ]

  private func ofRings(_ value: (QueueStatus) -> UInt64) -> Samples {
    (status.vhostUser?.queues ?? []).map { (labels.with("ring", "\($0.index)"), value($0)) }
  }
}
