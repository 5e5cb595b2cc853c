import VhostUser

// Of the benchmark's build of the data plane alone, beside DrivenWorker.

/// Workers at one switch, each of which a thread of the benchmark has breathe; ports are added before any does.
package final class DrivenTeam: @unchecked Sendable {
  private var worker: DrivenWorker

  /// - Throws: `NotInThisBuild` for more workers than it can drive.
  package init(workers: Int) throws {
    guard workers == 1 else { throw NotInThisBuild("\(workers) driven workers asked for; this build drives exactly 1") }
    worker = try DrivenWorker()
  }

  /// Adds a port of VLAN 1 whose queues a worker serves; returns its number.
  package func addPort(servedBy number: Int, memory: [MemoryRegionRequest], rings: [RingStart]) throws -> Int {
    let port = worker.addPort(.access(vlan: 1))
    try worker.start(port: port, pairs: 1, memory: memory, rings: rings)
    return port
  }

  /// One breath of a worker, by one thread at a time; returns the frames taken.
  package func breathe(_ number: Int) -> Int { worker.breathe() }

  /// Frames that went to a port's guest.
  package func transmitted(port: Int) -> UInt64 { worker.counts(port: port).transmitted }

  /// Faults since the last call.
  package func takeFaults() -> [String] { worker.takeFaults() }
}

/// What this build cannot do.
package struct NotInThisBuild: Error, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
