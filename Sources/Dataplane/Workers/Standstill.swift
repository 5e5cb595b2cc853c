import CLinux
import Glibc
internal import LinuxHost
import Synchronization

/// What has all workers but the first stand still between two turns of their loops, while the first one changes what all
/// share: so a breath finds the same settings from its beginning to its end, and no frame waits for a lock.
///
/// The first worker closes it, and is alone when `close` returns; others wait at their next turn, for the microseconds that a
/// command takes. A worker that sleeps is out of its turn and need not be woken.
///
/// Each worker says in its seat that it is within a turn, before it looks whether it may; the first one says that nobody may,
/// before it looks at the seats. Both are sequentially consistent, so one of the two sees the other.
final class Standstill: Sendable {
  /// Looks of who waits before it leaves its processor, and before it sleeps for a while.
  private static let patience = (pauses: 500, yields: 2000)
  private static let nap: UInt32 = 50

  /// One worker's; alone in its cache lines.
  private struct Seat: ~Copyable, Zeroable, Sendable {
    let isTaken = Atomic<UInt64>(0)
    private let room: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)
    private let more: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
  }

  private let seats: SharedArray<Seat>
  private let isClosed = Atomic<Bool>(false)

  init(workerCount: Int) throws(SystemError) { seats = try SharedArray(count: workerCount) }

  /// A worker begins with a turn; waits while the first one is alone.
  @inline(__always)
  func enter(_ worker: Int) {
    _ = seats[worker].isTaken.exchange(1, ordering: .sequentiallyConsistent)
    if isClosed.load(ordering: .sequentiallyConsistent) { coldWait(worker) }
  }

  /// The turn is over: from now on what all share may be another.
  @inline(__always)
  func leave(_ worker: Int) { seats[worker].isTaken.store(0, ordering: .releasing) }

  @inline(never)
  private func coldWait(_ worker: Int) {
    while true {
      leave(worker)
      coldWait { !isClosed.load(ordering: .acquiring) }
      _ = seats[worker].isTaken.exchange(1, ordering: .sequentiallyConsistent)
      guard isClosed.load(ordering: .sequentiallyConsistent) else { return }
    }
  }

  /// Returns when no other worker is within a turn, nor will be until `open`; the first worker's to call.
  func coldClose() {
    _ = isClosed.exchange(true, ordering: .sequentiallyConsistent)
    for worker in 1..<seats.count {
      coldWait { seats[worker].isTaken.load(ordering: .sequentiallyConsistent) == 0 }
    }
  }

  func coldOpen() { isClosed.store(false, ordering: .releasing) }

  private func coldWait(until isSo: () -> Bool) {
    var looks = 0
    while !isSo() {
      looks += 1
      if looks < Self.patience.pauses {
        clinux_pause()
      } else if looks < Self.patience.yields {
        sched_yield()
      } else {
        usleep(Self.nap)
      }
    }
  }
}
