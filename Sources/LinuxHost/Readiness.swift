import CLinux
import Glibc
import Synchronization

/// Lets tasks wait for descriptors without holding one of Swift's threads.
///
/// Not for the data path.
package enum Readiness {
  /// Waits until `descriptor` is readable, or has an error or hang-up to report; nil waits for ever.
  ///
  /// Returns false when the time is over or the task is cancelled. Any number of tasks may wait for one descriptor.
  package static func wait(for descriptor: Descriptor, timeoutSeconds: Double?) async throws(SystemError) -> Bool {
    let watcher = try ReadinessWatcher.shared()
    // A watch of its own, also if another task waits for the same descriptor.
    let copy = try descriptor.duplicate()
    let deadline = timeoutSeconds.map { ContinuousClock.now + .seconds(max(0, min($0, 1e9))) }
    let number = watcher.nextNumber()
    let result: Result<Bool, SystemError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        watcher.add(number, ReadinessWatcher.Waiter(descriptor: copy, deadline: deadline, continuation: continuation))
        if Task.isCancelled { watcher.finish(number, .success(false)) }
      }
    } onCancel: {
      watcher.finish(number, .success(false))
    }
    return try result.get()
  }
}

/// The thread behind `Readiness`; started when first used, never stopped.
final class ReadinessWatcher: Sendable {
  struct Waiter {
    var descriptor: Descriptor
    var deadline: ContinuousClock.Instant?
    var continuation: CheckedContinuation<Result<Bool, SystemError>, Never>
  }

  private struct State {
    var lastNumber: UInt64 = 0
    var waiters: [UInt64: Waiter] = [:]
  }

  /// Has an epoll watch a descriptor, under a wait's number.
  typealias Watch = @Sendable (Epoll, Descriptor, UInt64) throws(SystemError) -> Void

  let epoll: Epoll
  private let watch: Watch
  private let wake: EventDescriptor
  private let state = Mutex(State())

  private static let instance = OneInProcess<ReadinessWatcher>()

  static func shared() throws(SystemError) -> ReadinessWatcher {
    try instance.get { () throws(SystemError) in try ReadinessWatcher() }
  }

  /// - Parameter watch: another one only where a test looks at the moment in between.
  init(watch: @escaping Watch = ReadinessWatcher.watch) throws(SystemError) {
    self.watch = watch
    epoll = try Epoll()
    wake = try EventDescriptor()
    try epoll.add(wake.raw, token: 0, events: Epoll.input)
    _ = try HostThread.start(name: "apus-readiness", cpu: nil) { self.loop() }
  }

  @Sendable static func watch(_ epoll: Epoll, _ descriptor: Descriptor, _ number: UInt64) throws(SystemError) {
    try epoll.add(descriptor.raw, token: number, events: Epoll.input | Epoll.readHangup | Epoll.oneShot)
  }

  func nextNumber() -> UInt64 {
    state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
  }

  /// Begins a wait, which a call of `finish` ends.
  ///
  /// The watch is made and removed under the lock. Else a wait could end before its watch was made, which then stayed
  /// for as long as anybody has the same file open, in the way of the next copy of that number.
  func add(_ number: UInt64, _ waiter: Waiter) {
    let failure = state.withLock { state -> SystemError? in
      do throws(SystemError) {
        try watch(epoll, waiter.descriptor, number)
        state.waiters[number] = waiter
        return nil
      } catch {
        return error
      }
    }
    guard let failure else {
      if waiter.deadline != nil { wake.signal() }
      return
    }
    // A plain file is always readable.
    waiter.continuation.resume(returning: failure.code == EPERM ? .success(true) : .failure(failure))
  }

  /// Ends one wait; nothing happens if it has ended already.
  func finish(_ number: UInt64, _ result: Result<Bool, SystemError>) {
    let continuation = take(number)
    continuation?.resume(returning: result)
  }

  /// Forgets a wait; its descriptor is closed by the time this returns, unless the waiting task holds it.
  private func take(_ number: UInt64) -> CheckedContinuation<Result<Bool, SystemError>, Never>? {
    let waiter = state.withLock { state in
      let waiter = state.waiters.removeValue(forKey: number)
      if let waiter { epoll.remove(waiter.descriptor.raw) }
      return waiter
    }
    return waiter?.continuation
  }

  private func loop() {
    var events = [EpollEvent](repeating: EpollEvent(), count: 64)
    while true {
      let count = epoll.wait(into: &events, timeoutMicroseconds: pause())
      wake.drain()
      for event in events.prefix(count) where event.token != 0 { finish(event.token, .success(true)) }
      for number in expired() { finish(number, .success(false)) }
    }
  }

  /// Microseconds until the next deadline; -1 if there is none.
  private func pause() -> Int64 {
    guard let next = state.withLock({ $0.waiters.values.compactMap(\.deadline).min() }) else { return -1 }
    let (seconds, attoseconds) = (next - ContinuousClock.now).components
    return max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000 + 1)
  }

  private func expired() -> [UInt64] {
    let now = ContinuousClock.now
    return state.withLock { state in
      state.waiters.compactMap { number, waiter in waiter.deadline.map { $0 <= now } == true ? number : nil }
    }
  }
}
