/// Captures taken in, changed and ended between breaths.
extension WorkerCore {
  /// Takes a capture or punt in; nil if there are too many of both already.
  ///
  /// - Parameter rings: one a worker.
  mutating func coldStartCapture(_ rings: [CaptureRing], _ configuration: CaptureConfiguration) -> Int? {
    var place: Int?
    coldEach {
      place = $0.state.taps.coldStart(rings[$0.state.taps.worker], configuration, portCapacity: $0.state.ports.capacity)
    }
    return place
  }

  mutating func coldStopCapture(_ capture: Int, _ reason: CaptureEnd) {
    guard capture < state.taps.captures.count, state.taps.captures[capture].isUsed else { return }
    for port in 0..<state.ports.limit where state.ports[port].taps & 1 << UInt64(capture) != 0 {
      state.ports[port].taps &= ~(1 << UInt64(capture))
      state.ports.coldNote(port)
    }
    // All that there is of any worker, before a port or the whole is said to have ended.
    coldEach { $0.state.taps.publish() }
    coldEach { $0.state.taps.coldStop(capture, reason) }
    coldFindNeededDepths()
  }

  /// Replaces a filter; returns how often it was changed.
  mutating func coldSetFilter(_ capture: Int, _ program: FilterProgram?) -> UInt16 {
    var number: UInt16 = 0
    coldEach { number = $0.state.taps.coldSetFilter(capture, program) }
    coldFindNeededDepths()
    return number
  }

  mutating func coldCapture(_ capture: Int, _ port: Int, _ interface: CaptureInterface) {
    coldEach { $0.state.taps.coldAdd(port, to: capture, interface) }
    state.ports[port].taps |= 1 << UInt64(capture)
    state.ports.coldNote(port)
    coldFindNeededDepth(port)
  }

  /// Takes a port out of a capture, which ends if it was the last and the capture is one that does.
  mutating func coldUncapture(_ capture: Int, _ port: Int) {
    state.ports[port].taps &= ~(1 << UInt64(capture))
    state.ports.coldNote(port)
    coldFindNeededDepth(port)
    coldEach { $0.state.taps.publish() }
    var isLast = false
    coldEach { isLast = $0.state.taps.coldRemove(port, from: capture) }
    if isLast { coldStopCapture(capture, .portsRemoved) }
  }

  /// Finds anew how deep frames must be seen; see `WorkerState+Depth`.
  private mutating func coldFindNeededDepth(_ port: Int) {
    let before = state.ports[port].neededDepth
    state.coldFindNeededDepth(port)
    if state.ports[port].neededDepth != before { state.ports.coldNote(port) }
  }

  private mutating func coldFindNeededDepths() {
    for port in 0..<state.ports.limit { coldFindNeededDepth(port) }
  }

  /// Takes a port out of all captures.
  mutating func coldUncapture(_ port: Int) {
    while state.ports[port].taps != 0 { coldUncapture(state.ports[port].taps.trailingZeroBitCount, port) }
  }
}
