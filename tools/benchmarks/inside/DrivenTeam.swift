import VhostUser

// Of the benchmark's build of the data plane alone, beside DrivenWorker.

/// Workers at one switch, each of which a thread of the benchmark has breathe; ports are added before any does.
package final class DrivenTeam: @unchecked Sendable {
  private var worker: DrivenWorker

  private let others: [@Sendable () -> Int]

  package init(workers: Int) throws {
    let worker = try DrivenWorker(workers: workers)
    others = (1..<max(workers, 1)).map { worker.breathing($0) }
    self.worker = worker
  }

  /// Adds a port of VLAN 1 whose queue a worker serves; returns its number.
  package func addPort(servedBy number: Int, memory: [MemoryRegionRequest], rings: [RingStart]) throws -> Int {
    worker.beginAlone()
    defer { worker.endAlone() }
    let port = worker.addPort(.access(vlan: 1))
    try worker.start(port: port, memory: memory, rings: rings)
    worker.move(port: port, to: number)
    return port
  }

  /// One breath of a worker, by one thread at a time; returns the frames taken.
  package func breathe(_ number: Int) -> Int { number == 0 ? worker.breathe() : others[number - 1]() }

  /// Frames that went to a port's guest.
  package func transmitted(port: Int) -> UInt64 { worker.counts(port: port).transmitted }

  /// Faults since the last call.
  package func takeFaults() -> [String] { worker.takeFaults() }
}
