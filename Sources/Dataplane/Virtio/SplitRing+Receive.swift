import CLinux
import Frames

/// Taking frames from a transmit ring of the guest.
///
/// Unsafe code. Invariants as in SplitRing.swift; descriptors are read once into locals, every buffer is translated
/// with its full size before its address is used.
extension SplitRing {
  /// Larger buffers take the slow way, where they are refused.
  private static var largestDirect: Int { Ethernet.maximumFrameSize }
  /// Bytes of each buffer that are asked for in any case, and at most.
  private static var prefetched: Int { 128 }
  private static var prefetchLimit: Int { 512 }

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
    let wanted = min(Int(pending), limit)
    prefetchEntries(wanted)
    prefetchDescriptors(wanted)
    let fault = gather(into: burst, memory: memory, wanted: wanted)
    loadFrames(burst)
    return fault
  }

  /// First pass: descriptors, so that the misses on the frames' memory overlap.
  @inline(__always)
  private mutating func gather(into burst: borrowing Burst, memory: GuestMemory, wanted: Int) -> RingFault? {
    while true {
      gatherPlain(into: burst, region: memory.likelyRegion(regionHint), wanted: wanted)
      guard burst.count < wanted else { return nil }
      let head = areas.head(at: nextAvailable)
      guard head <= mask else { return RingFault(.headOutOfRange, seen: UInt64(head), limit: UInt64(size)) }
      if let fault = gatherOther(head, into: burst, memory: memory) {
        // A chain that found no room for its pieces waits for the next burst.
        return fault.kind == .chainTooLong && fault.seen == 0 && burst.count > 0 ? nil : fault
      }
      complete(head: head, written: 0)
      nextAvailable &+= 1
      burst.count += 1
    }
  }

  /// Takes chains of one readable buffer with header and frame in `region`, up to the first that is anything else.
  ///
  /// A function of its own without a call in it, so that all it needs stays in registers.
  @inline(never)
  private mutating func gatherPlain(into burst: borrowing Burst, region: GuestRegion, wanted: Int) {
    let (areas, headerSize) = (areas, headerSize)
    let frames = unsafe burst.frames.base
    let first = burst.count
    let (available, used) = (nextAvailable, nextUsed)
    var count = 0
    while first &+ count < wanted {
      let step = UInt16(truncatingIfNeeded: count)
      let head = areas.head(at: available &+ step)
      guard head <= areas.mask else { break }
      let (address, rest) = areas.descriptor(head)
      let size = Int(UInt32(truncatingIfNeeded: rest))
      // No flag set: the whole frame and its header in one readable buffer.
      guard UInt16(truncatingIfNeeded: rest >> 32) == 0, size >= headerSize, size <= Self.largestDirect,
        let base = unsafe region.translate(address, size: UInt64(size))
      else { break }
      unsafe clinux_prefetch(base)
      unsafe clinux_prefetch(base + 64)
      if size > Self.prefetched { unsafe prefetchRest(base, size) }
      // SAFETY: size >= headerSize; first + count < wanted <= Burst.capacity.
      unsafe frames[first &+ count] = Frame(
        source: UnsafeRawPointer(base) + headerSize, sourceSize: size &- headerSize, size: size &- headerSize,
        flags: .direct)
      areas.storeUsed(at: used &+ step, head: head, written: 0)
      count &+= 1
    }
    nextAvailable = available &+ UInt16(truncatingIfNeeded: count)
    nextUsed = used &+ UInt16(truncatingIfNeeded: count)
    burst.count = first &+ count
  }

  /// Asks for more of a larger frame, until the processor sees by itself where the copy goes.
  @unsafe @inline(__always)
  private func prefetchRest(_ base: UnsafeMutableRawPointer, _ size: Int) {
    var offset = Self.prefetched
    while offset < min(size, Self.prefetchLimit) {
      unsafe clinux_prefetch(base + offset)
      offset &+= 64
    }
  }

  /// Takes one chain of any layout: one buffer in another region, several descriptors, an indirect table.
  @inline(never)
  private mutating func gatherOther(_ head: UInt16, into burst: borrowing Burst, memory: GuestMemory) -> RingFault? {
    let (address, rest) = areas.descriptor(head)
    let size = Int(UInt32(truncatingIfNeeded: rest))
    guard UInt16(truncatingIfNeeded: rest >> 32) == 0, size >= headerSize, size <= Self.largestDirect,
      let base = unsafe memory.translate(address, size: UInt64(size), hint: &regionHint)
    else { return gatherChain(head, at: burst.count, into: burst, memory: memory) }
    // SAFETY: size >= headerSize.
    burst.frames[burst.count] = unsafe Frame(
      source: UnsafeRawPointer(base) + headerSize, sourceSize: size - headerSize, size: size - headerSize,
      flags: .direct)
    return nil
  }

  /// Second pass: headers, fetched once, and the frames' first bytes.
  @inline(__always)
  private func loadFrames(_ burst: borrowing Burst) {
    let headerSize = headerSize
    let frames = unsafe burst.frames.base
    let scratch = unsafe burst.scratchSlot(0)
    for index in 0..<burst.count {
      // SAFETY: index < burst.count <= Burst.capacity; at least 10 bytes of header lie before a direct frame (gather),
      // and 64 bytes behind `source` if it says so.
      let frame = unsafe frames + index
      if unsafe frame.pointee.flags == .direct, unsafe frame.pointee.sourceSize >= Burst.scratchRule,
        // Flags and GSO type zero: nothing is asked for, the other fields mean nothing.
        unsafe (frame.pointee.source - headerSize).loadUnaligned(as: UInt16.self) == 0
      {
        unsafe (scratch + index &* Burst.scratchSlotSize).copy64(from: frame.pointee.source)
        unsafe frame.pointee.scratchSize = Burst.scratchRule
      } else {
        unsafe loadSlowly(index, burst, &frame.pointee)
      }
    }
  }

  /// Any other frame; what the header says is taken from this load alone.
  @inline(never)
  private func loadSlowly(_ index: Int, _ burst: borrowing Burst, _ frame: inout Frame) {
    if frame.flags.contains(.direct) {
      // SAFETY: as above.
      let header = unsafe frame.source - headerSize
      let word = unsafe header.loadUnaligned(as: UInt64.self)
      if word & 0xFFFF != 0 {
        judgeHeader(word, offset: unsafe header.loadUnaligned(fromByteOffset: 8, as: UInt16.self), &frame)
      }
    }
    burst.fillScratch(index, &frame)
  }

  /// Takes over what a header asks for if it was negotiated and lies inside the frame (VIRTIO 1.2 section 5.1.6.2).
  ///
  /// Layout: flags 1, gso_type 1, hdr_len 2, gso_size 2, csum_start 2; `offset` is csum_offset. DATA_VALID and RSC_INFO
  /// are for the other direction and are dropped.
  @inline(never)
  private func judgeHeader(_ word: UInt64, offset: UInt16, _ frame: inout Frame) {
    let flags = UInt8(truncatingIfNeeded: word)
    let segmentation = UInt8(truncatingIfNeeded: word >> 8)
    if segmentation != 0 {
      frame.segmentationType = segmentation
      frame.segmentSize = UInt16(truncatingIfNeeded: word >> 32)
      frame.flags.insert(.headerInvalid)
    }
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
