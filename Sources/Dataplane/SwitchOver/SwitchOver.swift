import Frames

/// A port in switch-over: its node moves, is paused, or starts anew elsewhere, and frames to it wait.
///
/// Frames are put in by any worker, under the lock of `SharedLines`, and taken out by the first one. Phases and times are the
/// first worker's.
struct SwitchOver: ~Copyable {
  enum Phase: UInt8 {
    /// The node takes no frames: all are kept, and the port counts as having carrier.
    case waiting
    /// It takes frames again: what is held goes first, and what comes meanwhile behind it.
    case open
    /// Its session has ended: what is held goes where the switch finds its stations, for a moment; nothing more is kept.
    case lost
  }

  /// Between two looks, in nanoseconds: for buffers of a node that has none, and for stations that have moved.
  static let bufferPause: UInt64 = 500_000
  static let stationPause: UInt64 = 20_000_000
  /// How long a node that takes frames again may have no buffer, and stations may take to show up elsewhere.
  static let bufferPatience: UInt64 = 5_000_000_000
  static let stationPatience: UInt64 = 1_000_000_000
  /// How long a node may take to come back, unless the data plane's configuration says otherwise.
  static let usualLimit: UInt64 = 30_000_000_000

  /// Whose frames; -1 = the place is free.
  let port: Int
  var phase = Phase.waiting
  /// By `Dataplane.holdFrames`: it ends by `releaseFrames`, and not when the node is there.
  var isAsked = false
  /// When the present phase ends whatever happens, in nanoseconds of the monotonic clock.
  var deadline = UInt64.max
  /// When the first worker is to look again.
  var nextLook = UInt64.max
  /// Since when the node has had no buffer for the first frame; 0 = it has one, as far as is known.
  var blockedSince: UInt64 = 0
  private var waiting: HeldQueue
  /// Of a large frame that is first, and that its receiver takes in segments alone, those that have not left.
  private var segments = HeldQueue(limit: .max)

  /// A place that is free.
  init() {
    port = -1
    waiting = HeldQueue(limit: 0)
  }

  /// - Parameter limit: bytes that are held at most, with `HeldQueue.overhead` a frame.
  init(port: Int, limit: Int) {
    self.port = port
    waiting = HeldQueue(limit: limit)
  }

  var isEmpty: Bool { waiting.count + segments.count == 0 }
  /// Frames that are held.
  var count: Int { waiting.count + segments.count }
  var bytes: Int { waiting.bytes + segments.bytes }

  var limit: Int {
    get { waiting.limit }
    set { waiting.limit = newValue }
  }

  /// Copies a frame that is to leave by the port: a large one whole.
  ///
  /// - Returns: how many frames it was, and how many found no room.
  mutating func keep(
    _ item: PendingFrame, _ packetID: UInt64, of burst: borrowing Burst, workLimit: Int
  ) -> (kept: Int, refused: Int) {
    var leaving = LeavingFrames(item, Self.traits(of: item, burst, workLimit))
    var (kept, refused) = (0, 0)
    while let frame = leaving.next(of: burst) {
      guard frame.refusal == nil else {
        refused += leaving.lost
        break
      }
      // A tag that was put in may have moved the field out of what is looked at when it leaves.
      let whole = frame.header.checksumEnd > Burst.scratchSlotSize ? frame.completed : frame
      if waiting.append(whole, packetID, of: burst) { kept += 1 } else { refused += 1 }
    }
    return (kept, refused)
  }

  /// Whole, unless its headers would not fit into what is looked at when it leaves.
  private static func traits(of item: PendingFrame, _ burst: borrowing Burst, _ workLimit: Int) -> EgressTraits {
    let headers = burst.frames[Int(item.frame)].headerSize + item.edit.growth
    guard headers <= Int(UInt8.max) else { return .cutFrames(workLimit: workLimit) }
    var traits = EgressTraits.everything
    traits.workLimit = workLimit
    return traits
  }

  /// Puts the first frames into an empty burst as their receiver takes them; `removeFirst` when they were sent.
  mutating func load(
    into burst: borrowing Burst, _ packetIDs: borrowing FixedArray<UInt64>, for takesLarge: LargeFrameTypes
  ) {
    if segments.count == 0, let first = waiting.firstEntry, !Self.takes(first, takesLarge) {
      cutFirst(first.packetID, burst, packetIDs)
    }
    guard segments.count == 0 else { return segments.load(into: burst, packetIDs) }
    waiting.load(into: burst, packetIDs) { Self.takes($0, takesLarge) }
  }

  private static func takes(_ entry: HeldQueue.Entry, _ takesLarge: LargeFrameTypes) -> Bool {
    guard entry.segmentationType == Segmentation.udp else {
      return entry.segmentationType == 0 || takesLarge.mayContain(entry.segmentationType)
    }
    // One of both versions: which it is, nobody noted.
    return takesLarge.contains([.udp4, .udp6])
  }

  /// Cuts the first frame, which is large.
  private mutating func cutFirst(
    _ packetID: UInt64, _ burst: borrowing Burst, _ packetIDs: borrowing FixedArray<UInt64>
  ) {
    waiting.load(into: burst, packetIDs, limit: 1)
    var leaving = LeavingFrames(PendingFrame(kept: 0), .cutFrames(workLimit: .max))
    while let frame = leaving.next(of: burst), frame.refusal == nil { _ = segments.append(frame, packetID, of: burst) }
    // What cannot be cut is nothing that anybody takes.
    waiting.removeFirst(1)
    burst.reset()
  }

  /// Puts the first frames into an empty burst as they are held.
  func loadWhole(into burst: borrowing Burst, _ packetIDs: borrowing FixedArray<UInt64>) {
    if segments.count > 0 { segments.load(into: burst, packetIDs) } else { waiting.load(into: burst, packetIDs) }
  }

  /// Forgets the first frames of those that were loaded last.
  mutating func removeFirst(_ count: Int) {
    if segments.count > 0 { segments.removeFirst(count) } else { waiting.removeFirst(count) }
  }

  /// Visits all frames in order.
  func coldForEach(_ body: (HeldQueue.Entry, [UInt8]) -> Void) {
    segments.coldForEach(body)
    waiting.coldForEach(body)
  }

  /// Takes in a frame that was held elsewhere; false if there is no room.
  mutating func coldAppend(_ entry: HeldQueue.Entry, _ frame: [UInt8]) -> Bool { waiting.append(entry, frame) }
}
