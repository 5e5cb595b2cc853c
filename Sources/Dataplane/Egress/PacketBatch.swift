import CLinux
import Frames

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
    // SAFETY: a head is longer than the header and the longest prefix, which is looked at; pieces stay below their number.
    unsafe head.storeBytes(of: frame.header.word, as: UInt64.self)
    unsafe head.storeBytes(of: frame.header.checksumOffset, toByteOffset: 8, as: UInt16.self)
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
    let missing = Self.shortest - frame.size
    if missing > 0 {
      guard used == first + 1 || used < Self.pieceLimit else { return false }
      // Behind all that is copied into a head there is room for the shortest frame; what follows in pieces is shorter.
      let padding = unsafe head + (Self.headSize - Self.shortest)
      let place = unsafe used == first + 1 ? head + filled : padding
      unsafe place.initializeMemory(as: UInt8.self, repeating: 0, count: missing)
      if used == first + 1 {
        filled += missing
      } else {
        unsafe list[used] = clinux_piece(base: padding, size: missing)
        used += 1
      }
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
