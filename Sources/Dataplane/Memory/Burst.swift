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

    /// Nothing that the switch must know of.
    @inline(__always) var isPlain: Bool { rawValue & ~5 == 0 }
  }

  // Narrow fields: a burst's frames fill 32 cache lines, and one is made with four stores.

  /// The frame's bytes, or of the first piece if there are several.
  var source: UnsafeRawPointer
  private var storedSize: UInt32
  private var storedSourceSize: UInt32
  private var storedSegmentStart: UInt16 = 0
  private var storedSegmentCount: UInt16 = 0
  private var storedScratchSize: UInt16 = 0
  /// Where the checksum's sum starts, in bytes from the frame's first; and the field, from there.
  var checksumStart: UInt16 = 0
  var checksumOffset: UInt16 = 0
  var flags: Flags
  /// VIRTIO_NET_HDR_GSO_* and the bytes of payload of a segment; 0 = the frame is not to be cut.
  var segmentationType: UInt8 = 0
  var segmentSize: UInt16 = 0

  @unsafe @inline(__always)
  init(source: UnsafeRawPointer, sourceSize: Int, size: Int, flags: Flags = []) {
    unsafe self.source = source
    storedSourceSize = UInt32(truncatingIfNeeded: sourceSize)
    storedSize = UInt32(truncatingIfNeeded: size)
    self.flags = flags
  }

  /// Bytes of the frame, without virtio-net header.
  var size: Int { @inline(__always) get { Int(storedSize) } }

  /// Bytes at `source`.
  var sourceSize: Int { @inline(__always) get { Int(storedSourceSize) } }

  /// Pieces in `Burst.segments`; 0 if `source` holds the whole frame.
  var segmentCount: Int {
    @inline(__always) get { Int(storedSegmentCount) }
    set { storedSegmentCount = UInt16(truncatingIfNeeded: newValue) }
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

  /// In one piece, with no checksum to think of: scratch holds the first 64 bytes, or all.
  @inline(__always) var isPlain: Bool { storedSegmentCount == 0 && !flags.contains(.needsChecksum) }
  @inline(__always) var needsChecksum: Bool { flags.contains(.needsChecksum) }
  @inline(__always) var isHeaderInvalid: Bool { flags.contains(.headerInvalid) }
  @inline(__always) var isTagged: Bool { flags.contains(.tagged) }
}

/// What happens to a frame's tag on the way out.
struct TagEdit: BitwiseCopyable {
  enum Kind: UInt8 { case keep, remove, insert, rewrite }
  var kind: Kind
  var tag: TagControl

  static let keep = TagEdit(kind: .keep, tag: TagControl(bits: 0))

  /// Bytes by which the frame grows.
  @inline(__always)
  var growth: Int {
    switch kind {
    case .keep, .rewrite: 0
    case .remove: -Ethernet.tagSize
    case .insert: Ethernet.tagSize
    }
  }
}

/// A frame on its way out of one port.
struct PendingFrame: BitwiseCopyable {
  var frame: UInt16
  var edit: TagEdit
  /// `FrameDrop.rawValue` if it was not delivered; set after the attempt.
  var verdict: UInt8 = 0

  static let none = PendingFrame(frame: 0, edit: .keep)
}

