import CLinux
import Glibc
import Synchronization

/// A lock that workers take once a burst, for what other workers reach too.
///
/// Held for some microseconds. Who waits polls, and leaves its processor to others when that takes longer: where there are
/// more workers than processors, the holder may be waiting for one.
struct BurstLock: ~Copyable {
  /// Looks before who waits leaves the processor.
  private static var patience: Int { 400 }

  private let isHeld = Atomic<Bool>(false)
  /// What lies beside it is in other cache lines: another ring's lock, for one.
  private let room: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0)

  init() {}

  /// Waits for the lock and takes it; whoever has it must not take it again.
  @inline(__always)
  func take() {
    if isHeld.exchange(true, ordering: .acquiring) { coldWait() }
  }

  @inline(__always)
  func giveBack() { isHeld.store(false, ordering: .releasing) }

  @inline(never)
  private func coldWait() {
    var looks = 0
    while isHeld.load(ordering: .relaxed) || isHeld.exchange(true, ordering: .acquiring) {
      looks += 1
      if looks < Self.patience { clinux_pause() } else { sched_yield() }
    }
  }
}
