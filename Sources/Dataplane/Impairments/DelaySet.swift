import CLinux
internal import LinuxHost
import Synchronization

/// The lines of all impaired ports, as workers share them.
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
  }
}

/// The frames that impairments of ports hold, as one worker reaches them: a line a direction and port, and the clock they go
/// by.
///
/// What becomes of a frame before and after is others' matter: Switching/WorkerState+Holding.swift, Workers/WorkerCore+Release.swift.
struct DelaySet: ~Copyable {
  let lines: SharedView<DelayLine>
  private let shared: SharedLines
  /// `shared` for the loop, which counts no references.
  private let held: Held<SharedLines>
  /// There are other workers.
  private let isShared: Bool
  /// Frames are let go by this worker.
  private let isFirst: Bool
  /// Lines in use; the first worker's.
  private(set) var count = 0
  /// What was noted of the frames that a line let go, `Burst.capacity` of them.
  let notes = FixedArray<UInt32>(count: Burst.capacity) { _ in 0 }
  /// Nanoseconds of the monotonic clock when it was last read, which it is while there are lines.
  var now: UInt64 = 0
  /// The clock stands still but for whom drives the worker.
  var isDriven = false
  /// Frames that lines let go since the loop last asked.
  var released = 0

  /// - Parameters:
  ///   - isShared: there are other workers.
  ///   - isFirst: this one lets frames go.
  init(_ shared: SharedLines, isShared: Bool, isFirst: Bool) {
    lines = shared.store.lines.view
    self.shared = shared
    held = Held(shared)
    self.isShared = isShared
    self.isFirst = isFirst
  }

  /// Read after a burst was taken, so that no frame leaves earlier than its delay says.
  @inline(__always)
  mutating func readClock() {
    if !isDriven { now = clinux_monotonic() }
  }

  /// When the first frame of all leaves that this worker is to let go; `UInt64.max` = none.
  @inline(__always)
  var nextRelease: UInt64 { isFirst ? held.with { $0.nextRelease.load(ordering: .relaxed) } : .max }

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

  mutating func coldChange(_ line: Int, _ impairment: Impairment) { lines[line].coldChange(impairment) }

  /// Ends a line; what it holds is gone.
  mutating func coldRemove(_ line: Int) {
    lines[line] = DelayLine()
    count -= 1
    findNextRelease()
  }

  private mutating func coldFreeLine() -> Int {
    for line in 0..<lines.count where lines[line].port < 0 { return line }
    let first = lines.count
    shared.store.lines.grow(to: max(2 * first, 4)) { _ in DelayLine() }
    return first
  }
}
