import Frames

/// The frames of one direction of a port that are on their way, with copies of them in a store of its own.
///
/// Two lists: frames in order, and frames that overtake them. Each is in order of release, so that neither taking in
/// nor letting go depends on how many are held.
struct DelayLine: ~Copyable {
  /// Which of a port's frames.
  enum Direction { case fromNode, toNode }

  /// A frame of the burst that is to be held.
  struct Candidate: BitwiseCopyable {
    var index: Int
    /// How it would leave.
    var edit: TagEdit
    /// The frame's number, and what its switch noted of it: given back by `take`.
    var packetID: UInt64
    var note: UInt32 = 0
  }

  /// Whose frames; -1 = the line is free.
  let port: Int
  let direction: Direction
  private var schedule: ImpairmentSchedule
  private var store: FrameStore
  private var held: FixedArray<HeldFrame>
  private var free: UInt32 = 0
  private var usedLimit = 0
  /// Frames on their way.
  private(set) var count = 0
  private var inOrder = HeldList()
  private var overtaking = HeldList()
  /// In the burst, to be freed after it.
  private var taken = HeldList()
  private var number: UInt64 = 0
  private var tally = Tally()
  /// When the next frame leaves; `UInt64.max` = none is held.
  private(set) var nextRelease = UInt64.max

  /// A line that is free.
  init() {
    port = -1
    direction = .fromNode
    schedule = ImpairmentSchedule(Impairment(), seed: 0)
    store = FrameStore(frameCount: 0)
    held = FixedArray(count: 0) { _ in HeldFrame() }
  }

  init(_ impairment: Impairment, port: Int, _ direction: Direction, seed: UInt64) {
    self.port = port
    self.direction = direction
    schedule = ImpairmentSchedule(impairment, seed: seed)
    store = FrameStore(frameCount: impairment.queueCount)
    held = FixedArray(count: impairment.queueCount) { _ in HeldFrame() }
  }

  /// Takes over other settings; what is held leaves when it was to leave.
  mutating func coldChange(_ impairment: Impairment) {
    schedule.impairment = impairment
    store.coldReserve(frameCount: impairment.queueCount)
    held.grow(to: impairment.queueCount) { _ in HeldFrame() }
  }

  var impairment: Impairment { schedule.impairment }

  // Taking in.

  /// Loses, or copies and holds, a frame of a burst: of a large one each segment, since that is what is on the wire.
  ///
  /// - Parameter workLimit: segments that it may be.
  @inline(never)
  mutating func hold(
    _ candidate: Candidate, of burst: borrowing Burst, now: UInt64, workLimit: Int
  ) -> HoldOutcome {
    var outcome = HoldOutcome()
    let item = PendingFrame(frame: candidate.index, edit: candidate.edit)
    var leaving = LeavingFrames(item, .cutFrames(workLimit: workLimit))
    while let frame = leaving.next(of: burst) {
      guard frame.refusal == nil else {
        outcome.refused += 1
        tally.refused &+= 1
        continue
      }
      guard !schedule.losesNext() else {
        outcome.lost += 1
        tally.lost &+= 1
        continue
      }
      if keep(frame, candidate, of: burst, now: now) {
        outcome.kept += 1
      } else {
        outcome.refused += 1
        tally.refused &+= 1
      }
      // A copy too many for the queue was never sent: no drop.
      if schedule.duplicatesNext(), keep(frame, candidate, of: burst, now: now) { tally.duplicated &+= 1 }
    }
    return outcome
  }

