internal import LinuxHost

/// What the workers of a data plane share of what they work on, beside switches; each has a `WorkerState` of its own over it.
struct SharedWork: Sendable {
  let ports: SharedPorts
  /// Lines that hold frames of impaired ports.
  let lines: SharedLines
  /// Rules of ports.
  let rules = SharedRules()
  /// What workers say of their bursts to who puts what they capture in order; nil where there is one.
  let marks: BurstMarks?

  /// - Parameter bell: wakes the first worker; for nothing where it is the only one.
  init(workerCount: Int = 1, bell: EventDescriptor? = nil, marks: BurstMarks? = nil) {
    ports = SharedPorts(workerCount: workerCount)
    lines = SharedLines(bell: workerCount > 1 ? bell : nil)
    self.marks = marks
  }
}
