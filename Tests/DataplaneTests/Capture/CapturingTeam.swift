import LinuxHost
import Synchronization

@testable import Dataplane

/// Workers of one data plane without loops, whose ports 0 and 1, the ends of a wire, are captured; each is made and driven
/// by whoever tests, on any thread.
///
/// `tools/check-races` has this file too.
final class CapturingTeam: Sendable {
  let marks: BurstMarks
  let recorders: [FlightRecorder]
  let rings: [CaptureRing]
  let records: [PortRecord]
  let interfaces: [CaptureInterface]
  let workers: Int

  init(workers: Int, ringSize: Int, recorderSize: Int = 0) throws(SystemError) {
    self.workers = workers
    marks = BurstMarks(workers: workers)
    recorders = try FlightRecorder.each(of: workers, size: recorderSize)
    rings = try [CaptureRing](workers: workers, size: ringSize)
    let records = (0..<2).map { port in
      PortRecord(
        index: port, name: "\(port)", switchName: nil, kind: .vhostUser, mode: .wire, mtu: 1500, address: nil,
        peer: nil,
        socket: nil, block: CounterBlock(workers: workers))
    }
    self.records = records
    interfaces = records.map { CaptureInterface(id: UInt32($0.index), $0, workers: workers) }
  }

  /// What became of frames at both ports.
  var counts: CaptureCounts { interfaces[0].counts + interfaces[1].counts }

  /// The frame of that number that a worker sends, of some size from 23 bytes on.
  static func frame(_ worker: Int, _ number: Int, size: Int = 60) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    bytes[14] = UInt8(worker)
    for place in 0..<8 { bytes[15 + place] = UInt8(truncatingIfNeeded: number >> (8 * place)) }
    return bytes
  }

  /// Who sent a frame, and its number.
  static func sender(_ bytes: [UInt8]) -> (worker: Int, number: Int) {
    (Int(bytes[14]), (0..<8).reduce(0) { $0 | Int(bytes[15 + $1]) << (8 * $1) })
  }

  /// A reader of all rings that keeps the order, however long a thread may be kept from its processor.
  func reader(clocks: RingMerger.Clocks = .init(), patience: UInt64 = 600_000_000_000) -> RingMerger {
    RingMerger(rings, marks, clocks: clocks, patience: patience)
  }
}

/// One of them.
struct CapturingWorker: ~Copyable {
  private(set) var core: WorkerCore
  let number: Int
  private let team: CapturingTeam
  private var capture = -1

  init(_ number: Int, of team: CapturingTeam) throws {
    self.number = number
    self.team = team
    core = WorkerCore(guardian: CallGuardian(), faults: FaultQueue(bell: try EventDescriptor()), epoll: try Epoll())
    core.state.taps = TapSet(worker: number, marks: team.workers > 1 ? team.marks : nil)
    if !team.recorders.isEmpty { core.state.taps.coldRecord(into: team.recorders[number]) }
    for record in team.records {
      core.coldAddPort(record, .null)
      core.state.ports[record.index].counters = record.block.writer(of: number)
    }
    core.coldConnect(0, 1)
    capture = core.coldStartCapture(team.rings, CaptureConfiguration()) ?? -1
    for interface in team.interfaces { core.coldCapture(capture, Int(interface.id), interface) }
  }

  /// Takes a frame as if port 0's node had sent it; what it leaves in rings is published by `breathe`.
  mutating func send(_ frame: [UInt8]) { core.coldInject(0, frame) }

  mutating func breathe() { _ = core.breathe() }

  mutating func stop() { core.coldStopCapture(capture, .stopped) }

  mutating func uncapture(_ port: Int) { core.coldUncapture(capture, port) }

  /// Sends numbered frames, some in each breath, and ends the capture.
  mutating func sendAll(_ count: Int, size: Int = 60) {
    var number = 0
    while number < count {
      for _ in 0...(number & 3) where number < count {
        send(CapturingTeam.frame(self.number, number, size: size))
        number += 1
      }
      breathe()
    }
    stop()
  }
}
