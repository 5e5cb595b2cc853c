/// What `stats --watch` tells a program: the counters, and how much a second they grew since the object before.
package struct WatchedStats: Encodable, Sendable {
  private let stats: StatsRow
  private let traffic: Traffic
  private let seconds: Double?

  /// - Parameters:
  ///   - before: an earlier answer; nil = there are no rates yet.
  ///   - seconds: time between the two.
  package init(_ stats: StatsRow, since before: StatsRow?, seconds: Double) {
    self.stats = stats
    traffic = Traffic(stats, since: before, seconds: seconds)
    self.seconds = before == nil ? nil : seconds
  }

  private enum Key: String, CodingKey { case seconds, rates }

  private struct Rates: Encodable {
    /// By name.
    var ports: [String: Port]
    /// As in `workers`.
    var workers: [Worker]
  }

  private struct Port: Encodable {
    let rates: Traffic.Rates

    private enum Key: String, CodingKey {
      case receivePackets = "receive_packets"
      case receiveBits = "receive_bits"
      case transmitPackets = "transmit_packets"
      case transmitBits = "transmit_bits"
      case drops
    }

    func encode(to encoder: any Encoder) throws {
      var object = encoder.container(keyedBy: Key.self)
      try object.encode(rates.receivePackets, forKey: .receivePackets)
      try object.encode(rates.receiveBits, forKey: .receiveBits)
      try object.encode(rates.transmitPackets, forKey: .transmitPackets)
      try object.encode(rates.transmitBits, forKey: .transmitBits)
      try object.encode(rates.drops, forKey: .drops)
    }
  }

  private struct Worker: Encodable {
    var frames: Double
    var bursts: Double
    var sleeps: Double
  }

  package func encode(to encoder: any Encoder) throws {
    try stats.encode(to: encoder)
    var object = encoder.container(keyedBy: Key.self)
    try object.encode(seconds, forKey: .seconds)
    guard seconds != nil else { return try object.encodeNil(forKey: .rates) }
    let ports = traffic.ports.compactMap { port in port.rates.map { (port.row.name, Port(rates: $0)) } }
    try object.encode(
      Rates(
        ports: Dictionary(ports, uniquingKeysWith: { first, _ in first }),
        workers: traffic.workers.map { Worker(frames: $0.frames, bursts: $0.bursts, sleeps: $0.sleeps) }),
      forKey: .rates)
  }
}
