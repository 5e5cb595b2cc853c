import Frames

/// Copies of frames that wait for one port, in order, in pieces of memory that come and go with what is held.
///
/// A frame is kept as it leaves its switch: with its tag as the port wants it, and a large one whole.
///
/// Unsafe code. Invariants: `first` begins a list of chunks that `Chunk.next` links, `last` is its end; both are nil if nothing
/// is held. A chunk has `chunkSize` bytes and begins with a `Chunk`; from `start` to `end` it holds whole entries, each an
/// `Entry` and behind it as many bytes as that says, at multiples of eight. What a burst was loaded with stays until
/// `removeFirst`.
@safe
struct HeldQueue: ~Copyable {
  /// What a frame counts beside its bytes, so that small ones have their share of the limit.
  static var overhead: Int { 64 }
  private static var chunkSize: Int { 256 << 10 }
  private static var largest: Int { Ethernet.maximumFrameSize + Ethernet.tagSize }

  /// How a chunk begins.
  @safe
  private struct Chunk {
    var next: UnsafeMutableRawPointer?
    /// Of the first entry, and behind the last one, in bytes from the chunk's first.
    var start: Int
    var end: Int
  }

  /// What is kept of a frame beside its bytes.
  struct Entry: BitwiseCopyable {
    /// The frame's number since it came in; see `TapSet.packetID`.
    var packetID: UInt64 = 0
    /// Bytes.
    var size: UInt32 = 0
    /// As in `Frame`.
    var checksumStart: UInt16 = 0
    var checksumOffset: UInt16 = 0
    var segmentSize: UInt16 = 0
    var segmentationType: UInt8 = 0
    var needsChecksum = false
  }

  /// Bytes, with `overhead` for each frame, that are held at most.
  var limit: Int
  /// Frames that are held, and their bytes.
  private(set) var count = 0
  private(set) var bytes = 0
  private var first: UnsafeMutableRawPointer?
  private var last: UnsafeMutableRawPointer?

  init(limit: Int) { self.limit = limit }

  deinit { unsafe Self.free(from: first) }

  @unsafe
  private static func free(from first: UnsafeMutableRawPointer?) {
    var chunk = unsafe first
    while let some = unsafe chunk {
      // SAFETY: a chunk of the list begins with a `Chunk`, and nobody else has it.
      unsafe chunk = some.assumingMemoryBound(to: Chunk.self).pointee.next
      unsafe some.deallocate()
    }
  }

  /// Forgets all.
  mutating func removeAll() {
    unsafe Self.free(from: first)
    unsafe (first, last) = (nil, nil)
    (count, bytes) = (0, 0)
  }

  // Taking in.

  /// Copies a frame of a burst as it leaves.
  ///
  /// - Returns: false if there is no room.
  mutating func append(_ frame: LeavingFrame, _ packetID: UInt64, of burst: borrowing Burst) -> Bool {
    var entry = Entry()
    entry.packetID = packetID
    entry.size = UInt32(truncatingIfNeeded: frame.size)
    entry.needsChecksum = frame.header.needsChecksum
    entry.checksumStart = frame.header.checksumStart
    entry.checksumOffset = frame.header.checksumOffset
    entry.segmentationType = frame.header.segmentationType
    entry.segmentSize = frame.header.segmentSize
    guard let place = unsafe reserve(entry) else { return false }
    var done = 0
    unsafe frame.forEachPiece(of: burst) { source, size in
      // SAFETY: `reserve` gave room for so many bytes, whatever the pieces say.
      let size = min(size, frame.size - done)
      unsafe (place + done).copyMemory(from: source, byteCount: size)
      done += size
    }
    return true
  }

