import CLinux
import Synchronization

/// A worker's account of its time: written by its thread, read by anybody.
final class WorkerAccount: Sendable {
  let busyCycles = Atomic<UInt64>(0)
  let idleCycles = Atomic<UInt64>(0)
  let sleeps = Atomic<UInt64>(0)
  let bursts = Atomic<UInt64>(0)
  let frames = Atomic<UInt64>(0)
  /// Frames of each breath that moved some.
  let burstSizes = SizeCounts()
  /// Time that some of them took: sizes are microseconds, the sum is nanoseconds.
  let breathTimes = SizeCounts()
  /// Of the last second that is over: share that was busy, in millionths, and frames in a second; `.max` = none is.
  private let recentBusy = Atomic<UInt64>(.max)
  private let recentFrames = Atomic<UInt64>(.max)

  /// Of worker `index`, without what others know of it.
  func status(_ index: Int) -> WorkerStatus {
    var status = WorkerStatus(
      busyCycles: busyCycles.load(ordering: .relaxed), idleCycles: idleCycles.load(ordering: .relaxed),
      sleeps: sleeps.load(ordering: .relaxed), bursts: bursts.load(ordering: .relaxed),
      frames: frames.load(ordering: .relaxed))
    status.index = index
    (status.burstSizes, status.breathTimes) = (burstSizes.histogram, breathTimes.histogram)
    let (busy, frames) = (recentBusy.load(ordering: .relaxed), recentFrames.load(ordering: .relaxed))
    if busy != .max { status.recentBusy = Double(busy) / 1_000_000 }
    if frames != .max { status.recentFrames = Double(frames) }
    return status
  }

  /// A second is over, more or less: what it had.
  ///
  /// - Parameter last: the moment of the last call; this one's from now on.
  func closeSecond(_ last: inout Moment) {
    var now = Moment(
      cycles: clinux_rdtsc(), nanoseconds: clinux_monotonic(), busy: busyCycles.load(ordering: .relaxed),
      frames: frames.load(ordering: .relaxed))
    let (cycles, nanoseconds) = (Double(now.cycles &- last.cycles), Double(now.nanoseconds &- last.nanoseconds))
    defer { last = now }
    guard last.cycles != 0, cycles > 0, nanoseconds > 0 else { return }
    now.cycleTime = UInt64(min(nanoseconds / cycles, 1000) * 4_294_967_296)
    let share = min(Double(now.busy &- last.busy) / cycles, 1)
    recentBusy.store(UInt64(share * 1_000_000), ordering: .relaxed)
    recentFrames.store(UInt64(Double(now.frames &- last.frames) / nanoseconds * 1e9), ordering: .relaxed)
  }

  /// How a worker's account stood at some time; none at first.
  struct Moment {
    var cycles: UInt64 = 0
    var nanoseconds: UInt64 = 0
    var busy: UInt64 = 0
    var frames: UInt64 = 0
    /// Nanoseconds of a TSC cycle in the second before, times 2^32; 0 = not known yet.
    var cycleTime: UInt64 = 0

    /// - Parameter cycles: up to a second or so; what is longer is not told from it.
    func nanoseconds(_ cycles: UInt64) -> UInt64 {
      let product = min(cycles, 1 << 32).multipliedFullWidth(by: cycleTime)
      return product.high << 32 | product.low >> 32
    }
  }

  /// One writer, so a load and a store are enough.
  @inline(__always)
  func add(_ counter: borrowing Atomic<UInt64>, _ amount: UInt64) {
    counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }
}
