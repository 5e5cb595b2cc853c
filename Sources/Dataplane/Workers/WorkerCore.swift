internal import LinuxHost

/// All that a worker owns: what it works on, and the switches that say where frames go.
///
/// Touched by its thread only. It is the one who knows both: the turns of a burst (`WorkerCore+Breath`), frames that lines
/// let go (`+Release`), and what the control side and the reactor have it do between breaths (`+Ports`, `+Rings`,
/// `+Carriers`, `+Captures`, `+Send`). Where there are several workers, the first one has what all others share of settings,
/// and changes it while they stand still (`+Team`).
///
/// The hot path is `breathe` and what it calls; cold parts are functions whose names begin with `cold`, which
/// tools/check-hot-path knows.
struct WorkerCore: ~Copyable {
  var state: WorkerState
  var forwarder = Forwarder()
  /// All workers, if there are several; kept by whoever runs their threads.
  var team: Held<WorkerTeam>?
  /// No frame moves: commands are run and nothing else, while ports are handed over; see `WorkerCore+HandOver`.
  var isHalted = false
  /// Its loop has come to know that; of the first worker it is never said, which does nothing else while it halts all.
  var hasHalted = false
  /// Faults of mapped memory that the first worker was told of, by one that is not.
  var toldFaults: UInt32 = 0

  /// - Parameters:
  ///   - shared: what all workers have in common.
  ///   - worker: its number.
  init(
    guardian: CallGuardian, faults: FaultQueue, epoll: Epoll, shared: SharedWork = SharedWork(), worker: Int = 0
  ) {
    state = WorkerState(
      ports: PortSet(guardian: guardian, faults: faults, epoll: epoll, shared: shared.ports, worker: worker),
      shared)
  }

  /// Makes room for port numbers below `capacity`.
  mutating func coldReservePorts(_ capacity: Int) {
    coldEach { core in
      core.state.coldReservePorts(capacity)
      core.forwarder.coldReservePorts(core.state.ports.capacity)
    }
  }
}