/// The frames that one breath took from one queue, in memory that the worker owns.
///
/// Unsafe code. Invariants: `scratch` has `capacity` slots of `scratchSlotSize` bytes, `prefix` has room for a slot,
/// a tag and slack; both live as long as the burst. Slots are written before they are read.
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

  /// Frames, and pieces of frames, in use: in memory like all else, so that a borrowed burst can be filled.
  private let counts = FixedArray<Int>(count: 2) { _ in 0 }
  let frames: FixedArray<Frame>
  let segments: FixedArray<Segment>
  private let scratch: UnsafeMutableRawPointer
  private let prefix: UnsafeMutableRawPointer

  init() {
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: Self.capacity * Self.scratchSlotSize, alignment: 64)
    unsafe scratch.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity * Self.scratchSlotSize)
    unsafe self.scratch = scratch
    unsafe prefix = .allocate(byteCount: 2 * Self.scratchSlotSize, alignment: 64)
    unsafe prefix.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Self.scratchSlotSize)
    frames = FixedArray(count: Self.capacity) { _ in
      unsafe Frame(source: UnsafeRawPointer(scratch), sourceSize: 0, size: 0)
    }
    segments = FixedArray(count: Self.segmentCapacity) { _ in unsafe Segment(base: scratch, size: 0) }
  }

  deinit {
    unsafe scratch.deallocate()
    unsafe prefix.deallocate()
  }

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

  /// Forgets all frames.
  @inline(__always)
  func reset() {
    count = 0
    segmentCount = 0
  }

  /// Addresses, type and tag of a frame, from scratch.
  ///
  /// Zeros stand behind the end of a frame of less than 16 bytes.
  @inline(__always)
  func header(_ index: Int) -> EthernetHeader {
    // SAFETY: the index is below `capacity` as every caller counts within the burst; a slot has 256 bytes.
    unsafe Bytes.header(at: UnsafeRawPointer(scratchSlot(index)))
  }

  /// A frame that leaves with a tag may be four bytes longer than the MTU says.
  @inline(never)
  func tagAllowance(_ index: Int, _ edit: TagEdit) -> Int {
    switch edit.kind {
    case .insert, .rewrite: Ethernet.tagSize
    case .remove: 0
    case .keep: header(index).isTagged ? Ethernet.tagSize : 0
    }
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

  /// The first bytes of a frame as they go out: from scratch, with the tag edited and, if asked, the checksum completed.
  ///
  /// - Returns: the bytes, how many there are, and at which offset of the sender's frame the rest continues. They are
  ///   valid until the next call.
  @unsafe @inline(__always)
  func outgoingPrefix(
    _ index: Int, _ frame: Frame, _ edit: TagEdit, completeChecksum: Bool
  ) -> (base: UnsafeRawPointer, size: Int, tail: Int) {
    let slot = unsafe scratchSlot(index)
    if edit.kind == .keep, !completeChecksum {
      return (UnsafeRawPointer(slot), frame.scratchSize, frame.scratchSize)
    }
    return unsafe editedPrefix(slot, frame, edit, completeChecksum: completeChecksum)
  }

  /// The same for who looks at the first `depth` bytes of the frame as it goes out: so many are there, if it has them.
  ///
  /// A frame that loses its tag is looked at that much further back, also where that lies behind its slot.
  /// - Parameter depth: bytes, a slot's at most.
  @unsafe @inline(__always)
  func outgoingPrefix(
    _ index: Int, _ edit: TagEdit, completeChecksum: Bool, depth: Int
  ) -> (base: UnsafeRawPointer, size: Int, tail: Int) {
    if depth &- edit.growth > Self.scratchRule { extendScratch(index, to: depth &- edit.growth) }
    let frame = frames[index]
    let found = unsafe outgoingPrefix(index, frame, edit, completeChecksum: completeChecksum)
    guard unsafe found.size < depth, edit.kind == .remove, unsafe found.tail < frame.size else { return unsafe found }
    return unsafe lengthenPrefix(frame, size: found.size, to: min(depth, frame.size &+ edit.growth))
  }

  /// Adds bytes of the sender's memory to `prefix`, which holds `size` of a frame whose tag was removed.
  @unsafe @inline(never)
  private func lengthenPrefix(
    _ frame: Frame, size: Int, to wanted: Int
  ) -> (base: UnsafeRawPointer, size: Int, tail: Int) {
    var done = size
    unsafe forEachTailPiece(frame, from: frame.scratchSize) { source, count in
      let count = min(count, wanted - done)
      guard count > 0 else { return }
      // SAFETY: `wanted` is a slot's size at most, of which `prefix` holds two; `count` bytes lie in the piece.
      unsafe (prefix + done).copyMemory(from: source, byteCount: count)
      done += count
    }
    return unsafe (UnsafeRawPointer(prefix), done, frame.scratchSize + done - size)
  }

  @unsafe @inline(never)
  private func editedPrefix(
    _ slot: UnsafeMutableRawPointer, _ frame: Frame, _ edit: TagEdit, completeChecksum: Bool
  ) -> (base: UnsafeRawPointer, size: Int, tail: Int) {
    // SAFETY: a slot's 256 bytes and one tag fit into the 512 bytes of `prefix`; tag edits come only for frames of at
    // least 14 bytes (18 with a tag), and the checksum field was checked to lie within scratch.
    let addresses = 12
    var start = addresses
    var size = addresses
    unsafe prefix.copyMemory(from: UnsafeRawPointer(slot), byteCount: addresses)
    if edit.kind == .insert || edit.kind == .rewrite {
      unsafe prefix.storeBytes(of: Ethernet.typeVLAN.bigEndian, toByteOffset: size, as: UInt16.self)
      unsafe prefix.storeBytes(of: edit.tag.bits.bigEndian, toByteOffset: size + 2, as: UInt16.self)
      size += Ethernet.tagSize
    }
    if edit.kind == .remove || edit.kind == .rewrite { start += Ethernet.tagSize }
    let rest = max(frame.scratchSize - start, 0)
    unsafe (prefix + size).copyMemory(from: UnsafeRawPointer(slot + start), byteCount: rest)
    if completeChecksum {
      let field = Int(frame.checksumStart) + Int(frame.checksumOffset) + size - start
      unsafe prefix.storeBytes(of: checksum(slot, frame), toByteOffset: field, as: UInt16.self)
    }
    return unsafe (UnsafeRawPointer(prefix), size + rest, frame.scratchSize)
  }

  /// The finished checksum of a frame that came with a partial one (VIRTIO 1.2 section 5.1.6.2): the sum from
  /// `checksumStart` to the end, over scratch as far as it goes and over the sender's memory behind it.
  ///
  /// The sender may change that memory meanwhile and so spoil its own checksum, nothing else.
  @unsafe
  private func checksum(_ slot: UnsafeMutableRawPointer, _ frame: Frame) -> UInt16 {
    var sum = InternetChecksum()
    let start = Int(frame.checksumStart)
    let inScratch = max(frame.scratchSize - start, 0)
    if inScratch > 0 {
      // SAFETY: the range lies in the filled part of the slot.
      sum.add(partial: unsafe Bytes.partialSum(slot + start, count: inScratch), count: inScratch)
    }
    unsafe forEachTailPiece(frame, from: max(frame.scratchSize, start)) { base, size in
      unsafe sum.add(partial: Bytes.partialSum(base, count: size), count: size)
    }
    let stored = sum.stored
    // UDP writes a sum of zero as all ones (RFC 768); TCP does not care.
    return stored == 0 ? 0xFFFF : stored
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
