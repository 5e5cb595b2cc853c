internal import LinuxHost

/// All that a worker owns: what it works on, and the switches that say where frames go.
///
/// Touched by its thread only. It is the one who knows both: the turns of a burst (`WorkerCore+Breath`), frames that lines
/// let go (`+Release`), and what the control side and the reactor have it do between breaths (`+Ports`, `+Rings`,
/// `+Carriers`, `+Captures`, `+Send`).
///
/// The hot path is `breathe` and what it calls; cold parts are functions whose names begin with `cold`, which
/// tools/check-hot-path knows.
struct WorkerCore: ~Copyable {
  var state: WorkerState
  var forwarder = Forwarder()

  init(guardian: CallGuardian, faults: FaultQueue, epoll: Epoll) {
    state = WorkerState(ports: PortSet(guardian: guardian, faults: faults, epoll: epoll))
  }

  /// Makes room for port numbers below `capacity`.
  mutating func coldReservePorts(_ capacity: Int) {
    state.coldReservePorts(capacity)
    forwarder.coldReservePorts(state.ports.capacity)
  }
}
