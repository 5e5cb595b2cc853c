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
  let child = try RunningChild(request)
  let deadline = timeoutSeconds.map { ContinuousClock.now + .seconds(max(0, min($0, 1e9))) }
  // Not a do/catch around awaits: Swift 6.3.1 crashes on this function optimised so.
  let result = await follow(child, until: deadline, onOutput)
  if case .failure = result { await child.kill() }
  return try result.get()
}

/// As `run`, for callers that cannot wait otherwise: holds the calling thread until the process has ended.
package func runHoldingThread(
  _ request: SpawnRequest, onOutput: (_ isError: Bool, _ bytes: [UInt8]) -> Void
) throws(SystemError) -> Int32 {
  let child = try RunningChild(request)
  do throws(SystemError) {
    while !child.hasEnded { try child.advance(waitingMilliseconds: -1, onOutput) }
    return try child.finish(onOutput)
  } catch {
    child.abandon()
    throw error
  }
}

/// Waits for the end and hands over output meanwhile.
private func follow(
  _ child: RunningChild, until deadline: ContinuousClock.Instant?,
  _ onOutput: @escaping @Sendable (_ isError: Bool, _ bytes: [UInt8]) -> Void
) async -> Result<Int32, any Error> {
  while !child.hasEnded {
    let left = deadline.map { seconds(in: $0 - ContinuousClock.now) }
    switch await readiness(of: child.activity, left) {
    case .failure(let error): return .failure(error)
    case .success(true): break
    case .success(false):
      if Task.isCancelled { return .failure(CancellationError()) }
      return .failure(SystemError(call: "run", code: ETIMEDOUT, context: child.executable))
    }
    do throws(SystemError) { try child.advance(onOutput) } catch { return .failure(error) }
  }
  do throws(SystemError) { return .success(try child.finish(onOutput)) } catch { return .failure(error) }
}

private func readiness(of descriptor: Descriptor, _ seconds: Double?) async -> Result<Bool, SystemError> {
  do throws(SystemError) {
    return .success(try await Readiness.wait(for: descriptor, timeoutSeconds: seconds))
  } catch {
    return .failure(error)
  }
}

private func seconds(in duration: Duration) -> Double {
  let (seconds, attoseconds) = duration.components
  return Double(seconds) + Double(attoseconds) / 1e18
}
