import Frames

/// A piece of memory that holds part of a frame.
@safe
struct Segment: BitwiseCopyable {
  let base: UnsafeMutableRawPointer
  let size: Int

  init(base: UnsafeMutableRawPointer, size: Int) {
    unsafe self.base = base
    self.size = size
  }
}

/// One frame of a burst: where its bytes are, what its virtio-net header said, what was copied to scratch.
///
/// `source` and segments point at memory that its sender may change at any time; only scratch and the fields here
/// may be judged.
@safe
struct Frame: BitwiseCopyable {
  /// What is known of a frame beside its place.
  struct Flags: OptionSet, BitwiseCopyable {
    var rawValue: UInt8
    /// The checksum field holds only the pseudo header's sum (VIRTIO_NET_HDR_F_NEEDS_CSUM).
    static var needsChecksum: Flags { Flags(rawValue: 1) }
    /// The virtio-net header asks for what was not negotiated or lies outside the frame.
    static var headerInvalid: Flags { Flags(rawValue: 2) }
    /// The virtio-net header must be loaded from before `source`.
    static var direct: Flags { Flags(rawValue: 4) }
    /// Found by the switch: the frame carries an 802.1Q tag.
    static var tagged: Flags { Flags(rawValue: 8) }
    /// It lies in several pieces: `segmentCount` is not 0.
    static var pieces: Flags { Flags(rawValue: 16) }
    /// Rules looked at more of it than the rule says: all that is in scratch is delivered from there.
    static var judged: Flags { Flags(rawValue: 32) }

    /// Nothing that the switch must know of.
    @inline(__always) var isPlain: Bool { rawValue & ~(1 | 4 | 16 | 32) == 0 }
  }

  // Narrow fields without a hole among them: a burst's frames fill 32 cache lines, and one is made with five stores. What a
  // usual frame has is lowest in its eight bytes.

  /// The frame's bytes, or of the first piece if there are several.
  var source: UnsafeRawPointer
  private var storedSize: UInt32
  private var storedSourceSize: UInt32
  private var storedScratchSize: UInt16 = 0
  private var storedSegmentStart: UInt16 = 0
  private var storedSegmentCount: UInt16 = 0
  /// Where the checksum's sum starts, in bytes from the frame's first; and `checksumOffset`, the field, from there.
  var checksumStart: UInt16 = 0
  var flags: Flags
  /// VIRTIO_NET_HDR_GSO_* and the bytes of payload of a segment; 0 = the frame is not to be cut.
  var segmentationType: UInt8 = 0
  /// Bytes of the headers of a large frame, which were found to be what the type says; 0 = it is none.
  private var storedHeaderSize: UInt8 = 0
  private var unused: UInt8 = 0
  var checksumOffset: UInt16 = 0
  var segmentSize: UInt16 = 0

  @unsafe @inline(__always)
  init(source: UnsafeRawPointer, sourceSize: Int, size: Int, flags: Flags = []) {
    unsafe self.source = source
    storedSourceSize = UInt32(truncatingIfNeeded: sourceSize)
    storedSize = UInt32(truncatingIfNeeded: size)
    self.flags = flags
  }

  /// A frame in one piece whose virtio-net header, not loaded yet, lies before it: scratch is to be filled by the rule, or
  /// says how far it is.
  @unsafe @inline(__always)
  init(direct source: UnsafeRawPointer, size: Int) {
    unsafe self.source = source
    storedSourceSize = UInt32(truncatingIfNeeded: size)
    storedSize = UInt32(truncatingIfNeeded: size)
    storedScratchSize = UInt16(truncatingIfNeeded: Burst.scratchRule)
    flags = .direct
  }

  /// Bytes of the frame, without virtio-net header.
  var size: Int { @inline(__always) get { Int(storedSize) } }

  /// Bytes at `source`.
  var sourceSize: Int { @inline(__always) get { Int(storedSourceSize) } }

  /// Pieces in `Burst.segments`; 0 if `source` holds the whole frame.
  var segmentCount: Int {
    @inline(__always) get { Int(storedSegmentCount) }
    set {
      storedSegmentCount = UInt16(truncatingIfNeeded: newValue)
      if newValue == 0 { flags.remove(.pieces) } else { flags.insert(.pieces) }
    }
  }

  var segmentStart: Int {
    get { Int(storedSegmentStart) }
    set { storedSegmentStart = UInt16(truncatingIfNeeded: newValue) }
  }