  /// Copies a frame and notes when it leaves; false if there is no room.
  private mutating func keep(
    _ whole: LeavingFrame, _ candidate: Candidate, of burst: borrowing Burst, now: UInt64
  ) -> Bool {
    guard count < schedule.impairment.queueCount, let slot = takeSlot() else { return false }
    let earlier = schedule
    let departure = schedule.departure(now: now, size: whole.size)
    let isCorrupted = departure.flippedBit >= 0
    // The receiver would complete the checksum over the flipped bit and so hide it.
    let mustComplete = isCorrupted || whole.header.checksumEnd > Burst.scratchSlotSize
    let frame = mustComplete ? whole.completed : whole
    guard let place = store.store(frame, of: burst) else {
      // As if it had never come: it takes no time at the rate.
      schedule = earlier
      freeSlot(slot)
      return false
    }
    if isCorrupted { store.flip(bit: departure.flippedBit, ofFrameAt: place) }
    held[slot] = HeldFrame(
      release: departure.release, packetID: candidate.packetID, number: number, next: 0,
      place: UInt32(truncatingIfNeeded: place), size: UInt32(truncatingIfNeeded: frame.size),
      checksumStart: frame.header.checksumStart, checksumOffset: frame.header.checksumOffset,
      needsChecksum: frame.header.needsChecksum, note: candidate.note)
    number &+= 1
    count += 1
    if departure.overtakes { overtaking.append(slot, in: held) } else { inOrder.append(slot, in: held) }
    nextRelease = min(nextRelease, departure.release)
    return true
  }

  /// What became of a frame, in frames as they will be sent.
  struct HoldOutcome {
    var kept = 0
    /// Lost by the impairment's chance.
    var lost = 0
    /// There was no room.
    var refused = 0
    var work: Int { kept + lost + refused }
  }

  /// What became of frames that were not just held, so far: those cost nothing more, since `number` counts them.
  private struct Tally: BitwiseCopyable {
    var duplicated: UInt64 = 0
    var lost: UInt64 = 0
    var refused: UInt64 = 0
  }

  var coldStatus: ImpairmentStatus {
    ImpairmentStatus(
      isFromNode: direction == .fromNode, delayed: number &- tally.duplicated, duplicated: tally.duplicated,
      lost: tally.lost,
      refused: tally.refused, held: count)
  }

  // Letting go.

  /// Moves frames that are due into an empty burst, in order of release; `letGo` when they were sent.
  ///
  /// - Parameters:
  ///   - packetIDs: numbers of the frames, in the same places.
  ///   - notes: the same.
  @inline(never)
  mutating func take(
    into burst: borrowing Burst, packetIDs: borrowing FixedArray<UInt64>, notes: borrowing FixedArray<UInt32>,
    until now: UInt64, limit: Int
  ) {
    while nextRelease <= now, count > 0, burst.count < limit {
      let slot = overtakingIsNext() ? overtaking.removeFirst(in: held) : inOrder.removeFirst(in: held)
      let frame = held[slot]
      let index = burst.count
      store.load(Int(frame.place), size: Int(frame.size), into: burst)
      if frame.needsChecksum {
        burst.frames[index].checksumStart = frame.checksumStart
        burst.frames[index].checksumOffset = frame.checksumOffset
        burst.frames[index].flags.insert(.needsChecksum)
      }
      burst.fillScratch(index, &burst.frames[index])
      burst.count = index + 1
      packetIDs[index] = frame.packetID
      notes[index] = frame.note
      taken.append(slot, in: held)
      count -= 1
      nextRelease = min(inOrder.release(in: held), overtaking.release(in: held))
    }
  }

  /// Frees what `take` moved; the burst is not to be used any more.
  @inline(never)
  mutating func letGo() {
    while taken.first != 0 {
      let slot = taken.removeFirst(in: held)
      store.release(Int(held[slot].place))
      freeSlot(slot)
    }
  }

  /// Of two frames that leave at the same time, the one that came first is next.
  private func overtakingIsNext() -> Bool {
    let (one, other) = (overtaking.release(in: held), inOrder.release(in: held))
    guard one == other, overtaking.first != 0, inOrder.first != 0 else { return one < other || inOrder.first == 0 }
    return held[Int(overtaking.first) - 1].number < held[Int(inOrder.first) - 1].number
  }

  // Slots.

  private mutating func takeSlot() -> Int? {
    if free != 0 {
      let slot = Int(free) - 1
      free = held[slot].next
      return slot
    }
    guard usedLimit < held.count else { return nil }
    usedLimit += 1
    return usedLimit - 1
  }

