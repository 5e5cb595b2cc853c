import CLinux
import Frames
import Glibc

/// Frames that go out to a socket with one system call: pieces of memory in order, and what each frame is.
///
/// The first bytes of each frame, which the switch may have changed, are copied here, behind the frame's length if there is
/// one; the rest goes straight from the sender's memory.
///
/// Unsafe code. Invariants: `heads` has `headCapacity` bytes; a vector names bytes of it, of the pool, or pieces that a ring
/// translated in this breath, and all are used within the delivery that noted them. Entries are numbered below `count`.
@safe
struct SendBatch: ~Copyable {
  /// Frames of a batch, as many as one call takes.
  static var capacity: Int { Int(CLINUX_DATAGRAMS) }
  private static var headRoom: Int { EgressBuffer.size + lengthSize }
  private static var headCapacity: Int { capacity * headRoom }
  /// Pieces that a call takes (IOV_MAX).
  private static var vectorLimit: Int { 1024 }
  /// Bytes of the length in front of a frame of a stream.
  static var lengthSize: Int { 4 }

  /// A frame of a batch.
  struct Entry: BitwiseCopyable {
    /// Place in the delivery.
    var position: UInt8
    /// Others that its large frame was cut into came before it.
    var isPartlyGone: Bool
    /// Frames that are lost if it is not taken, nor any behind it of the same large frame.
    var lost: Int32
    /// Bytes of the frame, and of it and all before it with their lengths.
    var size: UInt32
    var end: UInt32
    /// Its pieces.
    var vector: UInt16
  }

  private let entries = FixedArray<Entry>(count: capacity) { _ in
    Entry(position: 0, isPartlyGone: false, lost: 0, size: 0, end: 0, vector: 0)
  }
  /// Pieces of each entry.
  private let pieceCounts = FixedArray<UInt16>(count: capacity) { _ in 0 }
  private let vectors = unsafe FixedArray<iovec>(count: vectorLimit) { _ in unsafe iovec() }
  private let heads: UnsafeMutableRawPointer
  /// Entries, vectors, and bytes of heads in use; in memory, so that a borrowed batch can be filled.
  private let used = FixedArray<Int>(count: 3) { _ in 0 }

  init() { unsafe heads = .allocate(byteCount: Self.headCapacity, alignment: 64) }

  deinit { unsafe heads.deallocate() }

  /// Frames in it.
  @inline(__always)
  var count: Int { used[0] }

  @inline(__always)
  subscript(entry: Int) -> Entry { entries[entry] }

  /// Bytes before an entry, lengths too.
  @inline(__always)
  func start(of entry: Int) -> Int { entry == 0 ? 0 : Int(entries[entry - 1].end) }

  func reset() { (used[0], used[1], used[2]) = (0, 0, 0) }

  /// Adds a frame.
  ///
  /// - Parameters:
  ///   - leaving: where it comes from.
  ///   - hasLength: its length goes in front.
  /// - Returns: false if there is no room: what there is must go first; with none, it is in too many pieces for a call.
  func note(
    _ frame: LeavingFrame, _ leaving: LeavingFrames, at position: Int, hasLength: Bool, of burst: borrowing Burst
  ) -> Bool {
    let (entry, first, head) = (used[0], used[1], used[2])
    guard entry < Self.capacity, first < Self.vectorLimit, head + Self.headRoom <= Self.headCapacity else {
      return false
    }
    var (vector, filled, isComplete) = (first, head, true)
    if hasLength {
      // SAFETY: the room was looked at.
      unsafe heads.storeBytes(of: UInt32(truncatingIfNeeded: frame.size).bigEndian, toByteOffset: head, as: UInt32.self)
      filled += Self.lengthSize
    }
    unsafe frame.forEachPiece(of: burst) { base, size in
      if vector == first {
        // SAFETY: a prefix is no longer than the buffer it is made in, for which there is room.
        unsafe (heads + filled).copyMemory(from: base, byteCount: min(size, EgressBuffer.size))
        filled += min(size, EgressBuffer.size)
        unsafe vectors[vector] = iovec(iov_base: heads + head, iov_len: filled - head)
      } else if vector < Self.vectorLimit {
        unsafe vectors[vector] = iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: size)
      } else {
        isComplete = false
        return
      }
      vector += 1
    }
    guard isComplete else { return false }
    let size = frame.size + (hasLength ? Self.lengthSize : 0)
    entries[entry] = Entry(
      position: UInt8(truncatingIfNeeded: position), isPartlyGone: leaving.isPartlyGone,
      lost: Int32(truncatingIfNeeded: leaving.lost), size: UInt32(truncatingIfNeeded: frame.size),
      end: UInt32(truncatingIfNeeded: start(of: entry) + size), vector: UInt16(truncatingIfNeeded: first))
    pieceCounts[entry] = UInt16(truncatingIfNeeded: vector - first)
    (used[0], used[1], used[2]) = (entry + 1, vector, filled)
    return true
  }

  /// Sends entries from `entry` to before `limit` as one run of bytes.
  ///
  /// - Returns: bytes that went, or the negative number of an error.
  func sendBytes(from entry: Int, to limit: Int, _ raw: Int32) -> Int {
    let first = Int(entries[entry].vector)
    let end = limit < used[0] ? Int(entries[limit].vector) : used[1]
    // SAFETY: the vectors are noted ones.
    return unsafe clinux_send_pieces(raw, vectors.base + first, end - first)
  }

  /// Sends entries from `entry` on, a datagram each.
  ///
  /// - Returns: datagrams that went, or the negative number of an error.
  func sendDatagrams(from entry: Int, _ raw: Int32) -> Int {
    let first = Int(entries[entry].vector)
    // SAFETY: as above.
    return Int(
      unsafe clinux_send_datagrams(
        raw, vectors.base + first, pieceCounts.base + entry, UInt32(truncatingIfNeeded: used[0] - entry)))
  }

  /// Visits the bytes of an entry from byte `skip` on.
  @unsafe
  func forEachPiece(of entry: Int, from skip: Int, _ body: (UnsafeRawPointer, Int) -> Void) {
    var skip = skip
    let first = Int(entries[entry].vector)
    for index in first..<first + Int(pieceCounts[entry]) {
      let (base, size) = unsafe (vectors[index].iov_base, vectors[index].iov_len)
      if size > skip, let base = unsafe base { unsafe body(UnsafeRawPointer(base) + skip, size - skip) }
      skip = max(skip - size, 0)
    }
  }
}
