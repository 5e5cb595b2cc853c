import Dataplane
import FoundationEssentials
import Lab
import Topology

/// What a lab is like at one moment, as the services tell it.
struct LiveSnapshot: Sendable {
  var lab: CanonicalLab?
  var nodes: [NodeStatus] = []
  var links: [LinkStatus] = []
  var ports: [PortStatus] = []
  var switches: [SwitchStatus] = []
  var instant = ContinuousClock.now

  init() {}

  /// Asks for all of it.
  init(of service: any LabService) async {
    lab = await service.lab()
    nodes = await service.nodes()
    links = await service.links()
    switches = await service.switches()
    // Last, and timed with them: rates are differences of these counters.
    ports = await service.ports()
    instant = .now
  }
}

/// What all viewers have been told, and how the next moment differs from it.
struct LiveBoard: Sendable {
  /// All of it.
  private(set) var row = LiveRow(isWhole: true, time: "", lab: nil, revision: 0)
  private var counters: [String: Counters] = [:]
  private var instant: ContinuousClock.Instant?
  /// What the number of the revision stands for.
  private var lab: CanonicalLab?
  private var modes: [String: PortMode] = [:]

  /// What a port has counted.
  private struct Counters: Sendable {
    var receivePackets: UInt64
    var receiveBytes: UInt64
    var transmitPackets: UInt64
    var transmitBytes: UInt64
    var drops: UInt64

    init(_ port: PortStatus) {
      receivePackets = port.receivePackets
      receiveBytes = port.receiveBytes
      transmitPackets = port.transmitPackets
      transmitBytes = port.transmitBytes
      drops = port.dropsIn.values.reduce(0, &+) &+ port.dropsOut.values.reduce(0, &+)
    }
  }

  /// Becomes what a snapshot says.
  /// - Returns: what is different.
  mutating func advance(to snapshot: LiveSnapshot) -> LiveRow {
    var next = LiveRow(
      isWhole: true, time: Self.text(of: Date()), lab: snapshot.lab?.name, revision: revision(of: snapshot))
    next.nodes = Self.named(snapshot.nodes.map { ($0.node, LiveNode($0)) })
    next.links = Self.named(snapshot.links.map { ($0.name, LiveLink($0)) })
    next.switches = Self.named(snapshot.switches.map { ($0.name, LiveSwitch($0)) })
    let seconds = instant.map { Self.seconds($0.duration(to: snapshot.instant)) } ?? 0
    next.ports = Self.named(snapshot.ports.map { ($0.name, live($0, seconds: seconds)) })
    counters = Dictionary(snapshot.ports.map { ($0.name, Counters($0)) }, uniquingKeysWith: { first, _ in first })
    instant = snapshot.instant
    var difference = next
    difference.isWhole = false
    difference.nodes = Self.difference(row.nodes, next.nodes)
    difference.links = Self.difference(row.links, next.links)
    difference.switches = Self.difference(row.switches, next.switches)
    difference.ports = Self.difference(row.ports, next.ports)
    row = next
    return difference
  }

  private mutating func revision(of snapshot: LiveSnapshot) -> Int {
    let modes = Dictionary(snapshot.ports.map { ($0.name, $0.mode) }, uniquingKeysWith: { first, _ in first })
    guard modes != self.modes || snapshot.lab != lab || row.revision == 0 else { return row.revision }
    (self.modes, lab) = (modes, snapshot.lab)
    return row.revision + 1
  }

  private func live(_ port: PortStatus, seconds: Double) -> LivePort {
    let (old, new) = (counters[port.name], Counters(port))
    func rate(_ counter: KeyPath<Counters, UInt64>) -> Int {
      // A counter that is less than before belongs to another port of the same name.
      guard let old, seconds > 0, new[keyPath: counter] >= old[keyPath: counter] else { return 0 }
      let difference = new[keyPath: counter] - old[keyPath: counter]
      return Int(exactly: (Double(difference) / seconds).rounded()) ?? 0
    }
    return LivePort(
      carrier: port.carrier ? "up" : "down", receivePackets: rate(\.receivePackets), receiveBytes: rate(\.receiveBytes),
      transmitPackets: rate(\.transmitPackets), transmitBytes: rate(\.transmitBytes), drops: rate(\.drops),
      dropped: new.drops, error: port.error)
  }

  private static func named<Value>(_ pairs: [(String, Value)]) -> [String: Value?] {
    Dictionary(pairs.map { ($0.0, $0.1 as Value?) }, uniquingKeysWith: { first, _ in first })
  }

  /// What is new or other; nil of what is gone.
  private static func difference<Value: Equatable>(
    _ old: [String: Value?], _ new: [String: Value?]
  ) -> [String: Value?] {
    var difference = new.filter { old[$0.key] != $0.value }
    for name in old.keys where new[name] == nil { difference.updateValue(nil, forKey: name) }
    return difference
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  private static func text(of date: Date) -> String {
    date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}
