import Lab
import Testing
import Topology

@testable import Control

@Suite struct LabDoorTests {
  /// Of two that want different labs the second would undo the first, unseen.
  @Test func oneThatWantsAnotherLabIsRefusedMeanwhile() async throws {
    let (door, lab) = (LabDoor(), FixedLab.definition)
    var other = lab
    other.switches = []
    let tickets = [try await door.enter(lab), try await door.enter(lab)]
    let refusal = await #expect(throws: UserError.self) { try await door.enter(other) }
    #expect(refusal?.code == .different)
    for ticket in tickets {
      await door.forget(ticket)
      #expect(await !door.leave { false })
    }
    try await door.enter(other)
  }

  /// Of two that have both seen the same lab one comes in, and it alone looks.
  @Test func oneOfTwoThatHaveSeenTheSameComesIn() async throws {
    let (door, lab) = (LabDoor(), FixedLab.definition)
    var refusal: UserError?
    do {
      try await door.enter(lab) {
        // Comes, and has gone, while the first one looks.
        await door.forget(try await door.enter(lab) {})
        _ = await door.leave { false }
      }
    } catch let error as UserError {
      refusal = error
    }
    #expect(refusal?.code == .different)
  }

  /// One that came and went while the last one asked has brought a lab up, and knows better.
  @Test func whatWasHeardBeforeAnotherCameIsOld() async throws {
    let door = LabDoor()
    try await door.enter(FixedLab.definition)
    let ends = await door.leave {
      _ = try? await door.enter(FixedLab.definition)
      let otherEnds = await door.leave { false }
      #expect(!otherEnds)
      return true
    }
    #expect(!ends)
    try await door.enter(FixedLab.definition)
  }

  /// Of two that take the lab down one fails: the other one's end still holds.
  @Test func twoThatCloseItOpenItOnlyTogether() async throws {
    let (door, lab) = (LabDoor(), FixedLab.definition)
    func refusal() async -> ExitCode? {
      do {
        await door.forget(try await door.enter(lab))
        return nil
      } catch {
        return (error as? UserError)?.code
      }
    }
    for _ in 0..<2 { await door.close() }
    #expect(await refusal() == .unreachable)
    await door.reopen()
    #expect(await refusal() == .unreachable)
    await door.reopen()
    #expect(await refusal() == nil)
    // One more than there were does no harm.
    await door.close()
    #expect(await refusal() == .unreachable)
    await door.reopen()
    #expect(await refusal() == nil)
  }

  @Test func onlyOneThatWasNeverUsedIsClosedForThat() async throws {
    let door = LabDoor()
    try await door.enter(FixedLab.definition)
    #expect(await !door.leave { false })
    #expect(await !door.closeIfUnused())
    let unused = LabDoor()
    #expect(await unused.closeIfUnused())
    #expect(await !unused.closeIfUnused())
  }
}
