import Dataplane

/// What `stats` tells.
package struct StatsRow: Described, Equatable {
  /// A worker's account of its time since the lab came up.
  package struct Worker: Described, Equatable {
    /// TSC cycles.
    package var busyCycles: UInt64
    /// TSC cycles.
    package var idleCycles: UInt64
    package var sleeps: UInt64
    package var bursts: UInt64
    /// Frames received by this worker.
    package var frames: UInt64

    enum CodingKeys: String, CodingKey {
      case busyCycles = "busy_cycles"
      case idleCycles = "idle_cycles"
      case sleeps, bursts, frames
    }

    init(_ status: WorkerStatus) {
      busyCycles = status.busyCycles
      idleCycles = status.idleCycles
      sleeps = status.sleeps
      bursts = status.bursts
      frames = status.frames
    }

    package static let shape = Shape.object(
      "Worker", "A worker's account of its time since the lab came up.",
      [
        Field("busy_cycles", .count, "TSC cycles in which frames were moved."),
        Field("idle_cycles", .count, "TSC cycles of looking in vain, without sleep."),
        Field("sleeps", .count, "Times that it slept."),
        Field("bursts", .count, "Rounds in which frames were moved."),
        Field("frames", .count, "Frames that it received."),
      ])
  }

  package var workers: [Worker]
  package var ports: [PortRow]

  init(workers: [WorkerStatus], ports: [PortStatus]) {
    self.workers = workers.map { Worker($0) }
    self.ports = ports.map { PortRow($0, isDetailed: false) }
  }

  package static let shape = Shape.object(
    "Stats", "What workers did and ports counted.",
    [
      Field("workers", .list(Worker.shape), "The threads that move frames."),
      Field("ports", .list(PortRow.shape), "As in `port list`."),
    ])
}

extension StatsRow {
  /// What `stats` prints for people.
  /// - Parameters:
  ///   - before: an earlier answer; with it, rates are shown beside the counters.
  ///   - seconds: time between the two.
  package func description(since before: StatsRow? = nil, seconds: Double = 1) -> [String] {
    let work = Table(columns: Self.workerColumns, rows: workers.enumerated().map { Self.cells($0.offset, $0.element) })
    var columns = Self.portColumns
    if before != nil { columns += Self.rateColumns }
    let earlier = Dictionary(
      (before?.ports ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let traffic = Table(
      columns: columns + [Column("DROPS")],
      rows: ports.map { port in
        var cells = port.counterCells
        if before != nil { cells += port.rateCells(since: earlier[port.name], seconds: seconds) }
        return cells + [Cell(port.dropText)]
      })
    return work.lines + [""] + traffic.lines
  }

  private static let workerColumns = [
    Column("WORKER", .right), Column("BUSY", .right), Column("BUSY-CYCLES", .right), Column("IDLE-CYCLES", .right),
    Column("SLEEPS", .right), Column("BURSTS", .right), Column("FRAMES", .right), Column("CYCLES/FRAME", .right),
  ]
  private static let portColumns = [
    Column("PORT"), Column("CARRIER"), Column("RX-PACKETS", .right), Column("RX-BYTES", .right),
    Column("TX-PACKETS", .right), Column("TX-BYTES", .right),
  ]
  private static let rateColumns = [
    Column("RX-PPS", .right), Column("RX-BIT/S", .right), Column("TX-PPS", .right), Column("TX-BIT/S", .right),
  ]

  private static func cells(_ index: Int, _ worker: Worker) -> [Cell] {
    let total = Double(worker.busyCycles) + Double(worker.idleCycles)
    let share = total > 0 ? "\(Int((Double(worker.busyCycles) / total * 100).rounded()))%" : nil
    let each = worker.frames > 0 ? String(worker.busyCycles / worker.frames) : nil
    return [
      Cell(index), Cell(share), Cell(worker.busyCycles), Cell(worker.idleCycles), Cell(worker.sleeps),
      Cell(worker.bursts), Cell(worker.frames), Cell(each),
    ]
  }
}

extension PortRow {
  fileprivate var counterCells: [Cell] {
    [
      Cell(name), carrierCell, Cell(receivePackets), Cell(receiveBytes), Cell(transmitPackets), Cell(transmitBytes),
    ]
  }

  /// A second each; a counter that went back belongs to a port made anew and counts from zero.
  fileprivate func rateCells(since before: PortRow?, seconds: Double) -> [Cell] {
    func rate(_ now: UInt64, _ earlier: UInt64?, _ factor: Double = 1) -> Cell {
      let difference = now >= (earlier ?? 0) ? now - (earlier ?? 0) : now
      return Cell(UInt64((Double(difference) * factor / max(seconds, 0.001)).rounded()))
    }
    return [
      rate(receivePackets, before?.receivePackets), rate(receiveBytes, before?.receiveBytes, 8),
      rate(transmitPackets, before?.transmitPackets), rate(transmitBytes, before?.transmitBytes, 8),
    ]
  }
}
