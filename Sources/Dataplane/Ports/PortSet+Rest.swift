import CLinux

/// Ports at rest, where there are many; see `ActivePorts`.
extension PortSet {
  /// A port has been silent for long: from now on its node kicks, and it is looked at now and then.
  ///
  /// One whose node wakes nobody, since it has no kick, never is.
  @inline(never)
  mutating func coldRest(_ port: Int) {
    self[port].quietBreaths = 0
    guard coldArm(port, longest: .max) == .max else { return coldDisarm(port) }
    // As before the worker sleeps: the wish for kicks must be visible before the port is looked at once more.
    clinux_fence()
    guard !coldMayHaveFrames(port) else { return coldDisarm(port) }
    active.remove(port)
  }

  /// A port has something, or may have.
  @inline(never)
  mutating func coldWake(_ port: Int) {
    guard isCrowded, !active.contains(port) else { return }
    self[port].quietBreaths = 0
    coldDisarm(port)
    active.insert(port)
  }

  /// All ports are looked at in each breath until they are silent again.
  mutating func coldWakeAll() {
    for port in 0..<limit where !active.contains(port) { coldDisarm(port) }
    active.insertAll()
  }
}
