import CLinux
import Glibc

/// Runs a process to its end and hands over what it writes, in the order of its arrival; returns its exit status, or
/// 128 + the signal that ended it.
///
/// A stream that the request directs to a file is not handed over. Output is complete when this returns, but for what
/// children left behind write later. When the time is over or the task is cancelled, the process (with its group, if it
/// has a session of its own) is killed.
/// - Throws: `SystemError` with ETIMEDOUT when the time is over; `CancellationError`; what `spawn` throws.
package func run(
  _ request: SpawnRequest, onOutput: @escaping @Sendable (_ isError: Bool, _ bytes: [UInt8]) -> Void,
  timeoutSeconds: Double? = nil
) async throws -> Int32 {
  var child = try RunningChild(request)
  let deadline = timeoutSeconds.map { ContinuousClock.now + .seconds(max(0, min($0, 1e9))) }
  do {
    while !child.hasEnded {
      let left = deadline.map { seconds(in: $0 - ContinuousClock.now) }
      guard try await Readiness.wait(for: child.activity, timeoutSeconds: left) else {
        try Task.checkCancellation()
        throw SystemError(
          call: "run", code: ETIMEDOUT, context: "\(request.executable) for \(timeoutSeconds ?? 0) seconds")
      }
      try child.advance(onOutput)
    }
    return try child.finish(onOutput)
  } catch {
    await child.kill()
    throw error
  }
}

private func seconds(in duration: Duration) -> Double {
  let (seconds, attoseconds) = duration.components
  return Double(seconds) + Double(attoseconds) / 1e18
}
