import Dataplane
import FoundationEssentials
import Synchronization
import Testing
import Topology

@testable import Lab

@Suite struct ChangeDoorTests {
  /// Numbers that several tasks write.
  private final class Numbers: Sendable {
    let values = Mutex<[Int]>([])
  }

  private func until(_ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
      try #require(ContinuousClock.now < deadline)
      await Task.yield()
    }
  }

  @Test func oneAtATimeInTheirOrder() async throws {
    let lane = ChangeDoor.Lane()
    let order = Numbers()
    await lane.take()
    var tasks: [Task<Void, Never>] = []
    for number in 0..<20 {
      tasks.append(
        Task {
          await lane.take()
          order.values.withLock { $0.append(number) }
          lane.leave()
        })
      try await until { lane.waiterCount == number + 1 }
    }
    lane.leave()
    for task in tasks { await task.value }
    #expect(order.values.withLock { $0 } == Array(0..<20))
    // It is open then.
    await lane.take()
    lane.leave()
  }

  /// Another daemon has the lab: who waits, and who comes, is sent away.
  @Test func aClosedLaneLetsNobodyThrough() async throws {
    let lane = ChangeDoor.Lane()
    await lane.take()
    let waiting = Task { try await lane.takeUnlessCancelled() }
    try await until { lane.waiterCount == 1 }
    lane.close()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    await #expect(throws: CancellationError.self) { try await lane.takeUnlessCancelled() }
    lane.leave()
    await #expect(throws: CancellationError.self) { try await lane.takeUnlessCancelled() }
  }

  /// A client that goes away while it waits leaves nothing shut, wherever in the queue it was.
  @Test func whoGivesUpHoldsNobodyUp() async throws {
    let lane = ChangeDoor.Lane()
    await lane.take()
    let waiting = (0..<3).map { _ in Task { try await lane.takeUnlessCancelled() } }
    try await until { lane.waiterCount == 3 }
    waiting[1].cancel()
    await #expect(throws: CancellationError.self) { try await waiting[1].value }
    waiting[0].cancel()
    await #expect(throws: CancellationError.self) { try await waiting[0].value }
    lane.leave()
    try await waiting[2].value
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await lane.takeUnlessCancelled()
    }
    await #expect(throws: CancellationError.self) { try await late.value }
    lane.leave()
    try await lane.takeUnlessCancelled()
    #expect(lane.waiterCount == 0)
    lane.leave()
  }

  /// Cancelled at any moment, it is either in, and says so, or not.
  @Test func cancelledAtAnyMoment() async throws {
    let lane = ChangeDoor.Lane()
    let inside = Numbers()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<400 {
        let task = Task {
          guard (try? await lane.takeUnlessCancelled()) != nil else { return }
          let count = inside.values.withLock { inside in
            inside.append(number)
            return inside.count
          }
          #expect(count == 1)
          await Task.yield()
          inside.values.withLock { $0 = [] }
          lane.leave()
        }
        group.addTask {
          for _ in 0..<(number % 7) { await Task.yield() }
          task.cancel()
          await task.value
        }
      }
    }
    try await lane.takeUnlessCancelled()
    lane.leave()
  }

  private func lab() -> CanonicalLab {
    var lab = CanonicalLab(name: "apld")
    lab.source = "/labs/x.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1")]
    lab.nodes = [node("a", "external", [nic()]), node("b", "external", [nic(mac: "02:00:00:00:00:02")])]
    return lab
  }

  /// A link is set while a whole change has its lane for as long as it likes.
  @Test func aLinkIsSetWhileAWholeChangeIsUnderWay() async throws {
    try await withTemporaryDirectories { directories in
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab()) { _ in }
      await runtime.door.whole.take()
      var change = LinkChange()
      change.carrier = false
      _ = try await runtime.setLink("a.eth0", change)
      #expect(RunTimeState.read("apld", in: directories).links["a.eth0"]?.down.isEmpty == false)
      // An `up` and a `start` that wait are interrupted by a `down`, and it is not held up by them.
      let up = Task { try await runtime.bringUp(self.lab()) { _ in } }
      let start = Task { try await runtime.start(node: "a") { _ in } }
      try await until { runtime.door.whole.waiterCount == 2 }
      let down = Task { try await runtime.takeDown { _ in } }
      await #expect(throws: UserError(.failed, "lab apld: interrupted")) { try await up.value }
      await #expect(throws: UserError(.failed, "node a: interrupted")) { try await start.value }
      runtime.door.whole.leave()
      try await down.value
      #expect(await runtime.lab() == nil)
    }
  }

  /// F2 of the reading: both are said, and both are so.
  @Test func linkSetInParallelLosesNothing() async throws {
    try await withTemporaryDirectories { directories in
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab()) { _ in }
      for round in 0..<40 {
        var reset = LinkChange()
        reset.isReset = true
        _ = try await runtime.setLink("a.eth0", reset)
        var (cut, slow) = (LinkChange(), LinkChange())
        cut.carrier = false
        slow.impair = ["delay": "40ms"]
        async let first = runtime.setLink("a.eth0", cut)
        async let second = runtime.setLink("a.eth0", slow)
        _ = try await (first, second)
        let said = RunTimeState.read("apld", in: directories).links["a.eth0"]
        #expect(said?.down.isEmpty == false, "round \(round)")
        #expect(said?.impair?.fromFirst?.delay == 0.04, "round \(round)")
        let after = await runtime.links().first { $0.name == "a.eth0" }
        #expect(after?.impair?.fromFirst?.delay == 0.04)
      }
      try await runtime.takeDown { _ in }
    }
  }

  /// A data plane ends when the last who uses it has left, and nobody comes in meanwhile.
  @Test func aDataPlaneIsNotEndedUnderItsReaders() async throws {
    let gate = PlaneGate()
    #expect(gate.enter() == nil)
    await gate.close()
    let plane = try Dataplane(DataplaneConfiguration())
    gate.open(plane)
    #expect(gate.enter() === plane && gate.enter() === plane)
    let closed = Numbers()
    let closing = Task {
      await gate.close()
      closed.values.withLock { $0.append(1) }
    }
    while let inside = gate.enter() {
      #expect(inside === plane)
      gate.leave()
      await Task.yield()
    }
    gate.leave()
    for _ in 0..<100 { await Task.yield() }
    #expect(closed.values.withLock { $0.isEmpty })
    #expect(await plane.ports().isEmpty)
    gate.leave()
    await closing.value
    await plane.stop()
  }

  /// Questions that come while a lab is taken down are answered.
  @Test(.timeLimit(.minutes(2))) func nobodyWaitsForADataPlaneThatHasEnded() async throws {
    try await withTemporaryDirectories { directories in
      for _ in 0..<20 {
        let runtime = LabRuntime(directories: directories)
        _ = try await runtime.bringUp(lab()) { _ in }
        await withTaskGroup(of: Void.self) { group in
          group.addTask { try? await runtime.takeDown { _ in } }
          for _ in 0..<40 {
            group.addTask {
              _ = await runtime.links()
              _ = await runtime.nodes()
              _ = await runtime.withPlane { await $0.fdb(switchName: nil) }
            }
          }
        }
      }
    }
  }
}
