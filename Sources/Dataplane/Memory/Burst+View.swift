import Frames

/// Frames as rules see them, each looked at once a burst.
///
/// Unsafe code. Invariants as in Burst.swift: slots are filled as far as their frame says, and looks go to the filled part.
extension Burst {
  /// Sees to it that `views` says what the frame is, of which `Ethernet.headerSize` bytes or more are there.
  @inline(__always)
  func look(_ index: Int) {
    let bit = 1 << (index & (Self.capacity - 1))
    guard viewed & bit == 0 else { return }
    viewed |= bit
    // SAFETY: the slot is the frame's own, and says how far it is filled.
    guard let words = unsafe PlainWords(at: UnsafeRawPointer(scratchSlot(index)), filled: frames[index].scratchSize)
    else { return parse(index) }
    let link = unsafe UnsafeRawPointer(scratchSlot(index)).loadUnaligned(fromByteOffset: 6, as: UInt64.self)
    views[index] = FrameView(word: words.word, addresses: words.addresses, link: link, detail: words.flags)
  }

  /// Any other frame; what is not in scratch yet is fetched if that would show more.
  @inline(never)
  private func parse(_ index: Int) {
    views[index] = FrameView(parsing: seen(index))
    guard views[index].form.contains(.cut), frames[index].size > frames[index].scratchSize,
      frames[index].scratchSize < Self.scratchSlotSize
    else { return }
    deepen(index)
    views[index] = FrameView(parsing: seen(index))
  }

  /// Fetches as much of a frame as its slot has room for, of which all is delivered as it was judged.
  func deepen(_ index: Int) {
    extendScratch(index, to: Self.scratchSlotSize)
    frames[index].flags.insert(.judged)
  }

  /// The bytes of a frame in scratch.
  @inline(__always)
  func seen(_ index: Int) -> HeaderBytes {
    // SAFETY: the slot is filled so far, and stays as it is while the frame is judged.
    unsafe HeaderBytes(UnsafeRawPointer(scratchSlot(index)), count: frames[index].scratchSize)
  }

  /// Some bytes of a frame, in the memory of its sender too, who may change them at any time; for a command or such.
  func coldBytes(_ index: Int, from start: Int, count: Int) -> [UInt8] {
    let frame = frames[index]
    let scratch = seen(index)
    var bytes = (start..<max(start, min(start + count, scratch.count))).map { scratch[$0] }
    unsafe forEachTailPiece(frame, from: max(start, scratch.count)) { source, size in
      let wanted = min(size, count - bytes.count)
      guard wanted > 0 else { return }
      // SAFETY: `wanted` bytes lie in the piece.
      unsafe bytes += UnsafeRawBufferPointer(start: source, count: wanted)
    }
    return bytes
  }
}