  /// The same of a frame whose bytes are at hand.
  mutating func append(_ entry: Entry, _ frame: [UInt8]) -> Bool {
    var entry = entry
    entry.size = UInt32(truncatingIfNeeded: frame.count)
    guard let place = unsafe reserve(entry) else { return false }
    // SAFETY: `reserve` gave room for so many bytes.
    unsafe frame.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(start: place, count: $0.count).copyMemory(from: $0)
    }
    return true
  }

  /// Room for an entry and its frame at the end; nil if there is none.
  ///
  /// - Returns: where the frame's bytes go.
  @unsafe
  private mutating func reserve(_ entry: Entry) -> UnsafeMutableRawPointer? {
    let size = Int(entry.size)
    let taken = bytes + count * Self.overhead
    guard size <= Self.largest, limit - taken >= size + Self.overhead else { return nil }
    let place = unsafe room(for: Self.stride(size))
    // SAFETY: there is room for the entry.
    unsafe place.storeBytes(of: entry, as: Entry.self)
    count += 1
    bytes += size
    return unsafe place + MemoryLayout<Entry>.stride
  }

  /// Bytes that an entry takes with a frame of `size` bytes.
  private static func stride(_ size: Int) -> Int { (MemoryLayout<Entry>.stride + size + 7) & ~7 }

  /// So many bytes behind the last entry, in a new chunk if need be.
  @unsafe
  private mutating func room(for size: Int) -> UnsafeMutableRawPointer {
    if let chunk = unsafe last?.assumingMemoryBound(to: Chunk.self), unsafe Self.chunkSize - chunk.pointee.end >= size {
      defer { unsafe chunk.pointee.end += size }
      return unsafe UnsafeMutableRawPointer(chunk) + chunk.pointee.end
    }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.chunkSize, alignment: 64)
    let start = MemoryLayout<Chunk>.stride
    // SAFETY: the longest frame's entry fits into a new chunk.
    unsafe memory.initializeMemory(as: Chunk.self, to: Chunk(next: nil, start: start, end: start + size))
    if let last = unsafe last {
      unsafe last.assumingMemoryBound(to: Chunk.self).pointee.next = memory
    } else {
      unsafe first = memory
    }
    unsafe last = memory
    return unsafe memory + start
  }

  // Letting go.

  /// Puts the first frames into an empty burst, which may be used until they are removed.
  ///
  /// - Parameters:
  ///   - packetIDs: numbers of the frames, in the same places.
  ///   - limit: frames at most.
  ///   - isWanted: asked for each but the first; the burst ends before one that is not.
  func load(
    into burst: borrowing Burst, _ packetIDs: borrowing FixedArray<UInt64>, limit: Int = Burst.capacity,
    while isWanted: (Entry) -> Bool = { _ in true }
  ) {
    unsafe walk { entry, bytes in
      guard burst.count < min(limit, Burst.capacity), burst.count == 0 || isWanted(entry) else { return false }
      packetIDs[burst.count] = entry.packetID
      unsafe Self.load(entry, at: bytes, into: burst)
      return true
    }
  }

  /// Visits the frames in order, each with where its bytes lie, until `visit` says that it has seen enough.
  @unsafe
  @inline(__always)
  private func walk(_ visit: (Entry, UnsafeMutableRawPointer) -> Bool) {
    var chunk = unsafe first
    while let some = unsafe chunk {
      let header = unsafe some.assumingMemoryBound(to: Chunk.self).pointee
      var place = header.start
      while place < header.end {
        // SAFETY: from start to end there are whole entries, each with its frame behind it.
        let entry = unsafe (some + place).load(as: Entry.self)
        guard unsafe visit(entry, some + place + MemoryLayout<Entry>.stride) else { return }
        place += Self.stride(Int(entry.size))
      }
      unsafe chunk = header.next
    }
  }

  @unsafe
  private static func load(_ entry: Entry, at base: UnsafeMutableRawPointer, into burst: borrowing Burst) {
    let (index, size) = (burst.count, Int(entry.size))
    burst.frames[index] = unsafe Frame(source: UnsafeRawPointer(base), sourceSize: size, size: size)
    if entry.needsChecksum {
      burst.frames[index].checksumStart = entry.checksumStart
      burst.frames[index].checksumOffset = entry.checksumOffset
      burst.frames[index].flags.insert(.needsChecksum)
    }
    burst.frames[index].segmentationType = entry.segmentationType
    burst.frames[index].segmentSize = entry.segmentSize
    burst.fillScratch(index, &burst.frames[index])
    burst.judgeLarge(index, &burst.frames[index])
    burst.count = index + 1
  }

  /// What is kept of the first frame; nil = nothing is held.
  var firstEntry: Entry? {
    guard let chunk = unsafe first else { return nil }
    // SAFETY: the first chunk of a queue has an entry.
    return unsafe (chunk + chunk.assumingMemoryBound(to: Chunk.self).pointee.start).load(as: Entry.self)
  }

  /// Forgets the first `wanted` frames.
  mutating func removeFirst(_ wanted: Int) {
    for _ in 0..<wanted {
      guard let chunk = unsafe first?.assumingMemoryBound(to: Chunk.self) else { return }
      // SAFETY: as above.
      let size = Int(unsafe (UnsafeMutableRawPointer(chunk) + chunk.pointee.start).load(as: Entry.self).size)
      unsafe chunk.pointee.start += Self.stride(size)
      count -= 1
      bytes -= size
      guard unsafe chunk.pointee.start == chunk.pointee.end else { continue }
      let next = unsafe chunk.pointee.next
      unsafe UnsafeMutableRawPointer(chunk).deallocate()
      unsafe first = next
      if unsafe next == nil { unsafe last = nil }
    }
  }

  /// Visits all frames in order.
  func coldForEach(_ body: (Entry, [UInt8]) -> Void) {
    unsafe walk { entry, bytes in
      body(entry, unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Int(entry.size))))
      return true
    }
  }
}
