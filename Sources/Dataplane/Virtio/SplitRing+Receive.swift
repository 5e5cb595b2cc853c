import CLinux
import Frames

/// Taking frames from a transmit ring of the guest.
///
/// Unsafe code. Invariants as in SplitRing.swift; descriptors are read once into locals, every buffer is translated
/// with its full size before its address is used.
extension SplitRing {
  /// Larger buffers take the slow way, where they are refused.
  private static let largestDirect = Ethernet.maximumFrameSize

  /// Takes up to `limit` chains into the burst: notes where each frame lies, copies header and first bytes.
  ///
  /// Used entries are written, not published; `publish` after the frames were delivered.
  /// - Returns: the fault that ended the burst, if any; the frames before it are in the burst.
  @inline(__always)
  mutating func receive(into burst: borrowing Burst, memory: GuestMemory, limit: Int) -> RingFault? {
    let pending = pending()
    guard pending != 0 else { return nil }
    guard pending <= mask &+ 1 else {
      return RingFault(.availableIndex, seen: UInt64(pending), limit: UInt64(size))
    }
    let fault = gather(into: burst, memory: memory, wanted: min(Int(pending), limit))
    let frames = unsafe burst.frames.base
    for index in 0..<burst.count {
      // SAFETY: index < burst.count <= Burst.capacity.
      if unsafe frames[index].flags.contains(.direct) { unsafe loadHeader(&frames[index]) }
      unsafe burst.fillScratch(index, &frames[index])
    }
    return fault
  }

  /// First pass: descriptors, so that the misses on the frames' memory overlap.
  @inline(__always)
  private mutating func gather(into burst: borrowing Burst, memory: GuestMemory, wanted: Int) -> RingFault? {
    let (headerSize, areas) = (headerSize, areas)
    let frames = unsafe burst.frames.base
    var (available, used, hint, count) = (nextAvailable, nextUsed, regionHint, 0)
    defer {
      nextAvailable = available
      nextUsed = used
      regionHint = hint
      burst.count = count
    }
    while count < wanted {
      let head = areas.head(at: available)
      guard head <= areas.mask else { return RingFault(.headOutOfRange, seen: UInt64(head), limit: UInt64(size)) }
      let (address, rest) = areas.descriptor(head)
      let size = Int(UInt32(truncatingIfNeeded: rest))
      // No flag set: the whole frame and its header in one readable buffer.
      if UInt16(truncatingIfNeeded: rest >> 32) == 0, size >= headerSize, size <= Self.largestDirect,
        let base = unsafe memory.translate(address, size: UInt64(size), hint: &hint)
      {
        unsafe clinux_prefetch(base)
        unsafe clinux_prefetch(base + 64)
        // SAFETY: size >= headerSize; count < wanted <= Burst.capacity.
        unsafe frames[count] = Frame(
          source: UnsafeRawPointer(base) + headerSize, sourceSize: size - headerSize, size: size - headerSize,
          flags: .direct)
      } else if let fault = gatherChain(head, at: count, into: burst, memory: memory) {
        // A chain that found no room for its pieces waits for the next burst.
        return fault.kind == .chainTooLong && fault.seen == 0 && count > 0 ? nil : fault
      }
      areas.storeUsed(at: used, head: head, written: 0)
      available &+= 1
      used &+= 1
      count += 1
    }
    return nil
  }

  /// Second pass for a frame in one buffer: its virtio-net header, fetched once.
  @inline(__always)
  private func loadHeader(_ frame: inout Frame) {
    // SAFETY: at least 10 bytes of header lie before `source` (gather).
    let header = unsafe frame.source - headerSize
    let word = unsafe header.loadUnaligned(as: UInt64.self)
    // Flags and GSO type zero: nothing is asked for, the other fields mean nothing.
    guard word & 0xFFFF != 0 else { return }
    judgeHeader(word, offset: unsafe header.loadUnaligned(fromByteOffset: 8, as: UInt16.self), &frame)
  }

  /// Takes over what a header asks for if it was negotiated and lies inside the frame (VIRTIO 1.2 section 5.1.6.2).
  ///
  /// Layout: flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2; `offset` is csum_offset. DATA_VALID and RSC_INFO
  /// are for the other direction and are dropped.
  @inline(never)
  private func judgeHeader(_ word: UInt64, offset: UInt16, _ frame: inout Frame) {
    let flags = UInt8(truncatingIfNeeded: word)
    let segmentation = UInt8(truncatingIfNeeded: word >> 8)
    if segmentation != 0 { frame.flags.insert(.headerInvalid) }
    guard flags & 1 != 0 else { return }
    frame.checksumStart = UInt16(truncatingIfNeeded: word >> 48)
    frame.checksumOffset = offset
    let end = Int(frame.checksumStart) + Int(offset) + 2
    guard allowsPartialChecksum, end <= frame.size, end <= Burst.scratchSlotSize,
      Int(frame.checksumStart) >= Ethernet.headerSize
    else {
      frame.flags.insert(.headerInvalid)
      return
    }
    frame.flags.insert(.needsChecksum)
  }

  /// A chain of any layout: several descriptors, an indirect table, the header anywhere in it.
  @inline(never)
  private mutating func gatherChain(
    _ head: UInt16, at place: Int, into burst: borrowing Burst, memory: GuestMemory
  ) -> RingFault? {
    let start = burst.segmentCount
    let total: Int
    switch walk(head, access: .read, memory: memory, segments: burst.segments, from: start) {
    case .fault(let fault): return fault
    case .chain(let end, let size):
      burst.segmentCount = end
      total = size
    }
    guard total >= headerSize else {
      return RingFault(.shorterThanHeader, seen: UInt64(total), limit: UInt64(headerSize))
    }
    noteChain(total: total, from: start, at: place, in: burst)
    return nil
  }

  /// Splits the header off the first pieces and notes the rest as the frame.
  private func noteChain(total: Int, from start: Int, at place: Int, in burst: borrowing Burst) {
    var header: (UInt64, UInt64) = (0, 0)
    var taken = 0
    var index = start
    while taken < headerSize {
      let piece = burst.segments[index]
      let count = min(piece.size, headerSize - taken)
      // SAFETY: taken + count <= headerSize <= 16; `count` bytes lie in the piece.
      unsafe withUnsafeMutableBytes(of: &header) { bytes in
        unsafe bytes.baseAddress.unsafelyUnwrapped.advanced(by: taken)
          .copyMemory(from: UnsafeRawPointer(piece.base), byteCount: count)
      }
      taken += count
      if count == piece.size {
        index += 1
      } else {
        unsafe burst.segments[index] = Segment(base: piece.base + count, size: piece.size - count)
      }
    }
    let first = burst.segments[min(index, Burst.segmentCapacity - 1)]
    let size = total - headerSize
    var frame = unsafe Frame(
      source: UnsafeRawPointer(first.base), sourceSize: size == 0 ? 0 : first.size, size: size)
    if burst.segmentCount - index > 1 {
      frame.segmentCount = burst.segmentCount - index
      frame.segmentStart = index
    }
    if size > Ethernet.maximumFrameSize { frame.flags.insert(.headerInvalid) }
    if header.0 & 0xFFFF != 0 {
      judgeHeader(header.0, offset: UInt16(truncatingIfNeeded: header.1), &frame)
    }
    burst.frames[place] = frame
  }
}
