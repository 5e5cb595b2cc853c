import Frames

/// Wires: what comes in at one end leaves at the other as it is.
extension Forwarder {
  /// Passes the burst of a wire's end on; returns its bytes.
  @inline(never)
  mutating func forwardBurstWire(from ingress: Int, _ state: inout WorkerState) -> Int {
    let (count, peer) = (state.burst.count, state.ports[ingress].peer)
    if state.taps.recorder.isRecording {
      state.taps.recorder.record(state.burst, from: 0, count: count, output: peer)
    }
    let theirs = peer >= 0 ? state.ports[peer].ruleUse : []
    if state.ports[ingress].ruleUse.judgesArrivals || theirs.contains(.departures) {
      return forwardBurstRuledWire(from: ingress, &state)
    }
    var (index, bytes) = (0, 0)
    while index < count {
      if peer >= 0 {
        let run = state.enqueueAll(to: peer, from: index)
        bytes &+= run.bytes
        index &+= run.frames
        guard index < count else { break }
      }
      bytes &+= state.burst.frames[index].size
      forwardWire(index, from: ingress, &state)
      index &+= 1
    }
    return bytes
  }

  mutating func forwardWire(_ index: Int, from ingress: Int, _ state: inout WorkerState) {
    let size = state.burst.frames[index].size
    let peer = state.ports[ingress].peer
    guard size >= Ethernet.headerSize else { return state.refuse(index, at: ingress, .runt) }
    guard !state.burst.frames[index].isHeaderInvalid else { return state.refuse(index, at: ingress, .headerInvalid) }
    guard peer >= 0 else { return state.refuse(index, at: ingress, .portDown) }
    state.enqueue(index, to: peer, .keep)
  }
}
