import CLinux
import Glibc
import Synchronization

/// The one thread that moves between network namespaces: a namespace is a property of a thread, and no other thread may
/// find itself in a wrong one.
///
/// Started when first used, never stopped.
final class NamespaceThread: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var threadNumber: CInt = 0
  }

  private let host: Descriptor
  private let wake: EventDescriptor
  private let state = Mutex(State())

  private static let instance = OneInProcess<NamespaceThread>()

  /// The thread of this process.
  static func shared() throws(SystemError) -> NamespaceThread {
    try instance.get { () throws(SystemError) in try NamespaceThread() }
  }

  private init() throws(SystemError) {
    host = Descriptor(owning: try check(clinux_netns_current(), "open", "/proc/thread-self/ns/net"))
    wake = try EventDescriptor()
    _ = try HostThread.start(name: "apus-netns", cpu: nil) { self.loop() }
  }

  private func loop() {
    state.withLock { $0.threadNumber = clinux_thread_id() }
    while true {
      _ = clinux_poll_readable(wake.raw, -1)
      wake.drain()
      let jobs = state.withLock { state in
        defer { state.jobs = [] }
        return state.jobs
      }
      for job in jobs { job() }
    }
  }

  /// Runs `body` on the thread, in the namespace of that name (nil: the host's), and waits for it.
  ///
  /// A body that already runs on the thread may call this again.
  func run<T: Sendable>(
    in name: String?, _ body: @escaping @Sendable () throws(SystemError) -> T
  ) throws(SystemError) -> T {
    if state.withLock({ $0.threadNumber }) == clinux_thread_id() { return try visit(name, body) }
    let answer = Answer<T>()
    let done = try EventDescriptor()
    submit(in: name, body) { result in
      answer.result.withLock { $0 = result }
      done.signal()
    }
    while true {
      _ = clinux_poll_readable(done.raw, -1)
      if let result = answer.result.withLock({ $0 }) { return try result.get() }
    }
  }

  /// Has the thread run `body` there, and then hand its result to `answer`; waits for nothing.
  func submit<T: Sendable>(
    in name: String?, _ body: @escaping @Sendable () throws(SystemError) -> T,
    answer: @escaping @Sendable (Result<T, SystemError>) -> Void
  ) {
    state.withLock { state in
      state.jobs.append {
        do throws(SystemError) {
          answer(.success(try self.visit(name, body)))
        } catch {
          answer(.failure(error))
        }
      }
    }
    wake.signal()
  }

  /// Goes to a namespace, runs `body` and goes back.
  ///
  /// Should the way back fail, no later body runs in the wrong place: each goes to its own namespace first.
  private func visit<T>(_ name: String?, _ body: () throws(SystemError) -> T) throws(SystemError) -> T {
    let target = if let name { try NetworkNamespace.open(name) } else { host }
    let previous = Descriptor(owning: try check(clinux_netns_current(), "open", "/proc/thread-self/ns/net"))
    try check(clinux_netns_enter(target.raw), "setns", name ?? "the host's namespace")
    defer { _ = clinux_netns_enter(previous.raw) }
    return try body()
  }
}

/// Where a job leaves its result for the thread that waits.
private final class Answer<T: Sendable>: Sendable {
  let result = Mutex<Result<T, SystemError>?>(nil)
}