  private mutating func freeSlot(_ slot: Int) {
    held[slot].next = free
    free = UInt32(truncatingIfNeeded: slot + 1)
  }

  // As a plain value.

  /// What is held, and what comes next.
  ///
  /// - Parameter now: by the clock of lines.
  func coldState(_ portName: String, now: UInt64) -> LineState {
    var slots: [(slot: Int, overtakes: Bool)] = []
    for (list, overtakes) in [(inOrder, false), (overtaking, true)] {
      var next = list.first
      while next != 0 {
        slots.append((Int(next) - 1, overtakes))
        next = held[Int(next) - 1].next
      }
    }
    slots.sort { held[$0.slot].number < held[$1.slot].number }
    return LineState(
      port: portName, direction: direction == .fromNode ? .fromNode : .toNode,
      frames: slots.map { coldFrame($0.slot, overtakes: $0.overtakes, now: now) }, schedule: schedule.state(now: now),
      counts: LineState.Counts(
        held: number, duplicated: tally.duplicated, lost: tally.lost, refused: tally.refused))
  }

  private func coldFrame(_ slot: Int, overtakes: Bool, now: UInt64) -> HeldFrameState {
    let frame = held[slot]
    let checksum =
      frame.needsChecksum
      ? HeldFrameState.Checksum(start: frame.checksumStart, offset: frame.checksumOffset) : nil
    return HeldFrameState(
      store.coldBytes(Int(frame.place), size: Int(frame.size)),
      remaining: frame.release > now ? frame.release - now : 0, checksum: checksum, note: frame.note,
      overtakes: overtakes)
  }

  /// Takes in what a line like this one held, the oldest frames first, as far as there is room.
  ///
  /// Those keep the time that they had left. What cannot be a frame is left out.
  ///
  /// - Parameter now: by the clock of lines.
  mutating func coldRestore(_ state: LineState, now: UInt64) {
    for frame in state.frames where !coldRestore(frame, now: now) { tally.refused &+= 1 }
    // Those that were restored count as held before.
    number = max(number, state.counts.held)
    tally.duplicated &+= state.counts.duplicated
    tally.lost &+= state.counts.lost
    tally.refused &+= state.counts.refused
    schedule.restore(state.schedule, now: now)
  }

  private mutating func coldRestore(_ frame: HeldFrameState, now: UInt64) -> Bool {
    let size = frame.bytes.count
    guard size >= Ethernet.headerSize, size <= Ethernet.maximumFrameSize + Ethernet.tagSize,
      frame.checksum?.isWithin(size) ?? true, count < schedule.impairment.queueCount, let slot = takeSlot()
    else { return false }
    guard let place = store.coldStore(frame.bytes) else {
      freeSlot(slot)
      return false
    }
    // Each list is in order of release, whatever the value says.
    let last = frame.overtakes ? overtaking.lastRelease(in: held) : inOrder.lastRelease(in: held)
    let release = max(now &+ min(frame.remaining, LineState.longest), last)
    held[slot] = HeldFrame(
      release: release, packetID: 0, number: number, next: 0, place: UInt32(truncatingIfNeeded: place),
      size: UInt32(truncatingIfNeeded: size), checksumStart: frame.checksum?.start ?? 0,
      checksumOffset: frame.checksum?.offset ?? 0, needsChecksum: frame.checksum != nil, note: frame.note)
    number &+= 1
    count += 1
    if frame.overtakes { overtaking.append(slot, in: held) } else { inOrder.append(slot, in: held) }
    nextRelease = min(nextRelease, release)
    return true
  }
}

extension LineState {
  /// Nanoseconds that anything may lie ahead, 36 years: more than any queue at any rate takes, and no sum of it wraps.
  static let longest: UInt64 = 1 << 60
}

extension HeldFrameState.Checksum {
  /// It can be completed: behind the addresses, within the frame, and where it is seen.
  func isWithin(_ size: Int) -> Bool {
    let end = Int(start) + Int(offset) + 2
    return Int(start) >= Ethernet.headerSize && end <= size && end <= Burst.scratchSlotSize
  }
}
