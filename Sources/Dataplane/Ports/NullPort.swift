import Frames
internal import LinuxHost

/// A port with nothing behind it, for tests and benchmarks.
///
/// It takes every frame that fits, counts it as sent, and forgets it; it never has a frame, is always there, and has no body.
struct NullPort: WorkerPort {
  static var carrierNews: CarrierNews { .nobody }
  var mayHaveFrames: Bool { false }
  var isThere: Bool { true }
  var takesPartialChecksums: Bool { true }
  var coldRefusal: EgressDrop? { nil }

  func receive(queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int) -> RingFault? { nil }

  func transmit(
    _ pending: borrowing FixedArray<PendingFrame>, from start: Int, count: Int, burst: borrowing Burst,
    notes: borrowing ScatterNotes, mtu: Int
  ) -> TransmitOutcome {
    var outcome = TransmitOutcome()
    for position in start..<(start + count) {
      let item = pending[position]
      let size = burst.frames[Int(item.frame)].size + item.edit.growth
      if size <= mtu + Ethernet.headerSize + burst.tagAllowance(Int(item.frame), item.edit) {
        outcome.packets += 1
        outcome.bytes += size
      } else {
        outcome.tooBig += 1
        pending[position].verdict = FrameDrop(.tooBig).rawValue
      }
    }
    return outcome
  }

  func arm(longest: Int64) -> Int64 { longest }
  func disarm() {}
  func handle(_ event: PortEvent) {}
  func close(_ epoll: Epoll) {}
}
