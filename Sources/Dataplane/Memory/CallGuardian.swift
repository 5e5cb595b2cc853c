import CLinux
import Synchronization

/// Lets a watchdog see that a worker hangs in the write of a call.
///
/// Unsafe code. Invariants: `since` points at one atomic that lives as long as the process; it is zero, or the TSC
/// value at which the write began.
///
/// A call descriptor is set non-blocking, but its owner shares the file and may clear the flag again and fill the
/// counter; then the write blocks the worker and every other port with it. The reactor looks at `since` and breaks
/// such a write by a signal.
@safe
struct CallGuardian: @unchecked Sendable, BitwiseCopyable {
  private let since: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    // Never freed: one a worker, and the watchdog may look at any time.
    unsafe since = .allocate(capacity: 1)
    unsafe since.initialize(to: Atomic(0))
  }

  @inline(__always)
  func begin() { unsafe since.pointee.store(clinux_rdtsc(), ordering: .relaxed) }

  @inline(__always)
  func end() { unsafe since.pointee.store(0, ordering: .relaxed) }

  /// TSC value at which the write that is under way began; zero = none.
  var began: UInt64 { unsafe since.pointee.load(ordering: .relaxed) }
}
