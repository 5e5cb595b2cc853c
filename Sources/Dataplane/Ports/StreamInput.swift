import CLinux
import Frames
import Glibc

/// What the peer of a stream has sent and nobody has taken yet: frames, each behind its length (four bytes, big-endian), as
/// QEMU's `-netdev stream` has it.
///
/// One read takes as much as there is, and frames go into bursts from where they were read. It is the port's own memory and
/// not the worker's pool, since half a frame stays until the rest comes, and frames that a burst had no room for until the
/// next.
///
/// Unsafe code. Invariants: `memory` holds `capacity` bytes while open, of which those from `start` to `end` were read and not
/// taken; 0 <= start <= end <= capacity. Bytes move only when no burst refers to them: at the next `take`.
@safe
struct StreamInput: ~Copyable {
  /// Bytes of a length.
  static var lengthSize: Int { SendBatch.lengthSize }
  /// Bytes of the longest frame that QEMU's peers send (NET_BUFSIZE, net/net.h).
  static var largest: Int { 69_632 }
  /// A burst of usual frames besides half of the longest one.
  private static var capacity: Int { Burst.capacity * ReceivePool.slotSize + lengthSize + largest }

  private var memory: UnsafeMutableRawPointer?
  private var start = 0
  private var end = 0
  /// The last read took all that it could, or the kernel said that there is more.
  private var isReadable = false
  /// The kernel has told of the end already, and tells of it once: it is read for behind what there is.
  private var isEnding = false
  /// There is a whole frame, or a length that cannot be one's.
  private var hasFrame = false
  /// The connection has ended, or is to: nothing more is taken from it.
  private var isOver = true

  init() {}

  deinit { unsafe memory?.deallocate() }

  /// Something can be taken, or may be.
  @inline(__always)
  var hasSome: Bool { hasFrame || isReadable }

  /// An empty input of a connection that there is.
  mutating func open() {
    close()
    unsafe memory = .allocate(byteCount: Self.capacity, alignment: 64)
    (isReadable, isEnding, isOver) = (true, false, false)
  }

  /// Forgets what was not taken.
  mutating func close() {
    unsafe memory?.deallocate()
    unsafe memory = nil
    (start, end) = (0, 0)
    finish()
  }

  /// What was read and not taken.
  var coldRest: [UInt8] {
    guard let memory = unsafe memory else { return [] }
    // SAFETY: those bytes were read.
    return unsafe Array(UnsafeRawBufferPointer(start: memory + start, count: end - start))
  }

  /// Takes bytes as if they had just been read; false if there is no room for so many.
  mutating func coldRestore(_ bytes: [UInt8]) -> Bool {
    guard let memory = unsafe memory, bytes.count <= Self.capacity else { return bytes.isEmpty }
    unsafe bytes.withUnsafeBytes { source in
      // SAFETY: there is room for all, and nothing else was read yet.
      if let base = source.baseAddress { unsafe memory.copyMemory(from: base, byteCount: source.count) }
    }
    (start, end) = (0, bytes.count)
    findFrame()
    return true
  }

  /// The kernel says that there is something.
  ///
  /// - Parameter isEnding: and that the peer sends no more.
  mutating func note(isEnding: Bool = false) {
    isReadable = !isOver
    self.isEnding = self.isEnding || isEnding
  }

  /// Nothing more is taken from this connection.
  private mutating func finish() { (isReadable, hasFrame, isOver) = (false, false, true) }

  /// Takes whole frames into the burst, until it has `limit`; reads once if there is none.
  ///
  /// - Returns: what ends the connection; the frames of the burst are good.
  mutating func take(from raw: Int32, into burst: borrowing Burst, limit: Int) -> RingFault? {
    if !hasFrame, isReadable, let fault = read(raw) {
      finish()
      return fault
    }
    guard let memory = unsafe memory else { return nil }
    while hasFrame, burst.count < limit {
      let size = nextSize
      guard size >= Ethernet.headerSize, size <= Self.largest else {
        finish()
        return RingFault(.lengthInvalid, seen: UInt64(truncatingIfNeeded: size), limit: UInt64(Self.largest))
      }
      // SAFETY: `findFrame` saw that the whole frame lies before `end`.
      let source = unsafe UnsafeRawPointer(memory) + start + Self.lengthSize
      burst.note(unsafe Frame(source: source, sourceSize: size, size: size))
      start += Self.lengthSize + size
      findFrame()
    }
    return nil
  }

  /// The length in front of the next frame; to be asked while all its bytes are there.
  private var nextSize: Int {
    guard let memory = unsafe memory else { return 0 }
    // SAFETY: four bytes lie between `start` and `end`.
    return Int(UInt32(bigEndian: unsafe memory.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
  }

  /// Sees whether there is a whole frame, or one that there cannot be.
  @inline(__always)
  private mutating func findFrame() {
    guard end - start >= Self.lengthSize else { return hasFrame = false }
    let size = nextSize
    hasFrame = size > Self.largest || size < Ethernet.headerSize || end - start - Self.lengthSize >= size
  }

  /// Reads once, behind the half frame that there is.
  private mutating func read(_ raw: Int32) -> RingFault? {
    guard let memory = unsafe memory else { return nil }
    if start > 0 {
      // SAFETY: both lie in memory, which may overlap.
      unsafe memmove(memory, memory + start, end - start)
      (start, end) = (0, end - start)
    }
    // A frame that is not whole is shorter than the longest: there is room for a burst.
    let room = Self.capacity - end
    var piece = unsafe iovec(iov_base: memory + end, iov_len: room)
    // SAFETY: `room` bytes lie behind `end`.
    let size = unsafe readv(raw, &piece, 1)
    guard size > 0 else {
      guard size < 0 else { return RingFault(.peerLeft) }
      let code = errno
      if code == EINTR { return nil }
      isReadable = false
      return code == EAGAIN ? nil : RingFault(.peerLeft)
    }
    end += size
    // A read that had room left took all: the kernel tells of the next byte (epoll(7), question 9), but not once more of an
    // end that came with these.
    if size < room { isReadable = isEnding }
    findFrame()
    return nil
  }
}
