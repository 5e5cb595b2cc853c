import Frames

/// What a frame's sender says of it, judged where the frame comes in: nothing of a header is believed that was not checked.
///
/// Two steps, since a header is read before the frame: `judge` takes over what may be asked for at all, `judgeLarge` looks
/// whether a large frame is what it says, in scratch. Unsafe code. Invariants: looks go to the filled part of a slot.
extension Frame {
  /// Takes over what a header asks for if it was negotiated and lies inside the frame (VIRTIO 1.2 section 5.1.6.2).
  ///
  /// DATA_VALID and RSC_INFO are for the other direction and are dropped, hdr_len is not looked at.
  /// - Parameters:
  ///   - allowsPartial: checksums may be partial.
  ///   - types: large frames that may come.
  @inline(never)
  mutating func judge(_ header: OffloadHeader, allowsPartial: Bool, _ types: LargeFrameTypes) {
    segmentationType = header.segmentationType
    if segmentationType != 0 {
      segmentSize = header.segmentSize
      // A large frame's checksum is always partial.
      if !types.mayContain(segmentationType) || !header.needsChecksum || segmentSize == 0 {
        flags.insert(.headerInvalid)
      }
    }
    guard header.needsChecksum else { return }
    checksumStart = header.checksumStart
    checksumOffset = header.checksumOffset
    // A node may write headers itself (AF_PACKET): its addresses, which were judged, must not be changed in the copy.
    guard allowsPartial, header.checksumEnd <= size, header.checksumEnd <= Burst.scratchSlotSize,
      Int(checksumStart) >= Ethernet.headerSize
    else {
      flags.insert(.headerInvalid)
      return
    }
    flags.insert(.needsChecksum)
  }
}

extension Burst {
  /// Looks whether a frame that is said to be large is what its header says, once its first bytes are in scratch.
  @inline(__always)
  func judgeLarge(_ index: Int, _ frame: inout Frame) {
    if frame.segmentationType != 0, !frame.isHeaderInvalid { judgeLayout(index, &frame) }
  }

  @inline(never)
  private func judgeLayout(_ index: Int, _ frame: inout Frame) {
    guard let layout = layout(index, frame), Int(layout.transport) == Int(frame.checksumStart),
      layout.checksumOffset == Int(frame.checksumOffset),
      frame.size - Int(layout.payload) <= Int(frame.segmentSize) * Segmentation.segmentLimit
    else {
      frame.flags.insert(.headerInvalid)
      return
    }
    frame.headerSize = Int(layout.payload)
    hasLarge = true
  }

  /// Where the headers of a large frame are; nil if it is not what it says.
  @inline(__always)
  func layout(_ index: Int, _ frame: Frame) -> LargeFrame? {
    // SAFETY: the slot is filled so far, and nobody else writes to it.
    let bytes = unsafe HeaderBytes(UnsafeRawPointer(scratchSlot(index)), count: frame.scratchSize)
    return LargeFrame(bytes, type: frame.segmentationType, size: frame.size)
  }
}
