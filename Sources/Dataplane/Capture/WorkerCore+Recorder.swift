/// The flight recorder's part in a breath; see `FlightRecorder`.
///
/// A frame is recorded once, where it comes in. Frames of a conversation are recorded together; others one by one, and
/// what is found out about them is added to their records until the burst ends.
extension WorkerCore {
  /// Begins to record a burst, whose frames are numbered as their records: so captures and recordings have the same
  /// number for a frame, and no record has to hold it.
  @inline(never)
  mutating func beginRecording(_ port: Int) {
    packetBase = recorder.position &+ 1
    let time = burstTime()
    recorder.begin(port: port, time: time)
    // Nobody will judge these before they are sent on, or at all.
    if !ports[port].isUp || ports[port].ingressLine >= 0 {
      recorder.record(burst, from: 0, count: burst.count, output: -1)
    }
  }

  /// Notes what kept a port's pending frames from their node.
  @inline(never)
  mutating func recordUndelivered(_ port: Int, count: Int) {
    guard recorder.isRecording else { return }
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      if item.verdict != 0 { recorder.mark(Int(item.frame), FrameDrop(rawValue: item.verdict)) }
    }
  }
}
