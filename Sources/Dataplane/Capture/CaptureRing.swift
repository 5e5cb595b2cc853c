internal import LinuxHost
import Synchronization

/// The bounded ring between a worker, which writes records, and one drainer, which reads them.
///
/// Unsafe code. Invariants: `memory` has `capacity` bytes. Positions count bytes and never wrap; those below
/// `positions.limit`, up to which the reader has come, are the writer's, those from there to `positions.written` the
/// reader's. A record begins at a multiple of 8, lies in one piece, and begins with its size; an odd size is a gap to the
/// end of the memory.
@safe
final class CaptureRing: @unchecked Sendable {
  /// Smallest and largest rings, in bytes: two of the longest frames, and more than anybody should pin.
  static let sizes = 1 << 18...1 << 30
  /// Bytes of a record before the frame's.
  static var headerSize: Int { MemoryLayout<CaptureRecord>.stride }

  private let memory: SharedRecords
  let capacity: Int
  /// `CaptureEnd.rawValue`; 0 = more may come.
  private let end = Atomic<UInt8>(0)

  /// - Parameter size: bytes, rounded up to a power of two within `sizes`.
  /// - Throws: ENOMEM if there is no memory for it.
  init(size: Int) throws(SystemError) {
    var capacity = Self.sizes.lowerBound
    while capacity < size, capacity < Self.sizes.upperBound { capacity *= 2 }
    self.capacity = capacity
    unsafe memory = try SharedRecords(size: capacity)
  }

  /// The writer's side; the ring must outlive it, which the worker's slot sees to.
  var writer: CaptureRingWriter {
    unsafe CaptureRingWriter(base: memory.base, positions: memory.positions, capacity: capacity)
  }

  /// Says that nothing more will come.
  func close(_ reason: CaptureEnd) {
    _ = end.compareExchange(expected: 0, desired: reason.rawValue, ordering: .acquiringAndReleasing)
  }

  /// Why nothing more will come; to be asked before looking for the last records.
  var ended: CaptureEnd? { CaptureEnd(rawValue: end.load(ordering: .acquiring)) }

  /// Position up to which there are records.
  var written: UInt64 { unsafe memory.positions.written }

  /// Time of the record that is next; nil if there is none now.
  func time(at cursor: UInt64) -> UInt64? {
    let written = written
    var cursor = cursor
    while cursor != written {
      let place = unsafe memory.base + Int(truncatingIfNeeded: cursor & UInt64(capacity - 1))
      // SAFETY: the writer published a size here, or a whole record of that size.
      let size = unsafe place.load(as: UInt32.self)
      guard size & 1 != 0 else { return unsafe place.load(as: CaptureRecord.self).timestamp }
      cursor &+= UInt64(size & ~1)
    }
    return nil
  }

  /// Takes the next record out: its bytes replace those of `bytes`; nil if there is none now.
  ///
  /// One reader.
  /// - Parameter cursor: how far it has come; 0 at the start.
  func next(_ cursor: inout UInt64, into bytes: inout [UInt8]) -> CaptureRecord? {
    let positions = unsafe memory.positions
    let written = positions.written
    while cursor != written {
      let place = unsafe memory.base + Int(truncatingIfNeeded: cursor & UInt64(capacity - 1))
      // SAFETY: the writer published a size here, or a whole record of that size.
      let size = unsafe place.load(as: UInt32.self)
      if size & 1 != 0 {
        cursor &+= UInt64(size & ~1)
        continue
      }
      let record = unsafe place.load(as: CaptureRecord.self)
      let count = Int(record.capturedLength)
      bytes.removeAll(keepingCapacity: true)
      // SAFETY: `count` bytes follow the header in the same record.
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: place + Self.headerSize, count: count))
      cursor &+= UInt64(size)
      // The bytes were read before the writer may use their place again.
      positions.setLimit(cursor)
      return record
    }
    // Behind a gap.
    positions.setLimit(cursor)
    return nil
  }
}

/// The worker's side of a capture ring: trivial, so that a record costs no reference count.
///
/// Unsafe code. Invariants as in `CaptureRing`, whose memory this names; one writer.
@safe
struct CaptureRingWriter: BitwiseCopyable {
  private let base: UnsafeMutableRawPointer
  private let positions: SharedPositions
  private let capacity: Int
  /// Where the next record goes.
  private(set) var position: UInt64 = 0
  /// Position that must not be passed, as far as known.
  private var limit: UInt64

  /// A ring without room that nobody reads.
  init() {
    // SAFETY: never dereferenced, since a slot without a ring is never written through.
    unsafe base = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    positions = .none
    capacity = 0
    limit = 0
  }

  @unsafe
  fileprivate init(base: UnsafeMutableRawPointer, positions: SharedPositions, capacity: Int) {
    unsafe self.base = base
    self.positions = positions
    self.capacity = capacity
    limit = UInt64(capacity)
  }

  /// Room for a record with `size` bytes of a frame; nil, and nothing taken, if the reader is too far behind.
  ///
  /// The caller fills all of it at once, `CaptureRecord` first, with `storedSize` as returned.
  @unsafe @inline(__always)
  mutating func reserve(_ size: Int) -> (place: UnsafeMutableRawPointer, storedSize: UInt32)? {
    let needed = (CaptureRing.headerSize &+ size &+ 7) & ~7
    let offset = Int(truncatingIfNeeded: position & UInt64(capacity &- 1))
    let left = capacity &- offset
    // A record lies in one piece: what is left at the end becomes a gap.
    let gap = needed > left ? left : 0
    let end = position &+ UInt64(needed &+ gap)
    if end > limit {
      // The reader has read what it gave back.
      limit = positions.limit &+ UInt64(capacity)
      guard end <= limit else { return nil }
    }
    if gap > 0 {
      // SAFETY: offset is a multiple of 8 below the capacity, so four bytes are there; they belong to the writer.
      unsafe (base + offset).storeBytes(of: UInt32(truncatingIfNeeded: gap) | 1, as: UInt32.self)
    }
    position = end
    // SAFETY: `needed` bytes from there on belong to the writer: below `limit`, and in one piece.
    let place = unsafe base + (gap > 0 ? 0 : offset)
    return unsafe (place, UInt32(truncatingIfNeeded: needed))
  }

  /// Changes the fate of a record that was not published yet.
  func mark(_ drop: FrameDrop, at position: UInt64) {
    let offset = Int(truncatingIfNeeded: position & UInt64(capacity &- 1))
    // SAFETY: a record begins at that position, and it is still the writer's.
    let record = unsafe (base + offset).assumingMemoryBound(to: CaptureRecord.self)
    unsafe record.pointee.drop = drop
  }

  /// Position of a record that `reserve` gave this place.
  @unsafe
  func position(of place: UnsafeMutableRawPointer) -> UInt64 { UInt64(unsafe place - base) }

  /// Lets the reader have everything written so far.
  @inline(__always)
  func publish() { positions.publish(position) }
}
