import Frames

/// A frame as it leaves by one port: how long it is, whether the port takes it, what the header in front of it says.
///
/// Its bytes are in LeavingFrame+Bytes.swift.
///
/// Between *pending* and *copy*: made of what the switch noted and what the port takes, when the port is about to take
/// it; nothing is copied or summed before its bytes are asked for. A value of one delivery, and a small one: what only a
/// segment has is in the burst (`EgressBuffer`).
struct LeavingFrame: BitwiseCopyable {
  private(set) var header: OffloadHeader
  let edit: TagEdit
  private let storedSize: UInt32
  private let storedIndex: UInt8
  /// Why the port does not take it; nil = it does, if it has room.
  private(set) var refusal: EgressDrop?
  /// Its checksum is partial, and is completed in the copy.
  private(set) var completesChecksum: Bool
  /// It is one segment of a frame; otherwise one that came.
  let isSegment: Bool

  /// In its burst.
  @inline(__always)
  var index: Int { Int(storedIndex) }

  /// Bytes, without what stands in front of the Ethernet header.
  @inline(__always)
  var size: Int { Int(storedSize) }

  /// A frame that leaves as one, whatever its size if it is large.
  @inline(__always)
  init(_ item: PendingFrame, of burst: borrowing Burst, for traits: EgressTraits) {
    let index = Int(item.frame)
    let frame = burst.frames[index]
    let size = frame.size &+ item.edit.growth
    storedIndex = item.frame
    edit = item.edit
    storedSize = UInt32(truncatingIfNeeded: size)
    refusal = traits.takes(size, isTagged: item.edit.leavesTagged(burst.header(index).isTagged)) ? nil : .tooBig
    isSegment = false
    completesChecksum = false
    header = OffloadHeader()
    guard frame.needsChecksum else { return }
    completesChecksum = !traits.takesPartialChecksums
    guard traits.takesPartialChecksums else { return }
    // The tag moves what is behind it.
    header = OffloadHeader(checksumFrom: Int(frame.checksumStart) &+ item.edit.growth, field: frame.checksumOffset)
  }

  /// A large frame that leaves uncut, and says so; or one that does not leave.
  init(large item: PendingFrame, of burst: borrowing Burst, _ refusal: EgressDrop?) {
    self.init(item, of: burst, for: .everything)
    self.refusal = refusal
    let frame = burst.frames[index]
    header = OffloadHeader(
      header, type: frame.segmentationType, headers: frame.headerSize + edit.growth, size: frame.segmentSize)
  }

  /// A segment, whose size the port was found to take; noted in the burst until there is another one.
  init(_ cut: FrameCut, of item: PendingFrame, in burst: borrowing Burst, completesChecksum: Bool) {
    storedIndex = item.frame
    edit = item.edit
    storedSize = UInt32(truncatingIfNeeded: Int(cut.layout.payload) + item.edit.growth + cut.header.size)
    refusal = nil
    self.completesChecksum = completesChecksum
    header =
      completesChecksum
      ? OffloadHeader()
      : OffloadHeader(
        checksumFrom: Int(cut.layout.transport) + item.edit.growth,
        field: UInt16(truncatingIfNeeded: cut.layout.checksumOffset))
    isSegment = true
    burst.egress.cut = cut
  }

  /// What it is cut from, and where; nil if it is one that came.
  func cut(of burst: borrowing Burst) -> FrameCut? { isSegment ? burst.egress.cut : nil }

  /// The same for whoever has no word for a partial checksum.
  var completed: LeavingFrame {
    guard header.needsChecksum else { return self }
    var frame = self
    frame.completesChecksum = true
    frame.header = OffloadHeader()
    return frame
  }
}
