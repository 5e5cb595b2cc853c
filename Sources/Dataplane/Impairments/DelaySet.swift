import CLinux
internal import LinuxHost
import Synchronization

/// The lines of all impaired ports, and what ports in switch-over keep, as workers share them.
///
/// A line is taken from and put into under `lock`. The first worker lets frames go, whoever held them; what a line is for is
/// set while all workers stand still.
final class SharedLines: Sendable {
  let lock = BurstLock()
  /// When the first frame of all leaves, in nanoseconds of the monotonic clock; `UInt64.max` = none is held.
  ///
  /// Set under the lock.
  let nextRelease = Atomic<UInt64>(.max)
  /// The first worker sleeps, or is about to: who holds a frame that leaves before all others wakes it.
  let isAsleep = Atomic<Bool>(false)
  /// Wakes the first worker; nil where there is only one.
  let bell: EventDescriptor?
  fileprivate let store = HeldStore()

  init(bell: EventDescriptor?) { self.bell = bell }

  /// Of the lines; see `SharedLines`.
  fileprivate struct HeldStore: ~Copyable, @unchecked Sendable {
    let lines = SharedStore<DelayLine>()
    let switchOvers = SharedStore<SwitchOver>()
  }
}

/// The frames that wait at ports, as one worker reaches them, and the clock they go by: for impairments a line a direction and
/// port, and what ports in switch-over keep.
///
/// What becomes of a frame before and after is others' matter: Switching/WorkerState+Holding.swift, Workers/WorkerCore+Release.swift.
struct DelaySet: ~Copyable {
  let lines: SharedView<DelayLine>
  let switchOvers: SharedView<SwitchOver>
  private let shared: SharedLines
  /// `shared` for the loop, which counts no references.
  private let held: Held<SharedLines>
  /// There are other workers.
  private let isShared: Bool
  /// Frames are let go by this worker.
  private let isFirst: Bool
  /// Lines and switch-overs in use; the first worker's.
  private(set) var count = 0
  /// What was noted of the frames that a line let go, `Burst.capacity` of them.
  let notes = FixedArray<UInt32>(count: Burst.capacity) { _ in 0 }
  /// The lines' clock when it was last read, which it is while there are lines: nanoseconds of the monotonic clock, less
  /// the time that the lines stood still.
  var now: UInt64 = 0
  /// Nanoseconds that they stood still so far; and when by their clock they stopped, nil = they go on.
  private var lostTime: UInt64 = 0
  private var stoppedAt: UInt64?
  /// The clock stands still but for whom drives the worker.
  var isDriven = false
  /// Frames that lines let go since the loop last asked.
  var released = 0
  /// Nanoseconds that frames wait at most for a node that is to come back.
  var switchOverLimit = SwitchOver.usualLimit

  /// - Parameters:
  ///   - isShared: there are other workers.
  ///   - isFirst: this one lets frames go.
  init(_ shared: SharedLines, isShared: Bool, isFirst: Bool) {
    lines = shared.store.lines.view
    switchOvers = shared.store.switchOvers.view
    self.shared = shared
    held = Held(shared)
    self.isShared = isShared
    self.isFirst = isFirst
  }

  /// Read after a burst was taken, so that no frame leaves earlier than its delay says.
  @inline(__always)
  mutating func readClock() {
    if !isDriven { now = clock }
  }

  /// The lines' clock at this moment.
  @inline(__always)
  var clock: UInt64 { stoppedAt ?? (isDriven ? now : clinux_monotonic() &- lostTime) }

  /// When the first frame of all leaves that this worker is to let go; `UInt64.max` = none.
  @inline(__always)
  var nextRelease: UInt64 {
    isFirst && stoppedAt == nil ? held.with { $0.nextRelease.load(ordering: .relaxed) } : .max
  }

  /// Says whether the first worker sleeps, for others that hold frames; asked once more for `nextRelease` behind it.
  ///
  /// Of another worker it says nothing: nobody waits for that one.
  func sleeps(_ isAsleep: Bool) {
    guard isShared, isFirst else { return }
    shared.isAsleep.store(isAsleep, ordering: .sequentiallyConsistent)
    // What is asked behind it is not asked before it.
    clinux_fence()
  }

  /// To be called before and after frames of a burst are held, or taken from a line.
  @inline(__always)
  func begin() { if isShared { held.with { $0.lock.take() } } }
  @inline(__always)
  func end() { if isShared { held.with { $0.lock.giveBack() } } }

