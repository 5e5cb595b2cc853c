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
  ///   - size: of the terminal that it is for; nil = everything. Ports that it has no room for are only counted.
  package func description(
    since before: StatsRow? = nil, seconds: Double = 1, size: (rows: Int, columns: Int)? = nil
  ) -> [String] {
    let work = Table(columns: Self.workerColumns, rows: workers.enumerated().map { Self.cells($0.offset, $0.element) })
    var columns = Self.portColumns
    if before != nil { columns += Self.rateColumns }
    let ports = Traffic(self, since: before, seconds: seconds).ports
    let traffic = Table(
      columns: columns + [Column("DROPS", rank: before == nil ? 0 : 2)],
      rows: ports.map { $0.row.counterCells + ($0.rates?.cells ?? []) + [Cell($0.row.dropText)] })
    let lines = work.lines(within: size?.columns) + [""] + traffic.lines(within: size?.columns)
    guard let size, lines.count > size.rows else { return lines }
    let shown = max(1, size.rows - 1)
    return lines.prefix(shown) + ["... \(Figure.count(lines.count - shown, "more port", "more ports"))"]
  }

  private static let workerColumns = [
    Column("WORKER", .right), Column("BUSY", .right), Column("BUSY-CYCLES", .right, rank: 2),
    Column("IDLE-CYCLES", .right, rank: 3), Column("SLEEPS", .right, rank: 1), Column("BURSTS", .right, rank: 1),
    Column("FRAMES", .right), Column("CYCLES/FRAME", .right),
  ]
  private static let portColumns = [
    Column("PORT"), Column("CARRIER", rank: 1), Column("RX-PACKETS", .right, rank: 3),
    Column("RX-BYTES", .right, rank: 4),
    Column("TX-PACKETS", .right, rank: 3), Column("TX-BYTES", .right, rank: 4),
  ]
  private static let rateColumns = [
    Column("RX-PPS", .right), Column("RX-BIT/S", .right), Column("TX-PPS", .right), Column("TX-BIT/S", .right),
    Column("DROPS/S", .right),
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
}

extension Traffic.Rates {
  fileprivate var cells: [Cell] {
    [receivePackets, receiveBits, transmitPackets, transmitBits, drops].map { Cell(UInt64($0.rounded())) }
  }
}
