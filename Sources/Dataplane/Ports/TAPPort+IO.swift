import Frames
import Glibc
internal import LinuxHost

/// A TAP as a port: one system call a frame.
extension TAPPort: WorkerPort {
  static var carrierNews: CarrierNews { .kernel }
  var mayHaveFrames: Bool { isReadable }
  var isThere: Bool { isOpen && isInterfaceUp }
  var coldRefusal: EgressDrop? { isThere ? nil : .carrierDown }

  func egressTraits(mtu: Int) -> EgressTraits { EgressTraits(mtu: mtu, takesPartialChecksums: hasHeader) }

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
      if hasHeader { judge(pool.header(for: burst), &frame) }
      burst.frames[burst.count] = frame
      burst.fillScratch(burst.count, &burst.frames[burst.count])
      burst.count += 1
      if size > ReceivePool.slotSize { break }
    }
    burst.extendScratch(to: depth)
    return nil
  }

  /// Takes over what the virtio-net header says: flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2, csum_offset 2.
  private func judge(_ header: DescriptorHeader, _ frame: inout Frame) {
    guard header.first & 1 != 0 else { return }
    frame.checksumStart = UInt16(truncatingIfNeeded: header.first >> 48)
    frame.checksumOffset = UInt16(truncatingIfNeeded: header.second)
    let end = Int(frame.checksumStart) + Int(frame.checksumOffset) + 2
    // A node may write headers itself (AF_PACKET): its addresses, which were judged, must not be changed in the copy.
    let isInside =
      end <= frame.size && end <= Burst.scratchSlotSize && Int(frame.checksumStart) >= Ethernet.headerSize
    frame.flags.insert(isInside ? .needsChecksum : .headerInvalid)
  }

  @inline(never)
  func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    guard isOpen else { return delivery.dropAll() }
    var outcome = TransmitOutcome()
    for position in 0..<delivery.count {
      var leaving = delivery.frames(at: position)
      while let frame = leaving.next(of: burst) {
        if let reason = write(frame, of: burst) {
          delivery.drop(position, reason)
        } else {
          outcome.count(frame)
        }
      }
    }
    return outcome
  }

  /// Writes one frame; returns why it could not be.
  private func write(_ frame: LeavingFrame, of burst: borrowing Burst) -> EgressDrop? {
    guard frame.fits else { return .tooBig }
    let header = DescriptorHeader(first: frame.header.word, second: UInt32(frame.header.checksumOffset))
    switch frame.write(behind: hasHeader ? header : nil, to: raw, of: burst) {
    case 0: return nil
    case EFAULT: return .guestFault
    case EINVAL, EMSGSIZE: return .tooBig
    // The interface is down or gone, and the word of it is still on its way.
    case EIO, EBADFD: return .carrierDown
    default: return .tapBusy
    }
  }

  func arm(longest: Int64) -> Int64 { longest }
  func disarm() {}

  /// Also a failure is read, so that it is found.
  mutating func handle(_ event: PortEvent) { isReadable = isOpen }

  mutating func close(_ epoll: Epoll) {
    if isOpen { epoll.remove(raw) }
    raw = -1
    descriptor = nil
    isInterfaceUp = false
    isReadable = false
    hasHeader = false
    takesLarge = []
  }
}
