import CLinux
import Frames

/// What became of the frames handed to one port in one go.
struct TransmitOutcome {
  var packets = 0
  var bytes = 0
  /// Dropped: the guest has no receive buffer.
  var withoutBuffer = 0
  /// Dropped: longer than the port's MTU or the guest's buffers.
  var tooBig = 0
  /// Dropped: the port could not take more at once (TAP).
  var busy = 0
  /// Dropped: the sender's memory could not be read.
  var senderFaults = 0
  var fault: RingFault?
}

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
    var available = self.pending()
    guard available <= mask &+ 1 else {
      outcome.fault = RingFault(.availableIndex, seen: UInt64(available), limit: UInt64(size))
      return outcome
    }
    let largest = mtu + Ethernet.headerSize
    for position in start..<(start + count) {
      let item = pending[position]
      let index = Int(item.frame)
      let frame = burst.frames[index]
      let size = frame.size + item.edit.growth
      guard size <= largest || size <= largest + tagAllowance(burst, index, item.edit) else {
        outcome.tooBig += 1
        continue
      }
      guard available != 0 else {
        outcome.withoutBuffer += 1
        continue
      }
      let taken: UInt16
      if deliverDirect(index, frame, item.edit, size: size, burst: burst, memory: memory) {
        taken = 1
      } else {
        let slow = deliverScattered(
          index, frame, item.edit, size: size, burst: burst, notes: notes, memory: memory,
          available: available)
        switch slow {
        case .delivered(let chains): taken = chains
        case .noRoom:
          outcome.withoutBuffer += 1
          continue
        case .tooBig:
          outcome.tooBig += 1
          continue
        case .fault(let fault):
          outcome.fault = fault
          return outcome
        }
      }
      available &-= taken
      outcome.packets += 1
      outcome.bytes += size
    }
    return outcome
  }

  /// A frame that leaves with a tag may be four bytes longer than its MTU says.
  @inline(never)
  private func tagAllowance(_ burst: borrowing Burst, _ index: Int, _ edit: TagEdit) -> Int {
    switch edit.kind {
    case .insert, .rewrite: Ethernet.tagSize
    case .remove: 0
    case .keep: burst.header(index).isTagged ? Ethernet.tagSize : 0
    }
  }

  /// The usual case: the next chain is one writable buffer that holds header and frame.
  ///
  /// - Returns: false without any effect if it is not.
  @inline(__always)
  private mutating func deliverDirect(
    _ index: Int, _ frame: Frame, _ edit: TagEdit, size: Int, burst: borrowing Burst, memory: GuestMemory
  ) -> Bool {
    let head = head(at: nextAvailable)
    guard head <= mask else { return false }
    let (address, rest) = descriptor(head)
    let room = UInt32(truncatingIfNeeded: rest)
    let needed = headerSize + size
    guard UInt16(truncatingIfNeeded: rest >> 32) == DescriptorFlags.write, Int(room) >= needed,
      let base = unsafe memory.translate(address, size: UInt64(needed), hint: &regionHint)
    else { return false }
    // SAFETY: `needed` bytes are writable at `base`.
    unsafe storeHeader(at: base, frame, edit, buffers: 1)
    unsafe copy(index, frame, edit, burst: burst, to: base + headerSize)
    nextAvailable &+= 1
    complete(head: head, written: UInt32(truncatingIfNeeded: needed))
    return true
  }

  /// Writes the virtio-net header (VIRTIO 1.2 section 5.1.6.4): all zero but for `num_buffers`, or the partial checksum
  /// handed through, its start moved with the tag.
  @unsafe @inline(__always)
  func storeHeader(at base: UnsafeMutableRawPointer, _ frame: Frame, _ edit: TagEdit, buffers: UInt16) {
    var word: UInt64 = 0
    var offset: UInt32 = 0
    if frame.needsChecksum, allowsPartialChecksum {
      word = 1 | UInt64(truncatingIfNeeded: frame.checksumStart + edit.growth) << 48
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
