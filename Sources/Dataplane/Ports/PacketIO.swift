import CLinux
import Frames
import Glibc

/// Where a packet socket's frames are received: a slot for each of a burst, of which a small frame touches a page or two.
///
/// Unsafe code. Invariants: `memory` holds `Burst.capacity` slots of `stride` bytes; slot numbers are below that, as the
/// limit of every burst is; what the kernel wrote into a slot is described by the entry of `packets` with its number. The
/// slots are free again at the port's next burst.
@safe
struct PacketBuffers: ~Copyable {
  /// Bytes of a slot: the largest frame that a kernel leaves whole, with two tags, and what stands in front of it; the odd
  /// rest spreads the slots over the cache.
  private static let stride = 65_536 + 1600
  /// A longer frame was left whole, or is of a large MTU.
  static let smallSize = 4096
  private let memory: UnsafeMutableRawPointer
  private let packets = FixedArray<clinux_packet>(count: Burst.capacity) { _ in clinux_packet() }

  /// Takes address space, and memory for those slots alone that frames come to.
  init() { unsafe memory = .allocate(byteCount: Burst.capacity * Self.stride, alignment: 64) }

  deinit { unsafe memory.deallocate() }

  /// Receives up to `count` frames into the slots from `first` on.
  ///
  /// - Returns: how many; otherwise the negative error number.
  func receive(_ raw: Int32, from first: Int, _ count: Int) -> Int {
    guard raw >= 0, first >= 0, first < Burst.capacity else { return 0 }
    let count = UInt32(clamping: min(count, Burst.capacity - first))
    // SAFETY: so many slots and entries are there.
    return Int(
      unsafe clinux_packet_receive(raw, memory + first * Self.stride, Self.stride, count, packets.base + first))
  }

  /// The frame in a slot, with its tag in its place; nil if it was longer than a slot.
  func frame(_ slot: Int) -> Frame? {
    let packet = packets[slot]
    let size = Int(packet.size)
    guard size > 0 else { return nil }
    // SAFETY: the kernel filled so much of the slot.
    let start = unsafe UnsafeRawPointer(memory + slot * Self.stride + Int(packet.start))
    var frame = unsafe Frame(source: start, sourceSize: size, size: size)
    if size > Ethernet.maximumFrameSize { frame.flags.insert(.headerInvalid) }
    return frame
  }

  /// What stood in front of it; offsets count with the tag.
  func header(_ slot: Int) -> OffloadHeader {
    let packet = packets[slot]
    var header = OffloadHeader(word: packet.header, checksumOffset: packet.checksum_offset)
    if header.needsChecksum { header.word &+= UInt64(packet.tag_size) << 48 }
    return header
  }
}

/// Frames that are sent by one system call, straight from the sender's memory: what stands here of each is its header and
/// its first bytes, which the next frame's would overwrite.
///
/// One a worker. Unsafe code. Invariants: `heads` holds `Burst.capacity` slots of `headSize` bytes; the entries below
/// `count` name pieces below `pieceCount`, which are heads or memory that lives as long as the burst.
@safe
struct PacketBatch: ~Copyable {
  /// A frame of the batch.
  private struct Entry: BitwiseCopyable {
    /// Its first piece.
    var piece = 0
    var size = 0
    /// In the delivery.
    var position = 0
  }

  /// Bytes of a header and all that scratch has of a frame, with a tag.
  private static let headSize = 384
  /// Shorter frames are padded: not every driver does that itself.
  private static let shortest = 60

  private let heads: UnsafeMutableRawPointer
  private let entries = FixedArray<Entry>(count: Burst.capacity) { _ in Entry() }
  /// Pieces of all frames, as many as one frame may have (IOV_MAX).
  private let list = unsafe FixedArray<clinux_piece>(count: pieceLimit) { _ in unsafe clinux_piece() }
  private static let pieceLimit = 1024
  /// Pieces of each.
  private let pieces = FixedArray<UInt16>(count: Burst.capacity) { _ in 0 }
  /// Frames, and pieces of frames: in memory like all else, so that a borrowed batch can be filled.
  private let counts = FixedArray<Int>(count: 2) { _ in 0 }

  init() { unsafe heads = .allocate(byteCount: Burst.capacity * Self.headSize, alignment: 64) }

  deinit { unsafe heads.deallocate() }

  /// Frames that were added.
  var count: Int { counts[0] }
  func size(_ frame: Int) -> Int { entries[frame].size }
  func position(_ frame: Int) -> Int { entries[frame].position }

  func reset() {
    counts[0] = 0
    counts[1] = 0
  }

  /// Adds a frame.
  ///
  /// - Returns: false if there is no room for it, and nothing was added.
  func add(_ frame: LeavingFrame, at position: Int, of burst: borrowing Burst) -> Bool {
    let (number, first) = (counts[0], counts[1])
    guard number < Burst.capacity, first < Self.pieceLimit else { return false }
    let list = unsafe list.base
    let head = unsafe heads + number * Self.headSize
    let header = DescriptorHeader(frame.header)
    // SAFETY: a head is longer than the header and the longest prefix, which is looked at; pieces stay below their number.
    unsafe head.storeBytes(of: header.first, as: UInt64.self)
    unsafe head.storeBytes(of: UInt16(truncatingIfNeeded: header.second), toByteOffset: 8, as: UInt16.self)
    var (filled, used, isComplete) = (Int(CLINUX_PACKET_HEADER), first + 1, true)
    unsafe frame.forEachPiece(of: burst) { base, size in
      if used == first + 1, filled == Int(CLINUX_PACKET_HEADER), size <= Self.headSize - filled {
        unsafe (head + filled).copyMemory(from: base, byteCount: size)
        filled += size
        return
      }
      guard used < Self.pieceLimit else {
        isComplete = false
        return
      }
      unsafe list[used] = clinux_piece(base: UnsafeMutableRawPointer(mutating: base), size: size)
      used += 1
    }
    guard isComplete else { return false }
    let missing = Self.shortest - (filled - Int(CLINUX_PACKET_HEADER))
    if used == first + 1, missing > 0 {
      unsafe (head + filled).initializeMemory(as: UInt8.self, repeating: 0, count: missing)
      filled += missing
    }
    unsafe list[first] = clinux_piece(base: head, size: filled)
    entries[number] = Entry(piece: first, size: frame.size, position: position)
    pieces[number] = UInt16(truncatingIfNeeded: used - first)
    counts[0] = number + 1
    counts[1] = used
    return true
  }

  /// Sends the frames from `first` on.
  ///
  /// - Returns: how many went; otherwise why the first did not, as a negative error number.
  func send(_ raw: Int32, from first: Int) -> Int {
    guard first >= 0, first < count else { return 0 }
    // SAFETY: entries and pieces from there on were filled; see the head.
    return Int(
      unsafe clinux_packet_send(
        raw, list.base + entries[first].piece, pieces.base + first, UInt32(clamping: count - first)))
  }
}
