/// Captures taken in, changed and ended between breaths.
extension WorkerCore {
  /// Takes a capture or punt in; nil if there are too many of both already.
  ///
  /// - Parameter rings: one a worker.
  mutating func coldStartCapture(_ rings: [CaptureRing], _ configuration: CaptureConfiguration) -> Int? {
    state.taps.coldStart(rings[state.taps.worker], configuration, portCapacity: state.ports.capacity)
  }

  mutating func coldStopCapture(_ capture: Int, _ reason: CaptureEnd) {
    guard capture < state.taps.captures.count, state.taps.captures[capture].isUsed else { return }
    for port in 0..<state.ports.limit { state.ports[port].taps &= ~(1 << UInt64(capture)) }
    state.taps.coldStop(capture, reason)
    state.coldFindNeededDepths()
  }

  /// Replaces a filter; returns how often it was changed.
  mutating func coldSetFilter(_ capture: Int, _ program: FilterProgram?) -> UInt16 {
    let number = state.taps.coldSetFilter(capture, program)
    state.coldFindNeededDepths()
    return number
  }

  mutating func coldCapture(_ capture: Int, _ port: Int, _ interface: CaptureInterface) {
    state.taps.coldAdd(port, to: capture, interface)
    state.ports[port].taps |= 1 << UInt64(capture)
    state.coldFindNeededDepth(port)
  }

  /// Takes a port out of a capture, which ends if it was the last and the capture is one that does.
  mutating func coldUncapture(_ capture: Int, _ port: Int) {
    state.ports[port].taps &= ~(1 << UInt64(capture))
    state.coldFindNeededDepth(port)
    if state.taps.coldRemove(port, from: capture) { coldStopCapture(capture, .portsRemoved) }
  }

  /// Takes a port out of all captures.
  mutating func coldUncapture(_ port: Int) {
    while state.ports[port].taps != 0 { coldUncapture(state.ports[port].taps.trailingZeroBitCount, port) }
  }
}
