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
    if let cut {
      unsafe burst.forEachPiece(of: burst.frames[index], in: cut.payload, body)
    } else {
      unsafe burst.forEachTailPiece(burst.frames[index], from: prefix.tail, body)
    }
  }

  /// Copies the whole frame to where all of it fits.
  @unsafe @inline(__always)
  func copy(to base: UnsafeMutableRawPointer, of burst: borrowing Burst) {
    let frame = burst.frames[index]
    let prefix = prefix(of: burst)
    // SAFETY: prefix and tail together are `size` bytes, which the caller made room for.
    if prefix.size == Burst.scratchRule {
      unsafe base.copy64(from: prefix.base)
    } else {
      unsafe base.copyMemory(from: prefix.base, byteCount: prefix.size)
    }
    var target = unsafe base + prefix.size
    if let cut {
      unsafe burst.forEachPiece(of: frame, in: cut.payload) { source, size in
        unsafe target.copyMemory(from: source, byteCount: size)
        unsafe target += size
      }
      return
    }
    guard frame.size > prefix.tail else { return }
    if frame.segmentCount == 0 {
      unsafe target.copyMemory(from: frame.source + prefix.tail, byteCount: frame.size - prefix.tail)
      return
    }
    unsafe burst.forEachTailPiece(frame, from: prefix.tail) { source, size in
      unsafe target.copyMemory(from: source, byteCount: size)
      unsafe target += size
    }
  }

  /// Copies the first `wanted` bytes, `size` at most: from a prefix of this frame, and from the sender's memory behind it.
  @unsafe @inline(__always)
  func copyFirst(
    _ wanted: Int, _ prefix: LeavingPrefix, to target: UnsafeMutableRawPointer, of burst: borrowing Burst
  ) {
    precondition(cut == nil)
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
    if let cut { return segmentPrefix(cut, of: burst) }
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
    precondition(cut == nil)
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
    let frame = burst.frames[index]
    let (size, shift) = editTag(of: burst, first: frame.scratchSize)
    let target = unsafe burst.egress.base
    if completesChecksum {
      // SAFETY: the field lies in the part that was copied; see the head.
      let field = Int(frame.checksumStart) + Int(frame.checksumOffset) + shift
      unsafe target.storeBytes(of: checksum(of: burst), toByteOffset: field, as: UInt16.self)
    }
    return unsafe LeavingPrefix(base: UnsafeRawPointer(target), size: size, tail: frame.scratchSize)
  }

  /// The headers of a segment.
  @inline(never)
  private func segmentPrefix(_ cut: Cut, of burst: borrowing Burst) -> LeavingPrefix {
    let (size, shift) = editTag(of: burst, first: Int(cut.layout.payload))
    let target = unsafe burst.egress.base
    // SAFETY: all headers were copied, moved by the tag.
    let transport = unsafe cut.header.write(to: target, cut.layout, growth: shift)
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

  /// Copies the first `count` bytes of the frame, which are in scratch, to the buffer, with the tag edited.
  ///
  /// - Returns: bytes there, and by how many the tag has moved those behind it.
  private func editTag(of burst: borrowing Burst, first count: Int) -> (size: Int, shift: Int) {
    // SAFETY: a slot's 256 bytes and one tag fit into the 512 bytes of the buffer; see the head for the rest.
    let (slot, target) = unsafe (burst.scratchSlot(index), burst.egress.base)
    let addresses = 12
    var start = addresses
    var filled = addresses
    unsafe target.copyMemory(from: UnsafeRawPointer(slot), byteCount: addresses)
    if edit.kind == .insert || edit.kind == .rewrite {
      unsafe target.storeBytes(of: Ethernet.typeVLAN.bigEndian, toByteOffset: filled, as: UInt16.self)
      unsafe target.storeBytes(of: edit.tag.bits.bigEndian, toByteOffset: filled + 2, as: UInt16.self)
      filled += Ethernet.tagSize
    }
    if edit.kind == .remove || edit.kind == .rewrite { start += Ethernet.tagSize }
    let rest = max(count - start, 0)
    unsafe (target + filled).copyMemory(from: UnsafeRawPointer(slot + start), byteCount: rest)
    return (filled + rest, filled - start)
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
