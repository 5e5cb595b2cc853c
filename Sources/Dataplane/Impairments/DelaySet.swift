import CLinux

/// The frames that impairments of one worker's ports hold: a line a direction and port, and the clock they go by.
///
/// What becomes of a frame before and after is others' matter: Switching/WorkerState+Holding.swift, Workers/WorkerCore+Release.swift.
struct DelaySet: ~Copyable {
  private(set) var lines = FixedArray<DelayLine>(count: 0) { _ in DelayLine() }
  /// Lines in use.
  private(set) var count = 0
  /// When the first frame of all leaves; `UInt64.max` = none is held.
  private(set) var nextRelease = UInt64.max
  /// What was noted of the frames that a line let go, `Burst.capacity` of them.
  let notes = FixedArray<UInt32>(count: Burst.capacity) { _ in 0 }
  /// Nanoseconds of the monotonic clock when it was last read, which it is while there are lines.
  var now: UInt64 = 0
  /// The clock stands still but for whom drives the worker.
  var isDriven = false
  /// Frames that lines let go since the loop last asked.
  var released = 0

  /// Read after a burst was taken, so that no frame leaves earlier than its delay says.
  @inline(__always)
  mutating func readClock() {
    if !isDriven { now = clinux_monotonic() }
  }

  /// Loses, or copies and holds, a frame of the burst in a line.
  @inline(__always)
  mutating func hold(
    _ frame: DelayLine.Candidate, of burst: borrowing Burst, in line: Int, workLimit: Int
  ) -> DelayLine.HoldOutcome {
    let outcome = lines[line].hold(frame, of: burst, now: now, workLimit: workLimit)
    nextRelease = min(nextRelease, lines[line].nextRelease)
    return outcome
  }

  /// Moves a line's frames that are due at `time` into an empty burst; `letGo` when they were sent.
  mutating func take(
    from line: Int, into burst: borrowing Burst, packetIDs: borrowing FixedArray<UInt64>, until time: UInt64, limit: Int
  ) {
    lines[line].take(into: burst, packetIDs: packetIDs, notes: notes, until: time, limit: limit)
  }

  /// Frees what `take` moved.
  mutating func letGo(of line: Int) { lines[line].letGo() }

  mutating func findNextRelease() {
    nextRelease = .max
    for line in 0..<lines.count { nextRelease = min(nextRelease, lines[line].nextRelease) }
  }

  // Commands.

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
    lines.grow(to: max(2 * first, 4)) { _ in DelayLine() }
    return first
  }
}
