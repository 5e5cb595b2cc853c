import Glibc
import NIOCore
import NIOPosix

/// One thread that gives way to the workers: what comes over TCP is done there, however much it is.
///
/// Processes must not be started there, which would inherit its priority.
final class PoliteExecutor: TaskExecutor {
  /// By how much its priority is lower than the process's, as nice(2) has it.
  static let nice: Int32 = 5

  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let loop: any EventLoop

  init() {
    loop = group.next()
    Self.lower(loop)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Nothing may be queued any more.
  func end() async { try? await group.shutdownGracefully() }

  /// Lowers the priority of a loop's thread: on Linux it is a thread's own.
  static func lower(_ loop: any EventLoop) { loop.execute { _ = Glibc.nice(nice) } }
}
