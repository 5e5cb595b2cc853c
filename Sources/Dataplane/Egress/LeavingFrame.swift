import Frames

/// A frame as it leaves by one port: how long it is, whether the port takes it, what the header in front of it says.
///
/// Its bytes are in LeavingFrame+Bytes.swift.
///
/// Between *pending* and *copy*: made of what the switch noted and what the port takes, when the port is about to take
/// it; nothing is copied or summed before its bytes are asked for. A value of one delivery.
struct LeavingFrame: BitwiseCopyable {
  /// In its burst.
  let index: Int
  let edit: TagEdit
  /// Bytes, without what stands in front of the Ethernet header.
  let size: Int
  /// The port takes a frame of this size.
  let fits: Bool
  /// Its checksum came partial, and is completed in the copy.
  let completesChecksum: Bool
  let header: OffloadHeader

  @inline(__always)
  init(_ item: PendingFrame, of burst: borrowing Burst, for traits: EgressTraits) {
    let index = Int(item.frame)
    let frame = burst.frames[index]
    self.index = index
    edit = item.edit
    size = frame.size &+ edit.growth
    fits = traits.takes(size, isTagged: item.edit.leavesTagged(burst.header(index).isTagged))
    let handsOver = frame.needsChecksum && traits.takesPartialChecksums
    completesChecksum = frame.needsChecksum && !handsOver
    // The tag moves what is behind it.
    header =
      handsOver
      ? OffloadHeader(checksumFrom: Int(frame.checksumStart) &+ edit.growth, field: frame.checksumOffset)
      : OffloadHeader()
  }
}

/// What a pending frame becomes at its port: the frames that leave in its place, one after the other.
///
/// Every kind of port asks for all of them and hands each on, so what a frame becomes is decided here alone:
/// - Today it is one frame, with its tag changed and its checksum completed or handed over.
/// - A large frame that the port does not take whole becomes several: `next` gives one segment after the other, each with
///   its own range of the sender's payload, and headers of its own in the burst's `EgressBuffer`; nothing of the payload
///   is copied in between. `TransmitOutcome.packets` then counts more frames than were pending, so that
///   `WorkerState.account` cannot tell by it any more whether something was dropped. One that the port takes whole fits whatever its size, and says so in its
///   `OffloadHeader`.
/// - Bytes in front of a frame (VXLAN's outer header, 50 of them) are the first of its prefix: `EgressBuffer` has room.
struct LeavingFrames: BitwiseCopyable {
  private let item: PendingFrame
  private let traits: EgressTraits
  private var isFirst = true

  @inline(__always)
  init(_ item: PendingFrame, _ traits: EgressTraits) {
    self.item = item
    self.traits = traits
  }

  /// The next frame; its bytes are good until the one after it is asked for.
  @inline(__always)
  mutating func next(of burst: borrowing Burst) -> LeavingFrame? {
    guard isFirst else { return nil }
    isFirst = false
    return LeavingFrame(item, of: burst, for: traits)
  }
}
