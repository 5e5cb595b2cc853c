import Frames
import Glibc
internal import LinuxHost

/// A TAP as a port: one system call a frame.
extension TAPPort: WorkerPort {
  static var carrierNews: CarrierNews { .kernel }
  var hasFrames: Bool { isReadable }
  func mayHaveFrames(among queues: UInt16) -> Bool { queues & 1 != 0 && hasFrames }
  var isThere: Bool { isOpen && word.isUp }
  var coldRefusal: EgressDrop? { isThere ? nil : .carrierDown }

  func egressTraits(mtu: Int) -> EgressTraits {
    // A system call a frame, in which the receiver's kernel may run its part.
    EgressTraits(mtu: mtu, takesPartialChecksums: hasHeader, takesLarge: takesLarge, frameWork: 4)
  }

  @inline(never)
  mutating func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault? {
    let prefix = hasHeader ? DescriptorHeader.size : 0
    while burst.count < limit {
      let size = pool.read(raw, for: burst)
      guard size > 0 else {
        isReadable = false
        break
      }
      guard size >= prefix else { continue }
      var frame = pool.frame(size: size, prefix: prefix, in: burst)
      // Of any kind: frames that the kernel queued before the last TUNSETOFFLOAD keep their form.
      if hasHeader { frame.judge(pool.header(for: burst).offload, allowsPartial: true, .all) }
      let index = burst.count
      burst.frames[index] = frame
      burst.fillScratch(index, &burst.frames[index])
      burst.judgeLarge(index, &burst.frames[index])
      burst.count += 1
      if size > ReceivePool.slotSize { break }
    }
    burst.extendScratch(to: depth)
    return nil
  }

  @inline(never)
  func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    guard isOpen else { return .nobodyThere(delivery) }
    var outcome = TransmitOutcome()
    for position in 0..<delivery.count {
      var leaving = delivery.frames(at: position, after: outcome)
      while let frame = leaving.next(of: burst) {
        if let reason = frame.refusal ?? write(frame, of: burst, notes) {
          outcome.drop(position, reason, of: delivery, leaving)
          break
        }
        outcome.count(frame)
      }
    }
    return outcome
  }

  /// Writes one frame; returns why it could not be.
  private func write(_ frame: LeavingFrame, of burst: borrowing Burst, _ notes: borrowing ScatterNotes) -> EgressDrop? {
    switch frame.write(behind: hasHeader ? DescriptorHeader(frame.header) : nil, to: raw, of: burst, notes) {
    case 0: return nil
    case EFAULT: return .guestFault
    case EINVAL, EMSGSIZE: return .tooBig
    // The interface is down or gone, and the word of it is still on its way.
    case EIO, EBADFD: return .carrierDown
    default: return .tapBusy
    }
  }

  func arm(_ queues: UInt16, longest: Int64) -> Int64 { longest }
  func disarm(_ queues: UInt16) {}

  /// Also a failure is read, so that it is found.
  mutating func handle(_ event: PortEvent) { isReadable = isOpen }

  var queues: UInt16 { isOpen ? 1 : 0 }

  mutating func watch(_ queue: Int, port: Int, _ epoll: Epoll) {
    guard isOpen else { return }
    _ = epoll.watches(raw, EventToken(port: port))
    isReadable = true
  }

  mutating func unwatch(_ queue: Int, _ epoll: Epoll) {
    if isOpen { epoll.remove(raw) }
  }

  mutating func close(_ epoll: Epoll) {
    if isOpen { epoll.remove(raw) }
    raw = -1
    descriptor = nil
    word.isUp = false
    isReadable = false
    hasHeader = false
    takesLarge = []
  }
}
