import Capture
import Control
import Glibc
import Lab

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
    let stopper = Task { () -> Bool in
      var wasAsked = false
      for await number in signals {
        // Asked twice: at once, without the rest.
        if wasAsked { Output.end(128 + number) }
        wasAsked = true
        Task { try? await client.delete(ControlPath.capture(id)) }
      }
      return wasAsked
    }
    defer { output.close() }
    var next = ContinuousClock.now + .seconds(1)
    do {
      try await client.download(ControlPath.capture, query: request.query) { chunk in
        try output.take(chunk)
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
