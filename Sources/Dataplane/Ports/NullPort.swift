internal import LinuxHost

/// A port with nothing behind it, for tests and benchmarks.
///
/// It takes every frame that fits, counts it as sent, and forgets it; it never has a frame, is always there, and has no body.
struct NullPort: WorkerPort {
  static var carrierNews: CarrierNews { .nobody }
  var isThere: Bool { true }
  var coldRefusal: EgressDrop? { nil }

  func egressTraits(mtu: Int) -> EgressTraits { EgressTraits(mtu: mtu, takesPartialChecksums: true, takesLarge: .all) }

  func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault? { nil }

  func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    var outcome = TransmitOutcome()
    for position in 0..<delivery.count {
      var leaving = delivery.frames(at: position, after: outcome)
      while let frame = leaving.next(of: burst) {
        if let reason = frame.refusal {
          outcome.drop(position, reason, of: delivery, leaving)
          break
        }
        outcome.count(frame)
      }
    }
    return outcome
  }

  func mayHaveFrames(among queues: UInt16) -> Bool { false }
  func arm(_ queues: UInt16, longest: Int64) -> Int64 { longest }
  func disarm(_ queues: UInt16) {}
  func handle(_ event: PortEvent) {}
  var queues: UInt16 { 0 }
  func watch(_ queue: Int, port: Int, _ epoll: Epoll) {}
  func unwatch(_ queue: Int, _ epoll: Epoll) {}
  func close(_ epoll: Epoll) {}
}
