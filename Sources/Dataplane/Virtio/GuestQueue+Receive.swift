/// Taking frames from a transmit ring of the guest.
///
/// Unsafe code. Invariants: every buffer was translated with its full size before its address is used; what is judged
/// was loaded once.
extension GuestQueue where Format: ~Copyable {
  /// Takes up to `limit` chains into the burst: notes where each frame lies, copies header and first bytes.
  ///
  /// Used entries are written, not published; `publish` after the frames were delivered.
  /// - Parameter depth: bytes of each frame that must be in scratch, `Burst.scratchRule` at least.
  /// - Returns: the fault that ended the burst, if any; the frames before it are in the burst.
  @inline(__always)
  mutating func receive(into burst: borrowing Burst, memory: GuestMemory, limit: Int, depth: Int) -> RingFault? {
    let window = ring.look()
    let wanted = ring.count(in: window, atMost: limit)
    guard wanted > 0 else { return nil }
    if let fault = ring.judge(window) { return fault }
    ring.prefetchEntries(wanted)
    ring.prefetchDescriptors(wanted)
    let fault = gather(into: burst, window: window, memory: memory, wanted: wanted)
    loadFrames(burst)
    if burst.hasLarge { countLarge(burst) }
    burst.extendScratch(to: depth)
    return fault
  }

  /// First pass: descriptors, so that the misses on the frames' memory overlap.
  @inline(__always)
  private mutating func gather(
    into burst: borrowing Burst, window: Format.Window, memory: GuestMemory, wanted: Int
  ) -> RingFault? {
    while true {
      ring.gatherPlain(
        into: burst, region: memory.likelyRegion(regionHint), headerSize: headerSize, wanted: wanted)
      var pieces = 0
      // A chain of several pieces is followed by its like as a rule.
      repeat {
        guard burst.count < wanted, ring.isAvailable(at: ring.next, in: window) else { return nil }
        pieces = burst.segmentCount
        if let fault = gatherOther(into: burst, memory: memory) {
          // A chain that found no room for its pieces waits for the next burst.
          return fault.kind == .chainTooLong && fault.seen == 0 && burst.count > 0 ? nil : fault
        }
        burst.count &+= 1
      } while burst.segmentCount > pieces
    }
  }

  /// Takes one chain of any layout: one buffer in another region, several descriptors, an indirect table.
  @inline(never)
  private mutating func gatherOther(into burst: borrowing Burst, memory: GuestMemory) -> RingFault? {
    guard let buffer = ring.single(.read), buffer.size >= headerSize, buffer.size <= PlainFrames.largestDirect,
      let base = unsafe memory.translate(buffer.address, size: UInt64(buffer.size), hint: &regionHint)
    else { return gatherChain(into: burst, memory: memory) }
    // SAFETY: size >= headerSize.
    burst.frames[burst.count] = unsafe Frame(
      direct: UnsafeRawPointer(base) + headerSize, size: buffer.size - headerSize)
    ring.complete(buffer.chain, written: 0)
    return nil
  }

  /// A chain of any layout: several descriptors, an indirect table, the header anywhere in it.
  @inline(never)
  private mutating func gatherChain(into burst: borrowing Burst, memory: GuestMemory) -> RingFault? {
    let start = burst.segmentCount
    var pieces = ChainPieces(from: start)
    var cursor = ring.next
    switch ring.walk(&cursor, .read, &pieces, into: burst.segments, memory: memory, hint: &regionHint) {
    case .fault(let fault): return fault
    case .chain(let chain, let total):
      burst.segmentCount = pieces.end
      guard total >= headerSize else {
        return RingFault(.shorterThanHeader, seen: UInt64(total), limit: UInt64(headerSize))
      }
      noteChain(total: total, from: start, in: burst)
      ring.complete(chain, written: 0)
      return nil
    }
  }

