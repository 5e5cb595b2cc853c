import Dataplane

/// What `stats` tells.
package struct StatsRow: Codable, Sendable, Equatable {
  /// A worker's account of its time since the lab came up.
  package struct Worker: Codable, Sendable, Equatable {
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
  }

  package var workers: [Worker]
  package var ports: [PortRow]

  init(workers: [WorkerStatus], ports: [PortStatus]) {
    self.workers = workers.map { Worker($0) }
    self.ports = ports.map { PortRow($0, isDetailed: false) }
  }
}
