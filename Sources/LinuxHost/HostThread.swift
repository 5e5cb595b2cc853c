import CLinux
import Glibc
import Synchronization

/// A POSIX thread, apart from Swift's cooperative ones: it may block and poll.
///
/// All signals are blocked in it but those of its own faults and SIGUSR2 (see `interrupt`).
package final class HostThread: Sendable {
  private let thread: UInt64
  /// Cleared by the first `join`.
  private let isJoinable = Mutex(true)

  private init(thread: UInt64) {
    self.thread = thread
  }

  deinit {
    if isJoinable.withLock({ $0 }) { _ = clinux_thread_detach(thread) }
  }

  /// Starts a thread that runs `body` once.
  ///
  /// Dropping the result lets it run on its own.
  ///
  /// `name` shows in `ps -L` and is cut to 15 bytes; `cpu` pins the thread to that processor.
  /// - Throws: EINVAL if there is no such processor.
  package static func start(
    name: String, cpu: Int?, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) -> HostThread {
    if let cpu, !(0..<1024 ~= cpu) {
      throw SystemError(call: "pthread_create", code: EINVAL, context: "\(name) on processor \(cpu)")
    }
    let box = unsafe Unmanaged.passRetained(Body(run: body))
    var thread: UInt64 = 0
    // SAFETY: the box is retained for the new thread, which releases it; if there is none, it is released below.
    let result = unsafe clinux_thread_start(
      name, cpu.map { CInt($0) } ?? -1, runBody, box.toOpaque(), &thread)
    if result < 0 { unsafe box.release() }
    try check(result, "pthread_create", cpu.map { "\(name) on processor \($0)" } ?? name)
    return HostThread(thread: thread)
  }

  /// Sets the priority of the calling thread, -20 (first) to 19; false if this process may not.
  package static func setPriority(_ nice: Int) -> Bool {
    clinux_thread_set_priority(CInt(clamping: nice)) == 0
  }

  /// Waits for the thread's end; later calls return at once.
  ///
  /// Not to be called by the thread itself.
  package func join() {
    let mustJoin = isJoinable.withLock { joinable in
      defer { joinable = false }
      return joinable
    }
    if mustJoin { _ = clinux_thread_join(thread) }
  }

  /// Breaks off a system call that blocks in the thread (SIGUSR2): it fails with EINTR.
  ///
  /// Harmless if none does.
  package func interrupt() {
    isJoinable.withLock { joinable in
      if joinable { _ = clinux_thread_interrupt(thread) }
    }
  }
}

/// What a new thread runs; carried over as a retained reference.
private final class Body: Sendable {
  let run: @Sendable () -> Void

  init(run: @escaping @Sendable () -> Void) {
    self.run = run
  }
}

private func runBody(_ context: UnsafeMutableRawPointer?) {
  guard let context = unsafe context else { return }
  // SAFETY: the context is the box that `start` retained for this thread.
  unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
}
