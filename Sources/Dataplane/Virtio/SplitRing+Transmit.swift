import CLinux
import Frames

/// Delivering frames into a receive ring of the guest: the one copy of every frame.
///
/// Unsafe code. Invariants as in SplitRing.swift; nothing is written that was not translated with its full size; a used
/// entry is written only after its buffers.
extension SplitRing {
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
    let areas = areas
    let available = areas.loadAvailableIndex()
    guard available &- nextAvailable <= areas.mask &+ 1 else {
      outcome.fault = RingFault(.availableIndex, seen: UInt64(available &- nextAvailable), limit: UInt64(size))
      Self.mark(pending, from: start, to: start + count, .guestFault)
      return outcome
    }
    let largest = mtu + Ethernet.headerSize
    let frames = unsafe burst.frames.base
    let items = unsafe pending.base + start
    var (next, used, hint) = (nextAvailable, nextUsed, regionHint)
    var position = 0
    while position < count {
      // The usual frames together; what ends them is looked at alone.
      (nextAvailable, nextUsed) = (next, used)
      let run = unsafe deliverPlain(
        items + position, min(count - position, Int(available &- next)), frames, burst, notes,
        memory.likelyRegion(hint), largest)
      (next, used) = (nextAvailable, nextUsed)
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
      guard next != available else {
        outcome.withoutBuffer += 1
        unsafe items[position].verdict = FrameDrop(.noBuffer).rawValue
        continue
      }
      let head = areas.head(at: next)
      let needed = headerSize + size
      if let base = unsafe directBuffer(head, needed, areas, memory, &hint) {
        unsafe storeHeader(at: base, frame, item.edit, buffers: 1)
        unsafe copy(index, frame, item.edit, burst: burst, to: base + headerSize)
        areas.storeUsed(at: used, head: head, written: UInt32(truncatingIfNeeded: needed))
        next &+= 1
        used &+= 1
      } else {
        (nextAvailable, nextUsed) = (next, used)
        let drop = deliverSlowly(
          index, frame, item.edit, size: size, burst: burst, notes: notes, memory: memory,
          available: available &- next, &outcome)
        (next, used) = (nextAvailable, nextUsed)
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
    (nextAvailable, nextUsed, regionHint) = (next, used, hint)
    return outcome
  }

  /// Delivers frames that leave as they are, in one piece, into buffers of `region` that each hold one with its header
  /// of zeros.
  ///
  /// - Returns: how many there were before the first that is different, and their bytes.
  @unsafe @inline(__always)
  private mutating func deliverPlain(
    _ items: UnsafeMutablePointer<PendingFrame>, _ count: Int, _ frames: UnsafeMutablePointer<Frame>,
    _ burst: borrowing Burst, _ notes: borrowing ScatterNotes, _ region: GuestRegion, _ largest: Int
  ) -> (frames: Int, bytes: Int) {
    guard headerSize == 12, count > 0 else { return (0, 0) }
    let places = unsafe notes.places.base
    let found = unsafe findPlaces(items, count, frames, places, region, largest)
    guard found > 0 else { return (0, 0) }
    return (found, unsafe fillPlaces(items, found, frames, places, burst.scratchSlot(0)))
  }

  /// First pass: the buffers for `count` frames at most, so that the misses on their memory overlap.
  ///
  /// A function of its own without a call in it, as is the second, so that all it needs stays in registers.
  @unsafe @inline(never)
  private func findPlaces(
    _ items: UnsafeMutablePointer<PendingFrame>, _ count: Int, _ frames: UnsafeMutablePointer<Frame>,
    _ places: UnsafeMutablePointer<ScatterNotes.Place>, _ region: GuestRegion, _ largest: Int
  ) -> Int {
    let areas = areas
    let next = nextAvailable
    var found = 0
    while found < count {
      // SAFETY: `count` <= Burst.capacity items were filled; frame numbers are below Burst.capacity.
      let item = unsafe items[found]
      let frame = unsafe frames + Int(item.frame)
      let size = unsafe frame.pointee.size
      let head = areas.head(at: next &+ UInt16(truncatingIfNeeded: found))
      guard item.edit.kind == .keep, unsafe frame.pointee.isPlain, size <= largest, head <= areas.mask
      else { break }
      let (address, rest) = areas.descriptor(head)
      let room = UInt32(truncatingIfNeeded: rest)
      guard UInt16(truncatingIfNeeded: rest >> 32) == DescriptorFlags.write, Int(room) >= size &+ 12,
        let base = unsafe region.translate(address, size: UInt64(room))
      else { break }
      unsafe clinux_prefetch_to_write(base)
      unsafe clinux_prefetch_to_write(base + 64)
      unsafe places[found] = ScatterNotes.Place(base: base, head: head)
      found &+= 1
    }
    return found
  }

  /// Second pass: header, first bytes from scratch, the rest from the sender's memory, used entries.
  ///
  /// - Returns: bytes of the frames.
  @unsafe @inline(never)
  private mutating func fillPlaces(
    _ items: UnsafeMutablePointer<PendingFrame>, _ count: Int, _ frames: UnsafeMutablePointer<Frame>,
    _ places: UnsafeMutablePointer<ScatterNotes.Place>, _ scratch: UnsafeMutableRawPointer
  ) -> Int {
    let areas = areas
    let used = nextUsed
    var (done, bytes) = (0, 0)
    while done < count {
      // SAFETY: as above; size + 12 bytes are writable at `base` (findPlaces, from the same private size); the first
      // bytes come from scratch.
      let index = unsafe Int(items[done].frame)
      let size = unsafe frames[index].size
      let place = unsafe places[done]
      let checked = unsafe scratch + index &* Burst.scratchSlotSize
      let target = unsafe place.base + 12
      unsafe place.base.storeBytes(of: 0, as: UInt64.self)
      unsafe place.base.storeBytes(of: 1 << 16, toByteOffset: 8, as: UInt32.self)
      if size >= Burst.scratchRule {
        unsafe target.copy64(from: UnsafeRawPointer(checked))
        if size > Burst.scratchRule {
          unsafe (target + Burst.scratchRule).copyMemory(
            from: frames[index].source + Burst.scratchRule, byteCount: size &- Burst.scratchRule)
        }
      } else {
        unsafe target.copyMemory(from: checked, byteCount: size)
      }
      areas.storeUsed(
        at: used &+ UInt16(truncatingIfNeeded: done), head: place.head,
        written: UInt32(truncatingIfNeeded: size &+ 12))
      bytes &+= size
      done &+= 1
    }
    nextAvailable &+= UInt16(truncatingIfNeeded: count)
    nextUsed = used &+ UInt16(truncatingIfNeeded: count)
    return bytes
  }

  /// The usual case: the next chain is one writable buffer that holds header and frame.
  @unsafe @inline(__always)
  private func directBuffer(
    _ head: UInt16, _ needed: Int, _ areas: RingAreas, _ memory: GuestMemory, _ hint: inout Int
  ) -> UnsafeMutableRawPointer? {
    guard head <= areas.mask else { return nil }
    let (address, rest) = areas.descriptor(head)
    let room = UInt32(truncatingIfNeeded: rest)
    guard UInt16(truncatingIfNeeded: rest >> 32) == DescriptorFlags.write, Int(room) >= needed else { return nil }
    return unsafe memory.translate(address, size: UInt64(room), hint: &hint)
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
    _ index: Int, _ frame: Frame, _ edit: TagEdit, size: Int, burst: borrowing Burst, notes: borrowing ScatterNotes,
    memory: GuestMemory, available: UInt16, _ outcome: inout TransmitOutcome
  ) -> FrameDrop {
    switch deliverScattered(
      index, frame, edit, size: size, burst: burst, notes: notes, memory: memory, available: available)
    {
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

  /// Writes the virtio-net header (VIRTIO 1.2 section 5.1.6.4): all zero but for `num_buffers`, or the partial checksum
  /// handed through, its start moved with the tag.
  @unsafe @inline(__always)
  func storeHeader(at base: UnsafeMutableRawPointer, _ frame: Frame, _ edit: TagEdit, buffers: UInt16) {
    var word: UInt64 = 0
    var offset: UInt32 = 0
    if frame.needsChecksum, allowsPartialChecksum {
      word = 1 | UInt64(truncatingIfNeeded: Int(frame.checksumStart) + edit.growth) << 48
      offset = UInt32(truncatingIfNeeded: frame.checksumOffset)
    }
    // SAFETY: `headerSize` bytes, 10 or 12, are writable at `base`.
    unsafe base.storeBytes(of: word, as: UInt64.self)
    if headerSize == 12 {
      unsafe base.storeBytes(of: offset | UInt32(buffers) << 16, toByteOffset: 8, as: UInt32.self)
    } else {
      unsafe base.storeBytes(of: UInt16(truncatingIfNeeded: offset), toByteOffset: 8, as: UInt16.self)
    }
  }

  /// Copies a whole frame to where all of it fits.
  @unsafe @inline(__always)
  private func copy(
    _ index: Int, _ frame: Frame, _ edit: TagEdit, burst: borrowing Burst, to base: UnsafeMutableRawPointer
  ) {
    let completes = frame.needsChecksum && !allowsPartialChecksum
    let prefix = unsafe burst.outgoingPrefix(index, frame, edit, completeChecksum: completes)
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