  /// Loses, or copies and holds, a frame of the burst in a line.
  @inline(__always)
  mutating func hold(
    _ frame: DelayLine.Candidate, of burst: borrowing Burst, in line: Int, workLimit: Int
  ) -> DelayLine.HoldOutcome {
    let outcome = lines.place(line).element.hold(frame, of: burst, now: now, workLimit: workLimit)
    note(lines[line].nextRelease)
    return outcome
  }

  @inline(__always)
  private func note(_ release: UInt64) {
    held.with { shared in
      guard release < shared.nextRelease.load(ordering: .relaxed) else { return }
      shared.nextRelease.store(release, ordering: .sequentiallyConsistent)
      if !isFirst, shared.isAsleep.load(ordering: .sequentiallyConsistent) { shared.bell?.signal() }
    }
  }

  /// Moves a line's frames that are due at `time` into an empty burst; `letGo` when they were sent.
  mutating func take(
    from line: Int, into burst: borrowing Burst, packetIDs: borrowing FixedArray<UInt64>, until time: UInt64, limit: Int
  ) {
    begin()
    lines.place(line).element.take(into: burst, packetIDs: packetIDs, notes: notes, until: time, limit: limit)
    end()
  }

  /// Frees what `take` moved.
  mutating func letGo(of line: Int) {
    begin()
    lines.place(line).element.letGo()
    end()
  }

  /// When the first frame of a line leaves.
  @inline(__always)
  func nextRelease(of line: Int) -> UInt64 {
    begin()
    defer { end() }
    return lines[line].nextRelease
  }

  mutating func findNextRelease() {
    begin()
    var next = UInt64.max
    for line in 0..<lines.count { next = min(next, lines[line].nextRelease) }
    for place in 0..<switchOvers.count { next = min(next, switchOvers[place].nextLook) }
    held.with { $0.nextRelease.store(next, ordering: .sequentiallyConsistent) }
    end()
  }

  // Commands, of the first worker while all stand still.

  /// A new line for a direction of a port; returns its number.
  mutating func coldAdd(
    _ impairment: Impairment, port: Int, _ direction: DelayLine.Direction, seed: UInt64
  ) -> Int {
    let free = coldFreeLine()
    lines[free] = DelayLine(impairment, port: port, direction, seed: seed)
    count += 1
    return free
  }

  /// The lines' clock stands still from now on: nothing leaves, and what comes is held as if it had come at this moment.
  mutating func coldFreeze() {
    readClock()
    if stoppedAt == nil { stoppedAt = now }
  }

  /// It goes on: all that is held leaves later by the time that it stood still.
  mutating func coldThaw() {
    guard let stoppedAt else { return }
    self.stoppedAt = nil
    if !isDriven { lostTime = clinux_monotonic() &- stoppedAt }
  }

  /// Takes in what a line held; see `DelayLine`.
  mutating func coldRestore(_ line: Int, _ state: LineState, now: UInt64) {
    lines[line].coldRestore(state, now: now)
    findNextRelease()
  }

  mutating func coldChange(_ line: Int, _ impairment: Impairment) { lines[line].coldChange(impairment) }

  /// Ends a line; what it holds is gone.
  mutating func coldRemove(_ line: Int) {
    lines[line] = DelayLine()
    count -= 1
    findNextRelease()
  }

  /// A place for what a port in switch-over keeps; returns its number.
  mutating func coldAdd(_ switchOver: consuming SwitchOver) -> Int {
    var free = 0
    while free < switchOvers.count, switchOvers[free].port >= 0 { free += 1 }
    if free == switchOvers.count { shared.store.switchOvers.grow(to: max(2 * free, 4)) { _ in SwitchOver() } }
    switchOvers[free] = switchOver
    count += 1
    return free
  }

  /// Ends a port's switch-over; what it keeps is gone.
  mutating func coldRemoveSwitchOver(_ place: Int) {
    switchOvers[place] = SwitchOver()
    count -= 1
    findNextRelease()
  }

  /// Nothing is kept; asked while others may put something in.
  func coldIsEmpty(_ place: Int) -> Bool {
    begin()
    defer { end() }
    return switchOvers[place].isEmpty
  }

  private mutating func coldFreeLine() -> Int {
    for line in 0..<lines.count where lines[line].port < 0 { return line }
    let first = lines.count
    shared.store.lines.grow(to: max(2 * first, 4)) { _ in DelayLine() }
    return first
  }
}
