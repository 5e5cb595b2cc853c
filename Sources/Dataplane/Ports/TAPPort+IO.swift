import Frames
import Glibc
internal import LinuxHost

/// A TAP as a port: one system call a frame.
extension TAPPort: WorkerPort {
  static var carrierNews: CarrierNews { .kernel }
  var mayHaveFrames: Bool { isReadable }
  var isThere: Bool { isOpen && isInterfaceUp }
  var takesPartialChecksums: Bool { hasHeader }
  var coldRefusal: EgressDrop? { isThere ? nil : .carrierDown }

  @inline(never)
  mutating func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int
  ) -> RingFault? {
    let prefix = hasHeader ? DescriptorHeader.size : 0
    while burst.count < limit {
      let size = pool.read(raw, for: burst)
      guard size > 0 else {
        isReadable = false
        return nil
      }
      guard size >= prefix else { continue }
      var frame = pool.frame(size: size, prefix: prefix, in: burst)
      if hasHeader { judge(pool.header(for: burst), &frame) }
      burst.frames[burst.count] = frame
      burst.fillScratch(burst.count, &burst.frames[burst.count])
      burst.count += 1
      if size > ReceivePool.slotSize { return nil }
    }
    return nil
  }

  /// Takes over what the virtio-net header says: flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2, csum_offset 2.
  private func judge(_ header: DescriptorHeader, _ frame: inout Frame) {
    guard header.first & 1 != 0 else { return }
    frame.checksumStart = UInt16(truncatingIfNeeded: header.first >> 48)
    frame.checksumOffset = UInt16(truncatingIfNeeded: header.second)
    let end = Int(frame.checksumStart) + Int(frame.checksumOffset) + 2
    let isInside = end <= frame.size && end <= Burst.scratchSlotSize
    frame.flags.insert(isInside ? .needsChecksum : .headerInvalid)
  }

  @inline(never)
  func transmit(
    _ pending: borrowing FixedArray<PendingFrame>, from start: Int, count: Int, burst: borrowing Burst,
    notes: borrowing ScatterNotes, mtu: Int
  ) -> TransmitOutcome {
    guard isOpen else { return TransmitOutcome(withoutCarrier: pending, from: start, count: count) }
    var outcome = TransmitOutcome()
    for position in start..<(start + count) {
      let item = pending[position]
      let frame = burst.frames[Int(item.frame)]
      let size = frame.size + item.edit.growth
      guard size <= mtu + Ethernet.headerSize + burst.tagAllowance(Int(item.frame), item.edit) else {
        outcome.tooBig += 1
        pending[position].verdict = FrameDrop(.tooBig).rawValue
        continue
      }
      switch write(Int(item.frame), frame, item.edit, burst: burst) {
      case 0:
        outcome.packets += 1
        outcome.bytes += size
      case EFAULT:
        outcome.senderFaults += 1
        pending[position].verdict = FrameDrop(.guestFault).rawValue
      case EINVAL, EMSGSIZE:
        outcome.tooBig += 1
        pending[position].verdict = FrameDrop(.tooBig).rawValue
      case EIO, EBADFD:
        // The interface is down or gone, and the word of it is still on its way.
        outcome.withoutCarrier += 1
        pending[position].verdict = FrameDrop(.carrierDown).rawValue
      default:
        outcome.busy += 1
        pending[position].verdict = FrameDrop(.tapBusy).rawValue
      }
    }
    return outcome
  }

  /// Writes one frame; returns 0 or the error's number.
  private func write(_ index: Int, _ frame: Frame, _ edit: TagEdit, burst: borrowing Burst) -> Int32 {
    let handsOver = frame.needsChecksum && hasHeader
    var header = DescriptorHeader()
    if handsOver {
      header.first = 1 | UInt64(truncatingIfNeeded: Int(frame.checksumStart) + edit.growth) << 48
      header.second = UInt32(truncatingIfNeeded: frame.checksumOffset)
    }
    return burst.write(
      index, frame, edit, completeChecksum: frame.needsChecksum && !handsOver, header: hasHeader ? header : nil, to: raw
    )
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
  }
}