  /// Splits the header off the first pieces and notes the rest as the next frame of the burst.
  private mutating func noteChain(total: Int, from start: Int, in burst: borrowing Burst) {
    let (header, index) = takeHeader(from: start, in: burst)
    let first = burst.segments[min(index, Burst.segmentCapacity - 1)]
    let size = total - headerSize
    var frame = unsafe Frame(
      source: UnsafeRawPointer(first.base), sourceSize: size == 0 ? 0 : first.size, size: size)
    if burst.segmentCount - index > 1 {
      frame.segmentCount = burst.segmentCount - index
      frame.segmentStart = index
    }
    if size > PlainFrames.largestDirect { frame.flags.insert(.headerInvalid) }
    if header.word & 0xFFFF != 0 { judge(header.word, header.checksumOffset, &frame) }
    burst.frames[burst.count] = frame
  }

  /// Loads the header from the first pieces and takes it off them; returns it, and the piece that the frame begins in.
  @inline(__always)
  private mutating func takeHeader(from start: Int, in burst: borrowing Burst) -> (OffloadHeader, Int) {
    let first = burst.segments[start]
    guard first.size >= headerSize else { return takeSplitHeader(from: start, in: burst) }
    // SAFETY: headerSize >= 10 bytes lie in the piece.
    let header = unsafe OffloadHeader(
      word: first.base.loadUnaligned(as: UInt64.self),
      checksumOffset: first.base.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
    guard first.size > headerSize else { return (header, start + 1) }
    unsafe burst.segments[start] = Segment(base: first.base + headerSize, size: first.size - headerSize)
    return (header, start)
  }

  /// The same of a header in several pieces.
  @inline(never)
  private mutating func takeSplitHeader(from start: Int, in burst: borrowing Burst) -> (OffloadHeader, Int) {
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
    return (OffloadHeader(word: header.0, checksumOffset: UInt16(truncatingIfNeeded: header.1)), index)
  }

  /// Second pass: headers, fetched once, and the frames' first bytes.
  // Mutating, as others here that change nothing: the queue would be copied for the call.
  @inline(never)
  private mutating func loadFrames(_ burst: borrowing Burst) {
    let headerSize = headerSize
    var frame = unsafe burst.frames.base
    var slot = unsafe burst.scratchSlot(0)
    let count = burst.count
    for index in 0..<count {
      // SAFETY: index < burst.count <= Burst.capacity; at least 10 bytes of header lie before a direct frame (gather),
      // and 64 bytes behind `source` if it says so.
      let source = unsafe frame.pointee.source
      if unsafe frame.pointee.flags != .direct || frame.pointee.sourceSize < Burst.scratchRule
        // Flags or GSO type; if both are zero, nothing is asked for, and the other fields mean nothing.
        || (source - headerSize).loadUnaligned(as: UInt16.self) != 0
      {
        unsafe loadSlowly(index, burst, &frame.pointee)
      } else {
        unsafe slot.copy64(from: source)
      }
      unsafe frame += 1
      unsafe slot += Burst.scratchSlotSize
    }
  }

  @inline(never)
  private mutating func countLarge(_ burst: borrowing Burst) {
    for index in 0..<burst.count where burst.frames[index].isLarge { segmented &+= 1 }
  }

  /// Any other frame; what the header says is taken from this load alone.
  @inline(never)
  private mutating func loadSlowly(_ index: Int, _ burst: borrowing Burst, _ frame: inout Frame) {
    if frame.flags.contains(.direct) {
      // SAFETY: as above.
      let header = unsafe frame.source - headerSize
      let word = unsafe header.loadUnaligned(as: UInt64.self)
      if word & 0xFFFF != 0 {
        judge(word, unsafe header.loadUnaligned(fromByteOffset: 8, as: UInt16.self), &frame)
      }
    }
    burst.fillScratch(index, &frame)
    burst.judgeLarge(index, &frame)
  }

  /// Takes over what a header says that is not all zeros.
  private mutating func judge(_ word: UInt64, _ checksumOffset: UInt16, _ frame: inout Frame) {
    frame.judge(
      OffloadHeader(word: word, checksumOffset: checksumOffset), allowsPartial: allowsPartialChecksum,
      traits.sendsLarge)
  }
}
