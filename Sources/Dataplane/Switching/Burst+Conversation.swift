import Frames

/// The pair of stations that a port's last frame was between, if another frame of theirs needs no thought: untagged
/// in, untagged out, both addresses known and still true.
struct Conversation: BitwiseCopyable {
  /// Destination and source as the first twelve bytes of a frame hold them.
  let first: UInt64
  let second: UInt32
  /// Port of the source, and of the destination.
  let ingress: Int
  let output: Int
  let vlan: UInt16
  /// One of both has rules, so that each frame is judged.
  let isRuled: Bool

  init(destination: MACAddress, source: MACAddress, vlan: UInt16, from ingress: Int, to output: Int, isRuled: Bool) {
    first = destination.bits | source.bits << 48
    second = UInt32(truncatingIfNeeded: source.bits >> 16)
    (self.vlan, self.ingress, self.output, self.isRuled) = (vlan, ingress, output, isRuled)
  }

  /// Where a frame of it is.
  func place(_ frame: Int) -> Place {
    Place(frame: frame, ingress: ingress, switchIndex: -1, vlan: vlan, priority: 0, hops: 0)
  }
}

/// Unsafe code. Invariants as in Burst.swift; places and frame numbers are checked before the loop.
extension Burst {
  /// Notes frames of a conversation from frame `start` on, up to the first that is different, in `pending` from `place`.
  ///
  /// A function of its own without a call in it, so that all it needs stays in registers.
  /// - Parameter room: places that are free.
  /// - Returns: how many there were, and their bytes.
  @inline(never)
  func noteConversation(
    _ known: Conversation, from start: Int, in pending: borrowing FixedArray<PendingFrame>, at place: Int, room: Int
  ) -> (frames: Int, bytes: Int) {
    let limit = min(count &- start, room)
    precondition(start >= 0 && start + max(limit, 0) <= Self.capacity && place >= 0 && place + room <= pending.count)
    // SAFETY: start + limit frames are in the burst, and their scratch slots are filled; `room` places are free.
    let frames = unsafe self.frames.base + start
    let slots = unsafe scratchSlot(start)
    let places = unsafe pending.base + place
    var (done, bytes) = (0, 0)
    while done < limit {
      let slot = unsafe slots + done &* Self.scratchSlotSize
      guard unsafe slot.loadUnaligned(as: UInt64.self) == known.first,
        unsafe slot.loadUnaligned(fromByteOffset: 8, as: UInt32.self) == known.second,
        unsafe slot.loadUnaligned(fromByteOffset: 12, as: UInt16.self) != Ethernet.typeVLAN.bigEndian,
        unsafe frames[done].flags.isPlain, unsafe frames[done].size >= Ethernet.headerSize
      else { break }
      unsafe places[done] = PendingFrame(kept: start &+ done)
      bytes &+= unsafe frames[done].size
      done &+= 1
    }
    return (done, bytes)
  }

  /// Notes all frames from frame `start` on, up to the first that is a runt or whose header is invalid, in `pending` from
  /// `place`; see `noteConversation`.
  @inline(never)
  func noteAll(
    from start: Int, in pending: borrowing FixedArray<PendingFrame>, at place: Int, room: Int
  ) -> (frames: Int, bytes: Int) {
    let limit = min(count &- start, room)
    precondition(start >= 0 && start + max(limit, 0) <= Self.capacity && place >= 0 && place + room <= pending.count)
    // SAFETY: as above.
    let frames = unsafe self.frames.base + start
    let places = unsafe pending.base + place
    var (done, bytes) = (0, 0)
    while done < limit {
      let size = unsafe frames[done].size
      guard unsafe !frames[done].isHeaderInvalid, size >= Ethernet.headerSize else { break }
      unsafe places[done] = PendingFrame(kept: start &+ done)
      bytes &+= size
      done &+= 1
    }
    return (done, bytes)
  }
}
