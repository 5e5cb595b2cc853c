import Frames

/// The bytes of a frame as it leaves: first those that were checked, from scratch, with the tag edited and the checksum
/// completed; then the rest, straight from the sender's memory.
///
/// Unsafe code. Invariants: the frame is one of the burst, whose pieces were translated or filled in this breath; tag
/// edits come only for frames of at least 14 bytes (18 with a tag), and the checksum's field was checked to lie within
/// scratch. What lies in the sender's memory may change at any time: it is copied or summed, never judged.
extension LeavingFrame {
  /// All pieces in order.
  @unsafe @inline(__always)
  func forEachPiece(of burst: borrowing Burst, _ body: (UnsafeRawPointer, Int) -> Void) {
    let prefix = prefix(of: burst)
    unsafe body(prefix.base, prefix.size)
    if let cut = cut(of: burst) {
      unsafe burst.forEachPiece(of: burst.frames[index], in: cut.payload, body)
    } else {
      unsafe burst.forEachTailPiece(burst.frames[index], from: prefix.tail, body)
    }
  }

  /// Copies the whole frame to where all of it fits.
  @unsafe @inline(__always)
  func copy(to base: UnsafeMutableRawPointer, of burst: borrowing Burst) {
    guard !isSegment else { return unsafe copySegment(to: base, of: burst) }
    let frame = unsafe burst.frames.address(of: index)
    let first = unsafe frame.pointee.scratchSize
    // SAFETY: first bytes and tail together are `size` bytes, which the caller made room for; the slot is filled so far.
    let slot = unsafe UnsafeRawPointer(burst.scratchSlot(index))
    var target: UnsafeMutableRawPointer
    if first == Burst.scratchRule {
      unsafe target = copyRule(slot, to: base)
    } else {
      unsafe target = base + copyEdited(slot, to: base, first: first)
    }
    if completesChecksum { unsafe storeChecksum(to: base, of: burst) }
    guard unsafe frame.pointee.size > first else { return }
    guard unsafe frame.pointee.segmentCount > 0 else {
      unsafe target.copyMemory(from: frame.pointee.source + first, byteCount: frame.pointee.size &- first)
      return
    }
    unsafe burst.forEachTailPiece(frame.pointee, from: first) { source, size in
      unsafe target.copyMemory(from: source, byteCount: size)
      unsafe target += size
    }
  }

  /// Copies as many bytes as scratch has by the rule, with the tag edited; returns where the rest goes.
  @unsafe @inline(__always)
  private func copyRule(_ slot: UnsafeRawPointer, to base: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    switch edit.kind {
    case .keep: unsafe base.copy64(from: slot)
    case .rewrite:
      unsafe base.copy64(from: slot)
      unsafe storeTag(at: base + 12)
    case .insert:
      // SAFETY: 68 bytes; the addresses are written over what lies between.
      unsafe (base + Ethernet.tagSize).copy64(from: slot)
      unsafe copyAddresses(slot, to: base)
      unsafe storeTag(at: base + 12)
    case .remove:
      // SAFETY: 60 bytes.
      unsafe copyAddresses(slot, to: base)
      unsafe (base + 12).storeBytes(
        of: (slot + 16).loadUnaligned(as: SIMD4<UInt64>.self), as: SIMD4<UInt64>.self)
      unsafe (base + 44).storeBytes(of: (slot + 48).loadUnaligned(as: SIMD2<UInt64>.self), as: SIMD2<UInt64>.self)
    }
    return unsafe base + Burst.scratchRule + edit.growth
  }

  @unsafe @inline(__always)
  private func copyAddresses(_ slot: UnsafeRawPointer, to base: UnsafeMutableRawPointer) {
    unsafe base.storeBytes(of: slot.loadUnaligned(as: UInt64.self), as: UInt64.self)
    unsafe base.storeBytes(of: slot.loadUnaligned(fromByteOffset: 8, as: UInt32.self), toByteOffset: 8, as: UInt32.self)
  }

  @unsafe @inline(__always)
  private func storeTag(at place: UnsafeMutableRawPointer) {
    let word = UInt32(Ethernet.typeVLAN) << 16 | UInt32(edit.tag.bits)
    unsafe place.storeBytes(of: word.bigEndian, as: UInt32.self)
  }

