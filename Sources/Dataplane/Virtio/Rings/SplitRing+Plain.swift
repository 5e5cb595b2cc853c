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
    let frames = unsafe burst.frames.base
    let first = burst.count
    let (available, used) = (nextAvailable, nextUsed)
    var count = 0
    while first &+ count < wanted {
      let step = UInt16(truncatingIfNeeded: count)
      let head = words.head(at: available &+ step)
      guard head <= words.mask else { break }
      let (address, rest) = words.descriptor(head)
      let size = Int(UInt32(truncatingIfNeeded: rest))
      // No flag set: the whole frame and its header in one readable buffer.
      guard UInt16(truncatingIfNeeded: rest >> 32) == 0, size >= headerSize, size <= PlainFrames.largestDirect,
        let base = unsafe region.translate(address, size: UInt64(size))
      else { break }
      unsafe PlainFrames.prefetch(base, size)
      // SAFETY: size >= headerSize; first + count < wanted <= Burst.capacity.
      unsafe frames[first &+ count] = Frame(
        source: UnsafeRawPointer(base) + headerSize, sourceSize: size &- headerSize, size: size &- headerSize,
        flags: .direct)
      words.storeUsed(at: used &+ step, head: head, written: 0)
      count &+= 1
    }
    nextAvailable = available &+ UInt16(truncatingIfNeeded: count)
    nextUsed = used &+ UInt16(truncatingIfNeeded: count)
    burst.count = first &+ count
  }

  /// First pass of a delivery: buffers, so that the misses on their memory overlap.
  @inline(never)
  func findPlaces(
    _ plain: PlainFrames, _ count: Int, in window: UInt16, region: GuestRegion, largest: Int
  ) -> Int {
    let words = words
    let next = nextAvailable
    let limit = min(count, Int(window &- next))
    var found = 0
    while found < limit {
      let head = words.head(at: next &+ UInt16(truncatingIfNeeded: found))
      guard let size = plain.size(found, atMost: largest), head <= words.mask else { break }
      let (address, rest) = words.descriptor(head)
      let room = UInt32(truncatingIfNeeded: rest)
      guard UInt16(truncatingIfNeeded: rest >> 32) == ChainPieces.DescriptorFlags.write,
        Int(room) >= size &+ PlainFrames.headerSize,
        let base = unsafe region.translate(address, size: UInt64(room))
      else { break }
      unsafe plain.note(found, base, id: head)
      found &+= 1
    }
    return found
  }

  /// Second pass: the copy, and used entries.
  @inline(never)
  mutating func fillPlaces(_ plain: PlainFrames, _ count: Int) -> Int {
    let words = words
    let used = nextUsed
    var (done, bytes) = (0, 0)
    while done < count {
      let size = plain.fill(done)
      unsafe words.storeUsed(
        at: used &+ UInt16(truncatingIfNeeded: done), head: plain.places[done].id,
        written: UInt32(truncatingIfNeeded: size &+ PlainFrames.headerSize))
      bytes &+= size
      done &+= 1
    }
    nextAvailable &+= UInt16(truncatingIfNeeded: count)
    nextUsed = used &+ UInt16(truncatingIfNeeded: count)
    return bytes
  }
}
