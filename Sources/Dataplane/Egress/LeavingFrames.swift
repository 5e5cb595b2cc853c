import Frames

/// What a pending frame becomes at its port: the frames that leave in its place, one after the other.
///
/// Every kind of port asks for all of them and hands each on, so what a frame becomes is decided here alone:
/// - As a rule it is one frame, with its tag changed and its checksum completed or handed over.
/// - A large frame leaves whole where the port takes its kind, and says so in its `OffloadHeader`; elsewhere `next` gives one
///   segment after the other, each with its own range of the sender's payload, and headers of its own in the burst's
///   `EgressBuffer`; nothing of the payload is copied in between. Either way no segment is longer than the port's MTU
///   allows: a frame with longer ones is refused, as a switch does.
/// - Bytes in front of a frame (VXLAN's outer header, 50 of them) are the first of its prefix: `EgressBuffer` has room.
struct LeavingFrames: BitwiseCopyable {
  private let item: PendingFrame
  private let traits: EgressTraits
  /// Units of work (`EgressTraits.workLimit`) that there may be yet.
  private let workLeft: Int
  /// Frames that it becomes, as far as that is known, and how many were asked for.
  private var count = 1
  private var given = 0
  /// Of a frame that is cut: where its headers are, and the payload that is left.
  private var layout: LargeFrame?
  private var payload = FrameRange()
  private var completesChecksums = false

  /// - Parameter done: what the port was given in this delivery already.
  @inline(__always)
  init(_ item: PendingFrame, _ traits: EgressTraits, after done: TransmitOutcome = TransmitOutcome()) {
    self.item = item
    self.traits = traits
    workLeft = traits.workLimit &- done.work(traits.frameWork)
  }

  /// The next frame; its bytes are good until the one after it is asked for.
  @inline(__always)
  mutating func next(of burst: borrowing Burst) -> LeavingFrame? {
    guard given < count else { return nil }
    given &+= 1
    guard burst.frames[Int(item.frame)].isLarge else { return LeavingFrame(item, of: burst, for: traits) }
    return given == 1 ? firstOfLarge(burst) : nextSegment(burst)
  }

  /// Frames that are lost if the one that was given last is not taken, nor any after it.
  var lost: Int { count - given + 1 }
  /// Some were given before that one.
  var isPartlyGone: Bool { given > 1 }
  /// A large frame is looked at: passed on whole, refused, or cut.
  @inline(never)
  private mutating func firstOfLarge(_ burst: borrowing Burst) -> LeavingFrame? {
    let index = Int(item.frame)
    let frame = burst.frames[index]
    // Found when it came in, in the same bytes.
    guard let layout = burst.layout(index, frame) else { return LeavingFrame(large: item, of: burst, .tooBig) }
    let total = frame.size - frame.headerSize
    let size = min(Int(frame.segmentSize), total)
    let isTagged = item.edit.leavesTagged(burst.header(index).isTagged)
    guard traits.takes(frame.headerSize + item.edit.growth + size, isTagged: isTagged) else {
      return LeavingFrame(large: item, of: burst, .tooBig)
    }
    let segments = (total + size - 1) / size
    // What would be one segment is not large, and a kernel takes no more than so many datagrams in one.
    let isWhole =
      segments > 1 && traits.takesLarge.contains(frame.segmentationType, isVersion4: layout.isVersion4)
      && (layout.isTCP || segments <= Segmentation.datagramLimit)
    let work = isWhole ? max(traits.frameWork, TransmitOutcome.work(ofBytes: frame.size)) : segments * traits.frameWork
    guard work <= workLeft else {
      return LeavingFrame(large: item, of: burst, .noBuffer)
    }
    if isWhole { return LeavingFrame(large: item, of: burst, nil) }
    count = segments
    self.layout = layout
    completesChecksums = !traits.takesPartialChecksums
    payload = burst.range(of: frame, from: frame.headerSize, size: size)
    return nextSegment(burst)
  }

  @inline(never)
  private mutating func nextSegment(_ burst: borrowing Burst) -> LeavingFrame? {
    guard let layout else { return nil }
    let frame = burst.frames[Int(item.frame)]
    let total = frame.size - frame.headerSize
    let offset = (given - 1) * min(Int(frame.segmentSize), total)
    if given > 1 { burst.advance(&payload, by: payload.size, in: frame) }
    payload.size = min(payload.size, total - offset)
    let header = SegmentHeader(number: given - 1, offset: offset, size: payload.size, total: total)
    return LeavingFrame(
      FrameCut(layout: layout, header: header, payload: payload), of: item, in: burst,
      completesChecksum: completesChecksums)
  }
}
