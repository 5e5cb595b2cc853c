import Frames
import Glibc

/// Buffers that frames from TAPs are read into, one set a worker.
///
/// Unsafe code. Invariants: `slots` holds `Burst.capacity` slots of `slotSize` bytes and `overflow` the rest of the
/// largest frame; both live as long as the pool and are free again at the next burst.
@safe
struct TAPPool: ~Copyable {
  /// Header and a frame of the usual MTU fit into one slot.
  static let slotSize = 2048
  static let headerSize = 12
  fileprivate let slots: UnsafeMutableRawPointer
  fileprivate let overflow: UnsafeMutableRawPointer

  init() {
    unsafe slots = .allocate(byteCount: Burst.capacity * Self.slotSize, alignment: 64)
    unsafe overflow = .allocate(byteCount: Ethernet.maximumFrameSize + 64, alignment: 64)
  }

  deinit {
    unsafe slots.deallocate()
    unsafe overflow.deallocate()
  }

  /// Puts a frame made by this program into an empty burst; longer ones than the largest frame are cut.
  func note(_ bytes: [UInt8], in burst: borrowing Burst) {
    let size = min(bytes.count, Ethernet.maximumFrameSize)
    let inSlot = min(size, Self.slotSize)
    unsafe bytes.withUnsafeBytes { source in
      // SAFETY: `size` bytes are there; the slot and the overflow together hold the largest frame.
      guard let base = source.baseAddress else { return }
      unsafe slots.copyMemory(from: base, byteCount: inSlot)
      if size > inSlot { unsafe overflow.copyMemory(from: base + inSlot, byteCount: size - inSlot) }
    }
    burst.frames[0] = unsafe Frame(source: UnsafeRawPointer(slots), sourceSize: inSlot, size: size)
    if size > inSlot {
      unsafe burst.segments[0] = Segment(base: slots, size: inSlot)
      unsafe burst.segments[1] = Segment(base: overflow, size: size - inSlot)
      burst.frames[0].segmentCount = 2
      burst.segmentCount = 2
    }
    burst.fillScratch(0, &burst.frames[0])
    burst.count = 1
  }
}

/// Reading from and writing to a TAP: one system call a frame, straight from the sender's memory.
///
/// Unsafe code. Invariants: an `iovec` names only memory of the pool, of scratch, or pieces that a ring translated in
/// this breath. A piece that the kernel cannot read (EFAULT) is its sender's loss.
extension TAPPort {
  /// Pieces of one write at most: the header, the checked prefix, and the sender's rest.
  private static let pieceLimit = 64

  /// Reads up to `limit` frames into the burst.
  @inline(never)
  mutating func receive(into burst: borrowing Burst, pool: borrowing TAPPool, limit: Int) {
    let prefix = hasHeader ? TAPPool.headerSize : 0
    while burst.count < limit {
      let slot = unsafe pool.slots + burst.count * TAPPool.slotSize
      var pieces = unsafe (
        iovec(iov_base: slot, iov_len: TAPPool.slotSize),
        iovec(iov_base: pool.overflow, iov_len: Ethernet.maximumFrameSize)
      )
      // SAFETY: both pieces lie in the pool; the tuple is laid out as an array of two.
      let size = unsafe withUnsafePointer(to: &pieces) { pointer in
        unsafe pointer.withMemoryRebound(to: iovec.self, capacity: 2) { unsafe readv(raw, $0, 2) }
      }
      guard size > 0 else {
        isReadable = false
        return
      }
      guard size >= prefix else { continue }
      unsafe note(slot: slot, size: size, prefix: prefix, pool: pool, in: burst)
      // The overflow holds the rest of one frame only.
      if size > TAPPool.slotSize { return }
    }
  }

  @unsafe
  private func note(
    slot: UnsafeMutableRawPointer, size: Int, prefix: Int, pool: borrowing TAPPool, in burst: borrowing Burst
  ) {
    let inSlot = min(size, TAPPool.slotSize)
    var frame = unsafe Frame(
      source: UnsafeRawPointer(slot + prefix), sourceSize: inSlot - prefix, size: size - prefix)
    if size - prefix > Ethernet.maximumFrameSize { frame.flags.insert(.headerInvalid) }
    if size > inSlot {
      // SAFETY: both pieces were filled by the read.
      unsafe burst.segments[burst.segmentCount] = Segment(base: slot + prefix, size: inSlot - prefix)
      unsafe burst.segments[burst.segmentCount + 1] = Segment(base: pool.overflow, size: size - inSlot)
      frame.segmentStart = burst.segmentCount
      frame.segmentCount = 2
      burst.segmentCount += 2
    }
    if hasHeader {
      // SAFETY: twelve bytes of header were read: flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2, csum_offset 2.
      let word = unsafe slot.loadUnaligned(as: UInt64.self)
      let offset = unsafe slot.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
      if word & 1 != 0 {
        frame.checksumStart = UInt16(truncatingIfNeeded: word >> 48)
        frame.checksumOffset = offset
        let end = Int(frame.checksumStart) + Int(offset) + 2
        let isInside = end <= frame.size && end <= Burst.scratchSlotSize
        frame.flags.insert(isInside ? .needsChecksum : .headerInvalid)
      }
    }
    burst.frames[burst.count] = frame
    burst.fillScratch(burst.count, &burst.frames[burst.count])
    burst.count += 1
  }

  /// Writes the pending frames, in order.
  @inline(never)
  func transmit(
    _ pending: borrowing FixedArray<PendingFrame>, from start: Int, count: Int, burst: borrowing Burst, mtu: Int
  ) -> TransmitOutcome {
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
    let prefix = unsafe burst.outgoingPrefix(index, frame, edit, completeChecksum: frame.needsChecksum && !handsOver)
    var header: (UInt64, UInt32) = (0, 0)
    if handsOver {
      header.0 = 1 | UInt64(truncatingIfNeeded: Int(frame.checksumStart) + edit.growth) << 48
      header.1 = UInt32(truncatingIfNeeded: frame.checksumOffset)
    }
    return unsafe withUnsafeMutableBytes(of: &header) { header in
      unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.pieceLimit) { pieces in
        var used = 0
        // SAFETY: `used` stays below the limit; header, prefix and tail live until the call returns.
        if hasHeader {
          unsafe pieces[0] = iovec(iov_base: header.baseAddress, iov_len: TAPPool.headerSize)
          used = 1
        }
        unsafe pieces[used] = iovec(iov_base: UnsafeMutableRawPointer(mutating: prefix.base), iov_len: prefix.size)
        used += 1
        var isComplete = true
        unsafe burst.forEachTailPiece(frame, from: prefix.tail) { base, size in
          guard used < Self.pieceLimit else {
            isComplete = false
            return
          }
          unsafe pieces[used] = iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: size)
          used += 1
        }
        guard isComplete else { return EFAULT }
        let written = unsafe writev(raw, pieces.baseAddress, Int32(used))
        return written >= 0 ? 0 : errno
      }
    }
  }
}