  @unsafe @inline(never)
  private func copySegment(to base: UnsafeMutableRawPointer, of burst: borrowing Burst) {
    guard let cut = cut(of: burst) else { return }
    let prefix = segmentPrefix(cut, of: burst)
    // SAFETY: prefix and payload together are `size` bytes, which the caller made room for.
    unsafe base.copyMemory(from: prefix.base, byteCount: prefix.size)
    var target = unsafe base + prefix.size
    unsafe burst.forEachPiece(of: burst.frames[index], in: cut.payload) { source, size in
      unsafe target.copyMemory(from: source, byteCount: size)
      unsafe target += size
    }
  }

  /// Copies the first `wanted` bytes, `size` at most: from a prefix of this frame, and from the sender's memory behind it.
  @unsafe @inline(__always)
  func copyFirst(
    _ wanted: Int, _ prefix: LeavingPrefix, to target: UnsafeMutableRawPointer, of burst: borrowing Burst
  ) {
    precondition(!isSegment)
    var done = min(prefix.size, wanted)
    // SAFETY: `wanted` bytes are writable at `target`; each piece is cut to what is left of them.
    unsafe target.copyMemory(from: prefix.base, byteCount: done)
    guard done < wanted else { return }
    unsafe burst.forEachTailPiece(burst.frames[index], from: prefix.tail) { source, count in
      let count = min(count, wanted - done)
      guard count > 0 else { return }
      unsafe (target + done).copyMemory(from: source, byteCount: count)
      done += count
    }
  }

  // The first bytes.

  /// As many as are in scratch; of a segment, its headers.
  @inline(__always)
  func prefix(of burst: borrowing Burst) -> LeavingPrefix {
    if let cut = cut(of: burst) { return segmentPrefix(cut, of: burst) }
    guard edit.kind != .keep || completesChecksum else {
      let size = burst.frames[index].scratchSize
      return unsafe LeavingPrefix(base: UnsafeRawPointer(burst.scratchSlot(index)), size: size, tail: size)
    }
    return editedPrefix(of: burst)
  }

  /// For who looks at the first `depth` bytes of the frame as it leaves: so many are there, if it has them.
  ///
  /// A frame that loses its tag is looked at that much further back, also where that lies behind its slot.
  /// Not for segments, whose rest is elsewhere.
  /// - Parameter depth: bytes, a slot's at most.
  @inline(__always)
  func prefix(of burst: borrowing Burst, depth: Int) -> LeavingPrefix {
    precondition(!isSegment)
    let wanted = depth &- edit.growth
    if wanted > Burst.scratchRule, wanted > burst.frames[index].scratchSize { burst.extendScratch(index, to: wanted) }
    let found = prefix(of: burst)
    guard found.size < depth, edit.kind == .remove, found.tail < burst.frames[index].size else { return found }
    return lengthen(found, to: min(depth, size), of: burst)
  }

  /// Adds bytes of the sender's memory to a prefix whose tag was removed.
  @inline(never)
  private func lengthen(_ prefix: LeavingPrefix, to wanted: Int, of burst: borrowing Burst) -> LeavingPrefix {
    let target = unsafe burst.egress.base
    var done = prefix.size
    unsafe burst.forEachTailPiece(burst.frames[index], from: prefix.tail) { source, count in
      let count = min(count, wanted - done)
      guard count > 0 else { return }
      // SAFETY: `wanted` is a slot's size at most, of which the buffer holds two; `count` bytes lie in the piece.
      unsafe (target + done).copyMemory(from: source, byteCount: count)
      done += count
    }
    return unsafe LeavingPrefix(base: UnsafeRawPointer(target), size: done, tail: prefix.tail + done - prefix.size)
  }

  @inline(never)
  private func editedPrefix(of burst: borrowing Burst) -> LeavingPrefix {
    let first = burst.frames[index].scratchSize
    // SAFETY: a slot's 256 bytes and one tag fit into the 512 bytes of the buffer.
    let (slot, target) = unsafe (burst.scratchSlot(index), burst.egress.base)
    let size = unsafe copyEdited(UnsafeRawPointer(slot), to: target, first: first)
    if completesChecksum { unsafe storeChecksum(to: target, of: burst) }
    return unsafe LeavingPrefix(base: UnsafeRawPointer(target), size: size, tail: first)
  }

