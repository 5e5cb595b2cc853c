import Synchronization

/// The loops of a split ring over frames that are plain; what ends them is looked at alone, by the queue.
///
/// Each is a function of its own without a call in it, so that all it needs stays in registers. Unsafe code. Invariants as
/// in SplitRing.swift and PlainFrames.swift; descriptors are read once into locals, every buffer is translated with its
/// full size before its address is used, and a used entry is written only after its buffer.
extension SplitRing {
  @inline(__always)
  func prefetchEntries(_ count: Int) {
    words.prefetchEntries(available: nextAvailable, used: nextUsed, count: count)
  }

  @inline(__always)
  func prefetchDescriptors(_ count: Int) { words.prefetchDescriptors(at: nextAvailable, count: count) }

  @inline(never)
  mutating func gatherPlain(into burst: borrowing Burst, region: GuestRegion, headerSize: Int, wanted: Int) {
    let words = words
    let finder = PlainBuffers(region)
    guard finder.largest >= UInt64(truncatingIfNeeded: headerSize) else { return }
    let limit = finder.largestFrame(behind: headerSize)
    while burst.count < wanted {
      let first = burst.count
      let run = min(wanted &- first, words.straight(from: nextAvailable), words.straight(from: nextUsed))
      // SAFETY: `run` entries follow without the ring's end among them; first + run <= wanted <= Burst.capacity.
      let (heads, used) = unsafe (words.heads(from: nextAvailable), words.usedEntries(from: nextUsed))
      let frames = unsafe burst.frames.base + first
      var count = 0
      while count < run {
        let head = unsafe heads[count].load(ordering: .relaxed)
        guard head <= words.mask else { break }
        let (address, rest) = unsafe words.descriptor(checked: head)
        // No flag set: the whole frame and its header in one readable buffer.
        let size = PlainFrames.readable(rest) &- UInt64(truncatingIfNeeded: headerSize)
        guard size <= limit, let source = unsafe finder.find(address, size: size, behind: headerSize) else { break }
        unsafe PlainFrames.prefetch(source - headerSize, Int(truncatingIfNeeded: size) &+ headerSize)
        unsafe frames[count] = Frame(direct: UnsafeRawPointer(source), size: Int(truncatingIfNeeded: size))
        unsafe used.storeBytes(of: UInt64(head), toByteOffset: 8 &* count, as: UInt64.self)
        count &+= 1
      }
      nextAvailable &+= UInt16(truncatingIfNeeded: count)
      nextUsed &+= UInt16(truncatingIfNeeded: count)
      burst.count = first &+ count
      guard count == run else { return }
    }
  }

  /// First pass of a delivery: buffers, so that the misses on their memory overlap.
  @inline(never)
  mutating func findPlaces(
    _ plain: PlainFrames, _ count: Int, in window: UInt16, region: GuestRegion, largest: Int
  ) -> Int {
    let words = words
    let finder = PlainBuffers(region)
    let limit = min(count, Int(window &- nextAvailable))
    var found = 0
    while found < limit {
      let next = nextAvailable &+ UInt16(truncatingIfNeeded: found)
      let end = found &+ min(limit &- found, words.straight(from: next))
      // SAFETY: so many entries follow without the ring's end among them.
      var heads = unsafe words.heads(from: next)
      while found < end {
        let head = unsafe heads.pointee.load(ordering: .relaxed)
        guard let size = plain.size(found, atMost: largest), head <= words.mask else { return found }
        let (address, rest) = unsafe words.descriptor(checked: head)
        let room = PlainFrames.writable(rest)
        guard room <= finder.largest, room >= UInt64(truncatingIfNeeded: size &+ PlainFrames.headerSize),
          let base = unsafe finder.find(address, size: room)
        else { return found }
        unsafe plain.note(found, base, id: head)
        unsafe heads += 1
        found &+= 1
      }
    }
    return found
  }

  /// Second pass: the copy, and used entries.
  @inline(never)
  mutating func fillPlaces(_ plain: PlainFrames, _ count: Int) -> Int {
    let words = words
    var (done, bytes) = (0, 0)
    while done < count {
      let end = done &+ min(count &- done, words.straight(from: nextUsed))
      nextUsed &+= UInt16(truncatingIfNeeded: end &- done)
      // SAFETY: so many entries end there, without the ring's end among them.
      var used = unsafe words.usedEntries(from: nextUsed &- UInt16(truncatingIfNeeded: end &- done))
      while done < end {
        let size = plain.fill(done)
        unsafe used.storeBytes(of: UInt32(plain.places[done].id), as: UInt32.self)
        unsafe used.storeBytes(
          of: UInt32(truncatingIfNeeded: size &+ PlainFrames.headerSize), toByteOffset: 4, as: UInt32.self)
        unsafe used += 8
        bytes &+= size
        done &+= 1
      }
    }
    nextAvailable &+= UInt16(truncatingIfNeeded: count)
    return bytes
  }
}
