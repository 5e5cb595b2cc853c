/// What ports and workers did between two answers of `GET /v1/stats`: the one model behind `top` and `stats --watch`.
package struct Traffic: Sendable {
  /// A port with what it counted a second; nil where there is nothing to compare with.
  package struct Port: Sendable {
    package var row: PortRow
    package var rates: Rates?
  }

  /// Each a second.
  package struct Rates: Sendable, Equatable {
    /// From the node into the switch.
    package var receivePackets = 0.0
    package var receiveBits = 0.0
    /// From the switch to the node.
    package var transmitPackets = 0.0
    package var transmitBits = 0.0
    /// Both ways, all reasons.
    package var drops = 0.0

    /// As the other end has them.
    var turnedRound: Rates {
      Rates(
        receivePackets: transmitPackets, receiveBits: transmitBits, transmitPackets: receivePackets,
        transmitBits: receiveBits, drops: drops)
    }

    static func + (a: Rates, b: Rates) -> Rates {
      Rates(
        receivePackets: a.receivePackets + b.receivePackets, receiveBits: a.receiveBits + b.receiveBits,
        transmitPackets: a.transmitPackets + b.transmitPackets, transmitBits: a.transmitBits + b.transmitBits,
        drops: a.drops + b.drops)
    }
  }

  /// A worker in the time between.
  package struct Worker: Sendable, Equatable {
    package var index: Int
    /// A second.
    package var frames: Double
    package var sleeps: Double
    package var bursts: Double
    package var cyclesPerFrame: Double?
  }

  package var ports: [Port]
  package var workers: [Worker]
  package var hasRates: Bool

  /// - Parameters:
  ///   - before: an earlier answer; nil = there are no rates yet, and workers are told since the lab came up.
  ///   - seconds: time between the two.
  package init(_ now: StatsRow, since before: StatsRow? = nil, seconds: Double = 1) {
    let seconds = max(seconds, 0.001)
    hasRates = before != nil
    let earlier = Dictionary(
      (before?.ports ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    ports = now.ports.map { row in
      Port(row: row, rates: before == nil ? nil : Rates(row, since: earlier[row.name], seconds: seconds))
    }
    workers = now.workers.enumerated().map { index, worker in
      let known = before.flatMap { $0.workers.indices.contains(index) ? $0.workers[index] : nil }
      return Worker(index, worker, since: known, seconds: seconds)
    }
  }

  /// A counter that went back belongs to a port or daemon made anew, and counts from zero.
  fileprivate static func difference(_ now: UInt64, _ before: UInt64?) -> Double {
    let before = before ?? 0
    return Double(now >= before ? now - before : now)
  }
}

extension Traffic.Rates {
  fileprivate init(_ now: PortRow, since before: PortRow?, seconds: Double) {
    func rate(_ count: KeyPath<PortRow, UInt64>) -> Double {
      Traffic.difference(now[keyPath: count], before?[keyPath: count]) / seconds
    }
    receivePackets = rate(\.receivePackets)
    receiveBits = rate(\.receiveBytes) * 8
    transmitPackets = rate(\.transmitPackets)
    transmitBits = rate(\.transmitBytes) * 8
    drops = Traffic.difference(now.drops.total, before?.drops.total) / seconds
  }
}

extension Traffic.Worker {
  fileprivate init(_ index: Int, _ now: StatsRow.Worker, since before: StatsRow.Worker?, seconds: Double) {
    func growth(_ count: KeyPath<StatsRow.Worker, UInt64>) -> Double {
      Traffic.difference(now[keyPath: count], before?[keyPath: count])
    }
    self.index = index
    frames = growth(\.frames) / seconds
    sleeps = growth(\.sleeps) / seconds
    bursts = growth(\.bursts) / seconds
    cyclesPerFrame = growth(\.frames) > 0 ? growth(\.busyCycles) / growth(\.frames) : nil
  }
}
