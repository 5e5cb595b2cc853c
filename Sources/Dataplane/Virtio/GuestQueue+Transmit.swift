import Frames

/// Delivering frames into a receive ring of the guest: the one copy of every frame.
///
/// Unsafe code. Invariants: nothing is written that was not translated with its full size; a used entry is written only
/// after its buffers.
extension GuestQueue where Format: ~Copyable {
  /// Copies the pending frames into the driver's buffers, in order.
  ///
  /// Used entries are not published; the caller does, and calls the driver. A frame that finds no room is dropped at
  /// once, with all its buffers still the driver's.
  /// - Parameter mtu: bytes of payload that the guest takes.
  @inline(__always)
  mutating func transmit(
    _ pending: borrowing FixedArray<PendingFrame>, from start: Int, count: Int, burst: borrowing Burst,
    notes: borrowing ScatterNotes, memory: GuestMemory, mtu: Int
  ) -> TransmitOutcome {
    var outcome = TransmitOutcome()
    let window = ring.look()
    if let fault = ring.judge(window) {
      outcome.fault = fault
      Self.mark(pending, from: start, to: start + count, .guestFault)
      return outcome
    }
    let largest = mtu + Ethernet.headerSize
    let frames = unsafe burst.frames.base
    let items = unsafe pending.base + start
    var position = 0
    while position < count {
      // The usual frames together; what ends them is looked at alone.
      let run = deliverPlain(
        unsafe PlainFrames(items + position, of: burst, notes: notes), count - position, in: window, memory, largest)
      outcome.packets += run.frames
      outcome.bytes += run.bytes
      position += run.frames
      guard position < count else { break }
      defer { position += 1 }
      // SAFETY: `start + count` places were filled; frame numbers are below Burst.capacity.
      let item = unsafe items[position]
      let index = Int(item.frame)
      let frame = unsafe frames[index]
      let size = frame.size + item.edit.growth
      guard size <= largest || size <= largest + burst.tagAllowance(index, item.edit) else {
        outcome.tooBig += 1
        unsafe items[position].verdict = FrameDrop(.tooBig).rawValue
        continue
      }
      guard ring.isAvailable(at: ring.next, in: window) else {
        outcome.withoutBuffer += 1
        unsafe items[position].verdict = FrameDrop(.noBuffer).rawValue
        continue
      }
      if let buffer = ring.single(.write), buffer.size >= headerSize + size,
        let base = unsafe memory.translate(buffer.address, size: UInt64(buffer.size), hint: &regionHint)
      {
        unsafe storeHeader(at: base, frame, item.edit, buffers: 1)
        unsafe copy(item, frame, burst: burst, to: base + headerSize)
        ring.complete(buffer.chain, written: UInt32(truncatingIfNeeded: headerSize + size))
      } else {
        let drop = deliverSlowly(item, burst: burst, notes: notes, in: window, memory: memory, &outcome)
        if outcome.fault != nil {
          Self.mark(pending, from: start + position, to: start + count, .guestFault)
          break
        }
        unsafe items[position].verdict = drop.rawValue
        guard drop == .none else { continue }
      }
      outcome.packets += 1
      outcome.bytes += size
    }
    return outcome
  }

  /// Delivers frames that leave as they are, in one piece, into buffers of the usual region that each hold one with its
  /// header of zeros.
  ///
  /// - Returns: how many there were before the first that is different, and their bytes.
  @inline(__always)
  private mutating func deliverPlain(
    _ plain: PlainFrames, _ count: Int, in window: Format.Window, _ memory: GuestMemory, _ largest: Int
  ) -> (frames: Int, bytes: Int) {
    guard headerSize == PlainFrames.headerSize else { return (0, 0) }
    let found = ring.findPlaces(
      plain, count, in: window, region: memory.likelyRegion(regionHint), largest: largest)
    guard found > 0 else { return (0, 0) }
    return (found, ring.fillPlaces(plain, found))
  }

  /// Notes frames that a fault kept from their guest.
  @inline(never)
  private static func mark(
    _ pending: borrowing FixedArray<PendingFrame>, from start: Int, to end: Int, _ reason: EgressDrop
  ) {
    for position in start..<end { pending[position].verdict = FrameDrop(reason).rawValue }
  }

  /// Every other case; notes a drop or fault in the outcome.
  @inline(never)
  private mutating func deliverSlowly(
    _ item: PendingFrame, burst: borrowing Burst, notes: borrowing ScatterNotes, in window: Format.Window,
    memory: GuestMemory, _ outcome: inout TransmitOutcome
  ) -> FrameDrop {
    switch deliverScattered(item, burst: burst, notes: notes, in: window, memory: memory) {
    case .delivered: return .none
    case .noRoom:
      outcome.withoutBuffer += 1
      return FrameDrop(.noBuffer)
    case .tooBig:
      outcome.tooBig += 1
      return FrameDrop(.tooBig)
    case .fault(let fault):
      outcome.fault = fault
      return FrameDrop(.guestFault)
    }
  }

  /// Copies a whole frame to where all of it fits.
  @unsafe @inline(__always)
  private func copy(
    _ item: PendingFrame, _ frame: Frame, burst: borrowing Burst, to base: UnsafeMutableRawPointer
  ) {
    let completes = frame.needsChecksum && !allowsPartialChecksum
    let prefix = unsafe burst.outgoingPrefix(Int(item.frame), frame, item.edit, completeChecksum: completes)
    // SAFETY: prefix and tail together are the frame's size with its tag edit, which the caller made room for.
    if unsafe prefix.size == Burst.scratchRule {
      unsafe base.copy64(from: prefix.base)
    } else {
      unsafe base.copyMemory(from: prefix.base, byteCount: prefix.size)
    }
    guard unsafe frame.size > prefix.tail else { return }
    var target = unsafe base + prefix.size
    if frame.segmentCount == 0 {
      unsafe target.copyMemory(from: frame.source + prefix.tail, byteCount: frame.size - prefix.tail)
      return
    }
    unsafe burst.forEachTailPiece(frame, from: prefix.tail) { source, size in
      unsafe target.copyMemory(from: source, byteCount: size)
      unsafe target += size
    }
  }
}
