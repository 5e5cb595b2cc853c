import CLinux
import Glibc
import Synchronization

/// What only the one thread may touch that holds this lock.
///
/// A worker that cannot have it at once goes on without.
///
/// Not the standard library's lock: giving that back may be a system call, to wake who waits. Here nobody is woken: the
/// control side looks again, and a worker tries again with the next frame.
///
/// Unsafe code. Invariants: `state` points at one value from `init` to `deinit`, reached only between a successful
/// exchange of `isHeld` (acquiring) and the store that gives it back (releasing).
@safe
struct WriterLock<State: ~Copyable>: ~Copyable, @unchecked Sendable {
  /// Looks of who waits before it sleeps, and how long, in microseconds.
  private static var patience: Int { 200 }
  private static var nap: UInt32 { 50 }

  private let isHeld = Atomic<Bool>(false)
  private let state: UnsafeMutablePointer<State>

  init(_ initial: consuming State) {
    // SAFETY: initialised here, and lives until deinit.
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: initial)
  }

  deinit {
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }

  /// Runs `body` with the state; nil, and nothing was run, if another thread holds the lock.
  @inline(__always)
  func withLockIfFree<Result>(_ body: (inout State) -> Result) -> Result? {
    guard !isHeld.load(ordering: .relaxed), !isHeld.exchange(true, ordering: .acquiring) else { return nil }
    // SAFETY: the lock is held.
    let result = unsafe body(&state.pointee)
    isHeld.store(false, ordering: .releasing)
    return result
  }

  /// Waits for the lock and runs `body`.
  ///
  /// For the control side, never for a worker: its name keeps it out of the loop (tools/check-hot-path).
  func coldWithLock<Result>(_ body: (inout State) -> Result) -> Result {
    var looks = 0
    while true {
      if let result = withLockIfFree(body) { return result }
      looks += 1
      if looks < Self.patience { clinux_pause() } else { usleep(Self.nap) }
    }
  }
}
