import Capture
import Control
import Glibc
import Lab
import Synchronization

/// Whether, and when, somebody asked for a capture's end.
private final class StopRequest: Sendable {
  /// Time that what was captured until then has to be written.
  private static let patience = Duration.milliseconds(500)
  private let time = Mutex<ContinuousClock.Instant?>(nil)

  var wasAsked: Bool { time.withLock { $0 != nil } }
  /// It was asked for, and the rest should have been written by now.
  var isOverdue: Bool { time.withLock { $0.map { ContinuousClock.now - $0 > Self.patience } ?? false } }

  /// - Returns: whether this was the first time.
  func ask() -> Bool {
    time.withLock { time in
      defer { time = time ?? ContinuousClock.now }
      return time == nil
    }
  }
}

/// Follows one capture of a running lab until it ends, or somebody ends it.
struct CaptureClient {
  let client: ControlClient
  var request: CaptureRequest

  init(_ client: ControlClient, _ request: CaptureRequest) {
    self.client = client
    self.request = request
    self.request.id = "apus-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
  }

  /// Takes the capture until it ends by itself or by a signal; what was captured until then comes still.
  /// - Parameter onSecond: called about every second while it runs.
  /// - Returns: whether a signal ended it.
  func run(into output: any CaptureOutput, onSecond: @escaping (PcapngTally) -> Void = { _ in }) async throws -> Bool {
    let signals = SignalStream.of([SIGINT, SIGTERM])
    let (client, id) = (client, request.id ?? "")
    let stop = StopRequest()
    let stopper = Task { () -> Bool in
      for await number in signals {
        // Asked twice: at once, without the rest. Not if both come together, as timeout(1) sends them to a program and
        // to its group.
        guard stop.ask() else {
          if stop.isOverdue { Output.end(128 + number) }
          continue
        }
        Task { try? await client.tell(API.captureStop, of: id) }
      }
      return stop.wasAsked
    }
    defer { output.close() }
    var next = ContinuousClock.now + .seconds(1)
    do {
      try await client.download(API.capture, query: request) { chunk in
        try output.take(chunk) { stop.isOverdue }
        guard ContinuousClock.now >= next else { return }
        next = ContinuousClock.now + .seconds(1)
        onSecond(output.tally)
      }
    } catch {
      stopper.cancel()
      throw error
    }
    stopper.cancel()
    return await stopper.value
  }
}