  /// The headers of a segment.
  @inline(never)
  private func segmentPrefix(_ cut: FrameCut, of burst: borrowing Burst) -> LeavingPrefix {
    // SAFETY: as for `editedPrefix`.
    let (slot, target) = unsafe (burst.scratchSlot(index), burst.egress.base)
    let size = unsafe copyEdited(UnsafeRawPointer(slot), to: target, first: Int(cut.layout.payload))
    // SAFETY: all headers were copied, moved by the tag.
    let transport = unsafe cut.header.write(to: target, cut.layout, growth: edit.growth)
    if completesChecksum {
      var sum = InternetChecksum()
      sum.add(
        partial: unsafe Bytes.partialSum(UnsafeRawPointer(target) + transport, count: size - transport),
        count: size - transport)
      unsafe burst.forEachPiece(of: burst.frames[index], in: cut.payload) { base, size in
        unsafe sum.add(partial: Bytes.partialSum(base, count: size), count: size)
      }
      let stored = sum.stored == 0 ? 0xFFFF : sum.stored
      unsafe target.storeBytes(of: stored, toByteOffset: transport + cut.layout.checksumOffset, as: UInt16.self)
    }
    return unsafe LeavingPrefix(base: UnsafeRawPointer(target), size: size, tail: 0)
  }

  /// Copies the first `count` bytes of the frame, which are in the slot, to where so many and a tag fit, with the tag
  /// edited.
  ///
  /// - Returns: bytes there.
  @unsafe @inline(never)
  private func copyEdited(_ slot: UnsafeRawPointer, to target: UnsafeMutableRawPointer, first count: Int) -> Int {
    guard edit.kind != .keep else {
      unsafe target.copyMemory(from: slot, byteCount: count)
      return count
    }
    // SAFETY: the frame has its addresses in scratch, and its tag if that is to go; see the head.
    let addresses = 12
    var (start, filled) = (addresses, addresses)
    unsafe copyAddresses(slot, to: target)
    if edit.kind != .remove {
      unsafe storeTag(at: target + filled)
      filled += Ethernet.tagSize
    }
    if edit.kind != .insert { start += Ethernet.tagSize }
    let rest = max(count - start, 0)
    unsafe (target + filled).copyMemory(from: slot + start, byteCount: rest)
    return filled + rest
  }

  /// Completes the checksum of a frame whose first bytes, the field among them, were copied to `target`.
  @unsafe @inline(never)
  private func storeChecksum(to target: UnsafeMutableRawPointer, of burst: borrowing Burst) {
    let frame = burst.frames[index]
    // SAFETY: the field lies in the part that was copied; see the head.
    let field = Int(frame.checksumStart) + Int(frame.checksumOffset) + edit.growth
    unsafe target.storeBytes(of: checksum(of: burst), toByteOffset: field, as: UInt16.self)
  }

  /// The finished checksum of a frame that came with a partial one (VIRTIO 1.2 section 5.1.6.2): the sum from
  /// `checksumStart` to the end, over scratch as far as it goes and over the sender's memory behind it.
  ///
  /// The sender may change that memory meanwhile and so spoil its own checksum, nothing else.
  private func checksum(of burst: borrowing Burst) -> UInt16 {
    var sum = InternetChecksum()
    let frame = burst.frames[index]
    let start = Int(frame.checksumStart)
    let inScratch = max(frame.scratchSize - start, 0)
    if inScratch > 0 {
      // SAFETY: the range lies in the filled part of the slot.
      let slot = unsafe burst.scratchSlot(index)
      sum.add(partial: unsafe Bytes.partialSum(slot + start, count: inScratch), count: inScratch)
    }
    unsafe burst.forEachTailPiece(frame, from: max(frame.scratchSize, start)) { base, size in
      unsafe sum.add(partial: Bytes.partialSum(base, count: size), count: size)
    }
    let stored = sum.stored
    // UDP writes a sum of zero as all ones (RFC 768); TCP does not care.
    return stored == 0 ? 0xFFFF : stored
  }
}
