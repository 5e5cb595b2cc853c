import Dataplane
import Topology

/// A row of `worker list`: a thread that moves frames, and what it did in the last whole second.
package struct WorkerRow: Described, Equatable {
  package var worker: Int
  /// The processor that it is pinned to; nil = it is not.
  package var cpu: Int?
  /// Share of the second in which it moved frames, 0 to 1; nil before the first.
  package var busy: Double?
  /// Frames that it received; nil before the first second.
  package var framesPerSecond: Int?
  /// Ports of which it serves a queue.
  package var ports: [String]

  enum CodingKeys: String, CodingKey {
    case worker, cpu, busy
    case framesPerSecond = "frames_per_second"
    case ports
  }

  init(_ status: WorkerStatus) {
    (worker, cpu, ports) = (status.index, status.cpu, status.ports)
    busy = status.recentBusy.map { (min(max($0, 0), 1) * 1000).rounded() / 1000 }
    framesPerSecond = status.recentFrames.flatMap { Int(exactly: $0.rounded()) }
  }

  /// Every key is always there; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(worker, forKey: .worker)
    try row.encode(cpu, forKey: .cpu)
    try row.encode(busy, forKey: .busy)
    try row.encode(framesPerSecond, forKey: .framesPerSecond)
    try row.encode(ports, forKey: .ports)
  }

  package static let shape = Shape.object(
    "WorkerLoad", "A row of `worker list`: a thread that moves frames, and what it did in the last whole second.",
    [
      Field("worker", .count, "Its number, from 0."),
      Field("cpu", .nullable(.integer(Limits.processors)), "The processor that it is pinned to; null if to none."),
      Field("busy", .nullable(.numbers(0...1)), "Share of the second in which it moved frames; null before the first."),
      Field("frames_per_second", .nullable(.count), "Frames that it received; null before the first second."),
      Field("ports", .list(.text), "Ports of which it serves a queue, now."),
    ])
}

extension WorkerRow: Listing {
  package static let columns = [
    Column("WORKER", .right), Column("CPU", .right), Column("BUSY", .right), Column("FRAMES/S", .right),
    Column("PORTS", .prose),
  ]

  package var cells: [Cell] {
    [
      Cell(worker), Cell(cpu.map { String($0) }), Cell(busy.map { "\(Int(($0 * 100).rounded()))%" }),
      Cell(framesPerSecond.map { String($0) }), Cell(ports.joined(separator: " ")),
    ]
  }
}
