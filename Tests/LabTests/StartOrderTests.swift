import Synchronization
import Testing
import Topology

@testable import Lab

@Suite(.timeLimit(.minutes(1))) struct StartOrderTests {
  private func condition(_ node: String, _ state: StartCondition.State) -> StartCondition {
    var condition = StartCondition(node: node)
    condition.state = state
    return condition
  }

  @Test func waitsForWhatIsAskedAndNoMore() async throws {
    let order = StartOrder(["a", "b", "c"])
    await order.note("a", .started)
    // Is true already, so it returns at once.
    try await order.wait(for: [condition("a", .started)])
    let both = Task { try await order.wait(for: [condition("a", .ready), condition("b", .started)]) }
    let (done, tell) = AsyncStream.makeStream(of: Void.self)
    let watch = Task {
      try await both.value
      tell.yield()
    }
    await order.note("b", .ready)
    await order.note("a", .ready)
    await done.first { true }
    try await watch.value
  }

  @Test func lateNewsTakesNothingBack() async throws {
    let order = StartOrder(["a"])
    await order.note("a", .ready)
    await order.note("a", .started)
    try await order.wait(for: [condition("a", .ready)])
  }

  @Test func cancelledWaitEnds() async throws {
    let order = StartOrder(["a"])
    let waiting = Task { try await order.wait(for: [condition("a", .ready)]) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }
}

@Suite(.timeLimit(.minutes(1))) struct BootQueueTests {
  @Test func limitCountsWhateverTheLoad() async throws {
    let queue = BootQueue(limit: 1, processors: 8, idleProcessors: { 8 })
    try await queue.enter()
    let second = Task { try await queue.enter() }
    try await Task.sleep(for: .milliseconds(500))
    // A third one behind it that gives up holds nobody up.
    let third = Task { try await queue.enter() }
    third.cancel()
    await #expect(throws: CancellationError.self) { try await third.value }
    await queue.leave()
    try await second.value
  }

  @Test func furtherOnesStartWhileAProcessorIsIdle() async throws {
    let idle = Mutex(0.0)
    let queue = BootQueue(limit: nil, processors: 2, idleProcessors: { idle.withLock { $0 } })
    for _ in 0..<2 { try await queue.enter() }
    let (admitted, tell) = AsyncStream.makeStream(of: Void.self)
    let third = Task {
      try await queue.enter()
      tell.yield()
    }
    idle.withLock { $0 = 1.2 }
    await admitted.first { true }
    try await third.value
  }

  @Test func idleProcessorsByTheKernelsCount() {
    let texts = Mutex([
      "cpu 200 0 100 700 100 0 0 0 0 0\ncpu0 1\ncpu1 1\n", "cpu 100 0 0 100 0 0 0 0 0 0\ncpu0 1\ncpu1 1\n",
    ])
    let gauge = LoadGauge {
      texts.withLock { texts in texts.popLast() }
    }
    // 700 ticks idle of 900, on two processors.
    let idle = gauge.idleProcessors()
    #expect(abs(idle - 2 * 700 / 900) < 0.001)
    let silent = gauge.idleProcessors()
    #expect(silent == 0)
  }
}

@Suite struct TextSearchTests {
  /// After which of the pieces a text is found, from 0; nil = never.
  private func place(of text: String, in pieces: [String]) -> Int? {
    var search = TextSearch(text)
    for (index, piece) in pieces.enumerated() {
      if search.finds(in: Array(piece.utf8)) { return index }
    }
    return nil
  }

  @Test func findsAcrossPieces() {
    #expect(place(of: "login:", in: ["debian lo", "", "gi", "n: "]) == 3)
    #expect(place(of: "login:", in: ["debian login: "]) == 0)
  }

  @Test func isNotFooledByABeginning() {
    #expect(place(of: "aab", in: ["aa", "ab"]) == 1)
    #expect(place(of: "xyz", in: ["xy-xy", "x"]) == nil)
  }
}
