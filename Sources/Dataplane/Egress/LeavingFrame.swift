import Frames

/// A frame as it leaves by one port: how long it is, whether the port takes it, what the header in front of it says.
///
/// Its bytes are in LeavingFrame+Bytes.swift.
///
/// Between *pending* and *copy*: made of what the switch noted and what the port takes, when the port is about to take
/// it; nothing is copied or summed before its bytes are asked for. A value of one delivery.
struct LeavingFrame: BitwiseCopyable {
  /// One segment of a large frame: its headers are made of the whole's, its payload is a part of the whole's.
  struct Cut: BitwiseCopyable {
    let layout: LargeFrame
    let header: SegmentHeader
    let payload: FrameRange
  }

  /// In its burst.
  let index: Int
  let edit: TagEdit
  /// Bytes, without what stands in front of the Ethernet header.
  let size: Int
  /// Why the port does not take it; nil = it does, if it has room.
  private(set) var refusal: EgressDrop?
  /// Its checksum is partial, and is completed in the copy.
  private(set) var completesChecksum: Bool
  private(set) var header: OffloadHeader
  /// Nil: the frame is one that came.
  private(set) var cut: Cut?

  /// A frame that leaves as one, whatever its size if it is large.
  @inline(__always)
  init(_ item: PendingFrame, of burst: borrowing Burst, for traits: EgressTraits) {
    let index = Int(item.frame)
    let frame = burst.frames[index]
    self.index = index
    edit = item.edit
    size = frame.size &+ edit.growth
    refusal = traits.takes(size, isTagged: item.edit.leavesTagged(burst.header(index).isTagged)) ? nil : .tooBig
    let handsOver = frame.needsChecksum && traits.takesPartialChecksums
    completesChecksum = frame.needsChecksum && !handsOver
    // The tag moves what is behind it.
    header =
      handsOver
      ? OffloadHeader(checksumFrom: Int(frame.checksumStart) &+ edit.growth, field: frame.checksumOffset)
      : OffloadHeader()
  }

  /// A large frame that leaves uncut, and says so; or one that does not leave.
  init(large item: PendingFrame, of burst: borrowing Burst, _ refusal: EgressDrop?) {
    self.init(item, of: burst, for: .everything)
    self.refusal = refusal
    let frame = burst.frames[index]
    header = OffloadHeader(
      header, type: frame.segmentationType, headers: frame.headerSize + edit.growth, size: frame.segmentSize)
  }

  /// A segment, whose size the port was found to take.
  init(_ cut: Cut, of item: PendingFrame, completesChecksum: Bool) {
    index = Int(item.frame)
    edit = item.edit
    size = Int(cut.layout.payload) + edit.growth + cut.header.size
    refusal = nil
    self.completesChecksum = completesChecksum
    header =
      completesChecksum
      ? OffloadHeader()
      : OffloadHeader(
        checksumFrom: Int(cut.layout.transport) + edit.growth,
        field: UInt16(truncatingIfNeeded: cut.layout.checksumOffset))
    self.cut = cut
  }

  /// The same for whoever has no word for a partial checksum.
  var completed: LeavingFrame {
    guard header.needsChecksum else { return self }
    var frame = self
    frame.completesChecksum = true
    frame.header = OffloadHeader()
    return frame
  }
}
