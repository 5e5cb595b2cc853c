/// Delivering frames into a receive ring of the guest: the one copy of every frame.
///
/// Unsafe code. Invariants: nothing is written that was not translated with its full size; a used entry is written only
/// after its buffers.
extension GuestQueue where Format: ~Copyable {
  /// Copies the frames of a delivery into the driver's buffers, in order.
  ///
  /// Used entries are not published; the caller does, and calls the driver. A frame that finds no room is dropped at
  /// once, with all its buffers still the driver's.
  @inline(__always)
  mutating func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes, memory: GuestMemory
  ) -> TransmitOutcome {
    var outcome = TransmitOutcome()
    let window = ring.look()
    if let fault = ring.judge(window) {
      outcome.fault = fault
      outcome.drop(from: 0, .guestFault, of: delivery)
      return outcome
    }
    var position = 0
    while position < delivery.count {
      // The usual frames together; what ends them is looked at alone.
      let run = deliverPlain(
        unsafe PlainFrames(delivery.items(from: position), of: burst, notes: notes), delivery.count - position,
        in: window, memory, delivery.traits.largestUntagged)
      outcome.packets += run.frames
      outcome.bytes += run.bytes
      position += run.frames
      guard position < delivery.count else { break }
      let before = outcome.packets
      var leaving = delivery.frames(at: position, after: outcome)
      while let frame = leaving.next(of: burst) {
        switch deliver(frame, of: burst, notes: notes, in: window, memory: memory) {
        case .delivered:
          outcome.count(frame)
          continue
        case .dropped(let reason): outcome.drop(position, reason, of: delivery, leaving)
        case .fault(let fault):
          outcome.fault = fault
          outcome.drop(position, .guestFault, of: delivery, leaving)
          outcome.drop(from: position + 1, .guestFault, of: delivery)
          return outcome
        }
        // The rest of a large frame goes with its first segment that was not taken.
        break
      }
      if outcome.packets > before, delivery.isLarge(position, in: burst) { segmented &+= 1 }
      position += 1
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

  /// Delivers a frame of any other sort: into one buffer as a rule.
  @inline(__always)
  private mutating func deliver(
    _ frame: LeavingFrame, of burst: borrowing Burst, notes: borrowing ScatterNotes, in window: Format.Window,
    memory: GuestMemory
  ) -> FrameDelivery {
    if let reason = frame.refusal { return .dropped(reason) }
    guard ring.isAvailable(at: ring.next, in: window) else { return .dropped(.noBuffer) }
    guard let buffer = ring.single(.write), buffer.size >= headerSize + frame.size,
      let base = unsafe memory.translate(buffer.address, size: UInt64(buffer.size), hint: &regionHint)
    else { return deliverScattered(frame, of: burst, notes: notes, in: window, memory: memory) }
    // SAFETY: header and frame lie in the buffer, which was translated whole.
    unsafe storeHeader(at: base, frame.header, buffers: 1)
    unsafe frame.copy(to: base + headerSize, of: burst)
    ring.complete(buffer.chain, written: UInt32(truncatingIfNeeded: headerSize + frame.size))
    return .delivered
  }
}