  /// Bytes of the frame in scratch: all that is ever checked, and delivered from there.
  var scratchSize: Int {
    @inline(__always) get { Int(storedScratchSize) }
    @inline(__always) set { storedScratchSize = UInt16(truncatingIfNeeded: newValue) }
  }

  /// See `isLarge`; 255 at most.
  var headerSize: Int {
    @inline(__always) get { Int(storedHeaderSize) }
    set { storedHeaderSize = UInt8(truncatingIfNeeded: newValue) }
  }

  /// Its sender left it whole for somebody else to cut; what tells how is in scratch.
  ///
  /// Its checksum is partial, so it is never plain.
  @inline(__always) var isLarge: Bool { storedHeaderSize != 0 }

  /// In one piece, with no checksum to think of: scratch holds the first 64 bytes, or all.
  ///
  /// Its copy takes no more than those from scratch, though a capture's filter may have looked deeper. A frame whose fate
  /// is decided by what lies deeper must not be plain, so that what was judged is what is delivered.
  @inline(__always) var isPlain: Bool { flags.isDisjoint(with: [.needsChecksum, .pieces, .judged]) }
  @inline(__always) var needsChecksum: Bool { flags.contains(.needsChecksum) }
  @inline(__always) var isHeaderInvalid: Bool { flags.contains(.headerInvalid) }
  @inline(__always) var isTagged: Bool { flags.contains(.tagged) }
}

/// The frames that one breath took from one queue, in memory that the worker owns.
///
/// What a frame becomes on its way out is in Egress/. Unsafe code. Invariants: `scratch` has `capacity` slots of
/// `scratchSlotSize` bytes and lives as long as the burst. Slots are written before they are read.
@safe
struct Burst: ~Copyable {
  /// Frames taken at most at once; also the most that wait for one output port.
  static var capacity: Int { 64 }
  /// Bytes of scratch a frame has.
  static var scratchSlotSize: Int { 256 }
  /// Bytes of a frame that are copied to scratch as a rule.
  static var scratchRule: Int { 64 }
  /// Pieces that the frames of one burst may have together, and those of one chain.
  static var segmentCapacity: Int { 4096 }
  static var chainCapacity: Int { 1024 }

  /// Frames, and pieces of frames, in use, and whether any frame is large: in memory like all else, so that a borrowed burst can be filled.
  private let counts = FixedArray<Int>(count: 4) { _ in 0 }
  let frames: FixedArray<Frame>
  /// What rules see of frames; see Burst+View.swift.
  let views = FixedArray<FrameView>(count: Burst.capacity) { _ in FrameView() }
  let segments: FixedArray<Segment>
  private let scratch: UnsafeMutableRawPointer
  /// Where a frame is edited that leaves.
  let egress = EgressBuffer()

