import CLinux
import Frames
import Glibc

/// Frames that a socket had no room for, whole or half sent, in a store of their port's own: each behind its length, as a
/// stream has them.
///
/// Unsafe code. Invariants: `memory` holds `capacity` bytes while open, of which those from `start` to `end` are frames, the
/// first of which may be half gone in a stream; 0 <= start <= end <= capacity.
@safe
struct FrameBacklog: ~Copyable {
  /// What a flush of datagrams takes in a call; the kernel's queue holds ten as a rule (net.unix.max_dgram_qlen).
  private static var flushed: Int { 16 }

  private var memory: UnsafeMutableRawPointer?
  private var capacity = 0
  private var start = 0
  private var end = 0
  private let vectors = unsafe FixedArray<iovec>(count: flushed) { _ in unsafe iovec() }
  private let ones = FixedArray<UInt16>(count: flushed) { _ in 1 }

  init() {}

  deinit { unsafe memory?.deallocate() }

  var isEmpty: Bool { start == end }

  /// Makes room for `capacity` bytes.
  mutating func open(capacity: Int) {
    close()
    unsafe memory = .allocate(byteCount: capacity, alignment: 64)
    self.capacity = capacity
  }

  /// Forgets all.
  mutating func close() {
    unsafe memory?.deallocate()
    unsafe memory = nil
    (capacity, start, end) = (0, 0, 0)
  }

  /// Forgets the frames and keeps the room.
  mutating func empty() { (start, end) = (0, 0) }

  /// Adds what is left of an entry of a batch.
  ///
  /// - Parameters:
  ///   - gone: bytes of it, and of its length, that have gone.
  ///   - hasLength: its length is among its pieces.
  /// - Returns: false if there is no room for all of it.
  mutating func append(_ entry: Int, of batch: borrowing SendBatch, gone: Int, hasLength: Bool) -> Bool {
    let size = Int(batch[entry].size)
    let total = StreamInput.lengthSize + size - gone
    if capacity - end < total, start > 0 { compact() }
    guard let memory = unsafe memory, capacity - end >= total else { return false }
    if !hasLength {
      unsafe memory.storeBytes(of: UInt32(truncatingIfNeeded: size).bigEndian, toByteOffset: end, as: UInt32.self)
      end += StreamInput.lengthSize
    }
    let limit = end + (hasLength ? total : size)
    unsafe batch.forEachPiece(of: entry, from: gone) { base, size in
      // SAFETY: no more than there is room for, whatever the pieces say.
      let size = min(size, limit - end)
      unsafe (memory + end).copyMemory(from: base, byteCount: size)
      end += size
    }
    return true
  }

  /// What has not gone yet.
  var coldRest: [UInt8] {
    guard let memory = unsafe memory else { return [] }
    // SAFETY: those bytes are frames.
    return unsafe Array(UnsafeRawBufferPointer(start: memory + start, count: end - start))
  }

  /// Takes what another store had; false if there is no room for it, or it cannot be what a store has.
  ///
  /// - Parameter isWhole: it begins with a frame's length, and ends with a frame, as those of datagrams do.
  mutating func coldRestore(_ bytes: [UInt8], isWhole: Bool) -> Bool {
    guard let memory = unsafe memory, bytes.count <= capacity, !isWhole || Self.isFrames(bytes) else {
      return bytes.isEmpty
    }
    unsafe bytes.withUnsafeBytes { source in
      // SAFETY: there is room for all.
      if let base = source.baseAddress { unsafe memory.copyMemory(from: base, byteCount: source.count) }
    }
    (start, end) = (0, bytes.count)
    return true
  }

  private static func isFrames(_ bytes: [UInt8]) -> Bool {
    var place = 0
    while place < bytes.count {
      guard bytes.count - place >= StreamInput.lengthSize else { return false }
      let size = bytes[place..<place + StreamInput.lengthSize].reduce(0) { $0 << 8 | Int($1) }
      place += StreamInput.lengthSize
      guard size <= bytes.count - place else { return false }
      place += size
    }
    return true
  }

  private mutating func compact() {
    guard let memory = unsafe memory else { return }
    // SAFETY: both lie in memory, which may overlap.
    unsafe memmove(memory, memory + start, end - start)
    (start, end) = (0, end - start)
  }

  /// Sends what there is to a stream; returns 0, or the number of the error that it ended with.
  mutating func flushBytes(to raw: Int32) -> Int32 {
    while let memory = unsafe memory, start < end {
      var piece = unsafe iovec(iov_base: memory + start, iov_len: end - start)
      // SAFETY: the bytes are there.
      let sent = unsafe clinux_send_pieces(raw, &piece, 1)
      guard sent > 0 else { return Int32(truncatingIfNeeded: -sent) }
      start += sent
    }
    empty()
    return 0
  }

  /// Sends what there is as datagrams; returns 0, or the number of the error that it ended with.
  mutating func flushDatagrams(to raw: Int32) -> Int32 {
    while let memory = unsafe memory, start < end {
      var (count, place) = (0, start)
      while count < Self.flushed, place < end {
        // SAFETY: a length stands in front of every frame, all of whose bytes are there.
        let size = Int(UInt32(bigEndian: unsafe memory.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
        unsafe vectors[count] = iovec(iov_base: memory + place + StreamInput.lengthSize, iov_len: size)
        place += StreamInput.lengthSize + size
        count += 1
      }
      let sent = Int(unsafe clinux_send_datagrams(raw, vectors.base, ones.base, UInt32(count)))
      guard sent > 0 else { return Int32(truncatingIfNeeded: -sent) }
      for index in 0..<min(sent, count) { start += StreamInput.lengthSize + (unsafe vectors[index].iov_len) }
    }
    empty()
    return 0
  }
}
