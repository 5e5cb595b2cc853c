import Frames

/// Copies of frames that outlive their breath: places of one size, of which a long frame takes several.
///
/// Unsafe code. Invariants: `base` points at `placeCount` places of `placeSize` bytes until `deinit`; place numbers that
/// come in from outside are checked; `links` holds 0 or the number of a place plus one. A place is written up to the
/// frame's size before it is read. Memory is touched when it is first used, and the place freed last is used first.
@safe
struct FrameStore: ~Copyable {
  /// Bytes of a place: a frame of the usual MTU.
  static var placeSize: Int { 2048 }
  /// Places that the longest frame takes, with a tag that it was given.
  static var longestCount: Int { (Ethernet.maximumFrameSize + Ethernet.tagSize + placeSize - 1) / placeSize }
  /// Places up to which there is room for long frames, in each store.
  private static var comfort: Int { 8192 }

  private var base: UnsafeMutableRawPointer
  private var placeCount: Int
  /// The next place, plus one, of the frame that a place belongs to, or of the list of free ones.
  private var links: FixedArray<UInt32>
  /// First of the free places, plus one; and how many places were ever used.
  private var free: UInt32 = 0
  private var usedLimit = 0

  /// Makes room for `frameCount` frames of the usual size, or for as many long ones as 16 MiB hold.
  init(frameCount: Int) {
    placeCount = Self.places(for: frameCount)
    unsafe base = .allocate(byteCount: placeCount * Self.placeSize, alignment: 64)
    links = FixedArray(count: placeCount) { _ in 0 }
  }

  deinit { unsafe base.deallocate() }

  private static func places(for frameCount: Int) -> Int {
    max(frameCount, min(frameCount * longestCount, comfort))
  }

  /// Makes room for more frames; those that are held stay.
  mutating func coldReserve(frameCount: Int) {
    let wanted = Self.places(for: frameCount)
    guard wanted > placeCount else { return }
    let grown = UnsafeMutableRawPointer.allocate(byteCount: wanted * Self.placeSize, alignment: 64)
    // SAFETY: the places ever used lie in both.
    unsafe grown.copyMemory(from: UnsafeRawPointer(base), byteCount: usedLimit * Self.placeSize)
    unsafe base.deallocate()
    unsafe base = grown
    placeCount = wanted
    links.grow(to: wanted) { _ in 0 }
  }

  /// Copies a frame of a burst as it would leave; returns its first place, or nil if there is no room.
  @inline(never)
  mutating func store(_ frame: LeavingFrame, of burst: borrowing Burst) -> Int? {
    guard frame.size <= Self.longestCount * Self.placeSize, let first = take(for: frame.size) else { return nil }
    var place = first
    var offset = 0
    unsafe frame.forEachPiece(of: burst) { source, count in unsafe write(source, count, &place, &offset) }
    return first
  }

  /// Copies a frame that lies in an array; returns as `store` of a burst's frame does.
  mutating func coldStore(_ bytes: [UInt8]) -> Int? {
    guard !bytes.isEmpty, bytes.count <= Self.longestCount * Self.placeSize, let first = take(for: bytes.count) else {
      return nil
    }
    var (place, offset) = (first, 0)
    unsafe bytes.withUnsafeBytes { source in
      // SAFETY: `count` bytes are there.
      if let base = source.baseAddress { unsafe write(base, bytes.count, &place, &offset) }
    }
    return first
  }

  /// The bytes of a frame.
  func coldBytes(_ first: Int, size: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    var place = first
    while bytes.count < size {
      precondition(place >= 0 && place < placeCount)
      let count = min(size - bytes.count, Self.placeSize)
      // SAFETY: the place is one of the frame's, and holds so many of its bytes.
      unsafe bytes.append(
        contentsOf: UnsafeRawBufferPointer(start: base + place * Self.placeSize, count: count))
      place = Int(links[place]) - 1
    }
    return bytes
  }

  /// Copies bytes to where the frame goes on.
  @unsafe
  private func write(_ source: UnsafeRawPointer, _ size: Int, _ place: inout Int, _ offset: inout Int) {
    var done = 0
    while done < size {
      if offset == Self.placeSize {
        place = Int(links[place]) - 1
        offset = 0
      }
      let count = min(size - done, Self.placeSize - offset)
      // SAFETY: the frame has places for all of its bytes (`take`); `count` bytes lie in this one and in the source.
      precondition(place >= 0 && place < placeCount)
      unsafe (base + place * Self.placeSize + offset).copyMemory(from: source + done, byteCount: count)
      done += count
      offset += count
    }
  }

  /// Flips one bit of a frame, counted from the first byte's lowest.
  func flip(bit: Int, ofFrameAt first: Int) {
    var place = first
    for _ in 0..<(bit / 8 / Self.placeSize) { place = Int(links[place]) - 1 }
    precondition(place >= 0 && place < placeCount)
    // SAFETY: the place is one, the byte within it.
    let byte = unsafe (base + place * Self.placeSize + bit / 8 % Self.placeSize)
    unsafe byte.storeBytes(of: byte.load(as: UInt8.self) ^ (1 << UInt8(bit % 8)), as: UInt8.self)
  }

  /// Puts a frame at the end of a burst, which may be used until the frame is freed.
  @inline(never)
  func load(_ first: Int, size: Int, into burst: borrowing Burst) {
    precondition(first >= 0 && first < placeCount && burst.count < Burst.capacity)
    // SAFETY: the places of the frame hold its bytes.
    let start = unsafe base + first * Self.placeSize
    burst.frames[burst.count] = unsafe Frame(
      source: UnsafeRawPointer(start), sourceSize: min(size, Self.placeSize), size: size)
    guard size > Self.placeSize else { return }
    burst.frames[burst.count].segmentStart = burst.segmentCount
    var place = first
    var offset = 0
    while offset < size {
      precondition(place >= 0 && place < placeCount)
      burst.segments[burst.segmentCount] = unsafe Segment(
        base: base + place * Self.placeSize, size: min(size - offset, Self.placeSize))
      burst.segmentCount += 1
      burst.frames[burst.count].segmentCount += 1
      offset += Self.placeSize
      place = Int(links[place]) - 1
    }
  }

  /// Places in a row for a frame of `size` bytes; nil and nothing taken if there are too few.
  private mutating func take(for size: Int) -> Int? {
    var first: UInt32 = 0
    for _ in 0..<max((size + Self.placeSize - 1) / Self.placeSize, 1) {
      var place = free
      if place != 0 {
        free = links[Int(place) - 1]
      } else if usedLimit < placeCount {
        usedLimit += 1
        place = UInt32(truncatingIfNeeded: usedLimit)
      } else {
        if first != 0 { release(Int(first) - 1) }
        return nil
      }
      links[Int(place) - 1] = first
      first = place
    }
    return Int(first) - 1
  }

  /// Gives a frame's places back.
  @inline(never)
  mutating func release(_ first: Int) {
    var last = first
    while links[last] != 0 { last = Int(links[last]) - 1 }
    links[last] = free
    free = UInt32(truncatingIfNeeded: first + 1)
  }
}