  init() {
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: Self.capacity * Self.scratchSlotSize, alignment: 64)
    unsafe scratch.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity * Self.scratchSlotSize)
    unsafe self.scratch = scratch
    frames = FixedArray(count: Self.capacity) { _ in
      unsafe Frame(source: UnsafeRawPointer(scratch), sourceSize: 0, size: 0)
    }
    segments = FixedArray(count: Self.segmentCapacity) { _ in unsafe Segment(base: scratch, size: 0) }
  }

  deinit { unsafe scratch.deallocate() }

  /// Frames in the burst.
  var count: Int {
    @inline(__always) get { counts[0] }
    @inline(__always) nonmutating set { counts[0] = newValue }
  }

  /// Pieces in `segments` that belong to these frames.
  var segmentCount: Int {
    @inline(__always) get { counts[1] }
    @inline(__always) nonmutating set { counts[1] = newValue }
  }

  /// There are large frames among these.
  var hasLarge: Bool {
    @inline(__always) get { counts[2] & 1 != 0 }
    nonmutating set { counts[2] = counts[2] & ~1 | (newValue ? 1 : 0) }
  }

  /// Frames that `views` is true of, a bit each.
  var viewed: Int {
    @inline(__always) get { counts[3] }
    @inline(__always) nonmutating set { counts[3] = newValue }
  }

  /// The clock was read for this burst.
  var isTimed: Bool {
    @inline(__always) get { counts[2] & 2 != 0 }
    nonmutating set { counts[2] = counts[2] & ~2 | (newValue ? 2 : 0) }
  }

  /// Forgets all frames.
  @inline(__always)
  func reset() {
    count = 0
    segmentCount = 0
    // Neither large frames, nor a clock that was read.
    counts[2] = 0
    viewed = 0
  }

  /// Addresses, type and tag of a frame, from scratch.
  ///
  /// Zeros stand behind the end of a frame of less than 16 bytes.
  @inline(__always)
  func header(_ index: Int) -> EthernetHeader {
    // SAFETY: the index is below `capacity` as every caller counts within the burst; a slot has 256 bytes.
    unsafe Bytes.header(at: UnsafeRawPointer(scratchSlot(index)))
  }

  @unsafe @inline(__always)
  func scratchSlot(_ index: Int) -> UnsafeMutableRawPointer {
    unsafe scratch + (index & (Self.capacity - 1)) * Self.scratchSlotSize
  }

  /// Copies the first bytes of a frame from its sender's memory into scratch, once.
  @inline(__always)
  func fillScratch(_ index: Int, _ frame: inout Frame) {
    let slot = unsafe scratchSlot(index)
    if frame.sourceSize >= Self.scratchRule, !frame.needsChecksum {
      // SAFETY: 64 bytes are readable at `source` and writable in the slot.
      unsafe slot.copy64(from: frame.source)
      frame.scratchSize = Self.scratchRule
      return
    }
    unsafe fillScratchSlowly(slot: slot, &frame)
  }

  @inline(never)
  @unsafe
  private func fillScratchSlowly(slot: UnsafeMutableRawPointer, _ frame: inout Frame) {
    let size = min(frame.size, frame.needsChecksum ? Self.scratchSlotSize : Self.scratchRule)
    // SAFETY: the slot has 256 bytes; zeros first, so that a short frame shows nothing of an earlier one.
    unsafe slot.initializeMemory(as: UInt64.self, repeating: 0, count: 2)
    if frame.segmentCount == 0 {
      unsafe slot.copyMemory(from: frame.source, byteCount: size)
    } else {
      var filled = 0
      var index = frame.segmentStart
      while filled < size {
        let piece = segments[index]
        let count = min(piece.size, size - filled)
        // SAFETY: `count` bytes lie in the piece and the rest of the slot.
        unsafe (slot + filled).copyMemory(from: UnsafeRawPointer(piece.base), byteCount: count)
        filled += count
        index += 1
      }
    }
    frame.scratchSize = size
  }

  /// Copies more of a frame to scratch: `depth` bytes from its start, as far as it and the slot go.
  ///
  /// What is there already stays, and is not fetched again.
  @inline(never)
  func extendScratch(_ index: Int, to depth: Int) {
    let frame = frames[index]
    let wanted = min(frame.size, depth, Self.scratchSlotSize)
    var filled = frame.scratchSize
    guard filled < wanted else { return }
    let slot = unsafe scratchSlot(index)
    unsafe forEachTailPiece(frame, from: filled) { source, count in
      let count = min(count, wanted - filled)
      guard count > 0 else { return }
      // SAFETY: `count` bytes lie in the piece and in the rest of the slot.
      unsafe (slot + filled).copyMemory(from: source, byteCount: count)
      filled += count
    }
    frames[index].scratchSize = filled
  }

  /// The same for all frames of the burst, which was just filled; costs nothing where the rule is enough.
  @inline(__always)
  func extendScratch(to depth: Int) {
    if depth > Self.scratchRule { extendAllScratch(to: depth) }
  }

  @inline(never)
  private func extendAllScratch(to depth: Int) {
    for index in 0..<count { extendScratch(index, to: depth) }
  }

  /// The pieces of the sender's frame from byte `offset` to its end, in order.
  @unsafe @inline(__always)
  func forEachTailPiece(_ frame: Frame, from offset: Int, _ body: (UnsafeRawPointer, Int) -> Void) {
    if frame.segmentCount == 0 {
      if frame.size > offset { unsafe body(frame.source + offset, frame.size - offset) }
      return
    }
    var skip = offset
    for index in frame.segmentStart..<(frame.segmentStart + frame.segmentCount) {
      let piece = segments[index]
      if piece.size > skip { unsafe body(UnsafeRawPointer(piece.base) + skip, piece.size - skip) }
      skip = max(skip - piece.size, 0)
    }
  }
}

extension UnsafeMutableRawPointer {
  /// Copies 64 bytes that may lie at any address.
  @unsafe @inline(__always)
  func copy64(from source: UnsafeRawPointer) {
    // SAFETY: the caller vouches for 64 bytes on both sides.
    unsafe storeBytes(of: source.loadUnaligned(as: SIMD8<UInt64>.self), as: SIMD8<UInt64>.self)
  }
}
