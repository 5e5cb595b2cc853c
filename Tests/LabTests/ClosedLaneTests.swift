import TestSupport
import Testing

@testable import Lab

/// A lane of the door once another daemon has the lab.
@Suite struct ClosedLaneTests {
  @Test func whoWaitsAndWhoComesIsSentAway() async throws {
    let lane = ChangeDoor.Lane()
    await lane.take()
    let waiting = Task { await lane.takeUnlessClosed() }
    let patient = Task { await lane.take() }
    try await eventually("both wait") { lane.waiterCount == 2 }
    lane.close()
    #expect(await waiting.value == false)
    await patient.value
    #expect(await lane.takeUnlessClosed() == false)
    await #expect(throws: CancellationError.self) { try await lane.takeUnlessCancelled() }
    // Whoever is in it stays, and lets nobody through by leaving.
    lane.leave()
    #expect(await lane.takeUnlessClosed() == false)
  }
}
