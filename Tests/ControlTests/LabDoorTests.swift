import Testing

@testable import Control

@Suite struct LabDoorTests {
  /// One that came and went while the last one asked has brought a lab up, and knows better.
  @Test func whatWasHeardBeforeAnotherCameIsOld() async throws {
    let door = LabDoor()
    try await door.enter()
    let ends = await door.leave {
      try? await door.enter()
      let otherEnds = await door.leave { false }
      #expect(!otherEnds)
      return true
    }
    #expect(!ends)
    try await door.enter()
  }

  @Test func onlyOneThatWasNeverUsedIsClosedForThat() async throws {
    let door = LabDoor()
    try await door.enter()
    #expect(await !door.leave { false })
    #expect(await !door.closeIfUnused())
    let unused = LabDoor()
    #expect(await unused.closeIfUnused())
    #expect(await !unused.closeIfUnused())
  }
}
