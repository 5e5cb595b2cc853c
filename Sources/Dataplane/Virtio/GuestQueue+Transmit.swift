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
    guard log == nil else { return transmitLogged(delivery, of: burst, notes: notes, memory: memory) }
    return transmit(delivery, of: burst, notes: notes, memory: memory, WithoutLog.self)
  }

  /// The same, with pages noted or not.
  @inline(__always)
  mutating func transmit<Logging: DeliveryLogging>(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes, memory: GuestMemory,
    _ logging: Logging.Type
  ) -> TransmitOutcome {
    var outcome = TransmitOutcome()
    let window = ring.look()
    if let fault = ring.judge(window) {
      outcome.fault = fault
      outcome.drop(from: 0, .guestFault, of: delivery)
      return outcome
    }
    var position = 0
    // A frame that was plain found no plain buffer: where that was is where the next ones are, as a rule.
    var areBuffersPlain = true
    while position < delivery.count {
      var isPlain = unsafe PlainFrames.isPlain(delivery.items(from: position).pointee, of: burst)
      if isPlain, areBuffersPlain {
        // The usual frames together; what ends them is looked at alone.
        let run = deliverPlain(
          unsafe PlainFrames(delivery.items(from: position), of: burst, notes: notes), delivery.count &- position,
          in: window, memory, delivery.traits.largestUntagged, logging)
        outcome.packets &+= run.frames
        outcome.bytes &+= run.bytes
        position &+= run.frames
        guard position < delivery.count else { break }
        // What ended the run: the frame itself, or the buffer that it would have gone into.
        isPlain = unsafe PlainFrames.isPlain(delivery.items(from: position).pointee, of: burst)
      }
      let hint = regionHint
      let isGoing =
        delivery.isLarge(position, in: burst)
        ? deliverLarge(position, of: delivery, &outcome, burst, notes, in: window, memory, logging)
        : deliverOne(position, of: delivery, &outcome, burst, notes, in: window, memory, logging)
      guard isGoing else {
        outcome.drop(from: position + 1, .guestFault, of: delivery)
        return outcome
      }
      areBuffersPlain = !isPlain || regionHint != hint
      position &+= 1
    }
    return outcome
  }

  /// Delivers one frame of any sort that is not large.
  ///
  /// - Returns: false if the ring is at fault, which the outcome says.
  @inline(__always)
  private mutating func deliverOne<Logging: DeliveryLogging>(
    _ position: Int, of delivery: Delivery, _ outcome: inout TransmitOutcome, _ burst: borrowing Burst,
    _ notes: borrowing ScatterNotes, in window: Format.Window, _ memory: GuestMemory, _ logging: Logging.Type
  ) -> Bool {
    // SAFETY: the caller counts within the delivery.
    let frame = LeavingFrame(unsafe delivery.items(from: position).pointee, of: burst, for: delivery.traits)
    switch deliver(frame, of: burst, notes: notes, in: window, memory: memory, logging) {
    case .delivered: outcome.count(frame)
    case .dropped(let reason): outcome.drop(position, reason, of: delivery)
    case .fault(let fault):
      outcome.fault = fault
      outcome.drop(position, .guestFault, of: delivery)
      return false
    }
    return true
  }

  /// Delivers a large frame, whole or cut; returns as `deliverOne`.
  @inline(never)
  private mutating func deliverLarge<Logging: DeliveryLogging>(
    _ position: Int, of delivery: Delivery, _ outcome: inout TransmitOutcome, _ burst: borrowing Burst,
    _ notes: borrowing ScatterNotes, in window: Format.Window, _ memory: GuestMemory, _ logging: Logging.Type
  ) -> Bool {
    let before = outcome.packets
    var leaving = delivery.frames(at: position, after: outcome)
    loop: while let frame = leaving.next(of: burst) {
      switch deliver(frame, of: burst, notes: notes, in: window, memory: memory, logging) {
      case .delivered: outcome.count(frame)
      case .dropped(let reason):
        // The rest of a large frame goes with its first segment that was not taken.
        outcome.drop(position, reason, of: delivery, leaving)
        break loop
      case .fault(let fault):
        outcome.fault = fault
        outcome.drop(position, .guestFault, of: delivery, leaving)
        return false
      }
    }
    if outcome.packets > before { segmented &+= 1 }
    return true
  }

  /// Delivers frames that leave as they are, in one piece, into buffers of the usual region that each hold one with its
  /// header of zeros.
  ///
  /// - Returns: how many there were before the first that is different, and their bytes.
  @inline(__always)
  private mutating func deliverPlain<Logging: DeliveryLogging>(
    _ plain: PlainFrames, _ count: Int, in window: Format.Window, _ memory: GuestMemory, _ largest: Int,
    _ logging: Logging.Type
  ) -> (frames: Int, bytes: Int) {
    guard headerSize == PlainFrames.headerSize else { return (0, 0) }
    let found = ring.findPlaces(
      plain, count, in: window, region: memory.likelyRegion(regionHint), largest: largest)
    guard found > 0 else { return (0, 0) }
    let bytes = ring.fillPlaces(plain, found)
    if Logging.isOn { log?.element.note(plain, found, in: memory.likelyRegion(regionHint)) }
    return (found, bytes)
  }

  /// Delivers a frame of any other sort: into one buffer as a rule.
  @inline(__always)
  private mutating func deliver<Logging: DeliveryLogging>(
    _ frame: LeavingFrame, of burst: borrowing Burst, notes: borrowing ScatterNotes, in window: Format.Window,
    memory: GuestMemory, _ logging: Logging.Type
  ) -> FrameDelivery {
    if let reason = frame.refusal { return .dropped(reason) }
    guard ring.isAvailable(at: ring.next, in: window) else { return .dropped(.noBuffer) }
    guard let buffer = ring.single(.write), buffer.size >= headerSize + frame.size,
      let base = unsafe memory.translate(buffer.address, size: UInt64(buffer.size), hint: &regionHint)
    else { return deliverScattered(frame, of: burst, notes: notes, in: window, memory: memory, logging) }
    // SAFETY: header and frame lie in the buffer, which was translated whole.
    unsafe storeHeader(at: base, frame.header, buffers: 1)
    unsafe frame.copy(to: base + headerSize, of: burst)
    if Logging.isOn { log?.element.note(buffer.address, UInt64(truncatingIfNeeded: headerSize + frame.size)) }
    ring.complete(buffer.chain, written: UInt32(truncatingIfNeeded: headerSize + frame.size))
    return .delivered
  }
}
