import Testing

@testable import Dataplane

/// Which worker serves which queue.
struct SpreadTests {
  private func spread(_ workers: [Int], of count: Int) -> Spread {
    var spread = Spread(workerCount: count)
    for (port, worker) in workers.enumerated() { spread.set(port, 0, to: worker) }
    return spread
  }

  private func loads(_ cycles: [UInt64]) -> [Spread.Load] {
    cycles.enumerated().map { Spread.Load(port: $0.offset, queue: 0, cycles: $0.element) }
  }

  @Test func newQueuesGoToWhoHasLeast() {
    var spread = Spread(workerCount: 3)
    #expect((0..<7).map { spread.place($0, 0) } == [0, 1, 2, 0, 1, 2, 0])
    #expect(spread.place(0, 1) == 1)
    #expect(spread.counts == [3, 3, 2])
    // One that has a worker keeps it.
    #expect(spread.place(3, 0) == 0)
  }

  @Test func aPortThatGoesMakesRoom() {
    var spread = Spread(workerCount: 2)
    for port in 0..<4 { _ = spread.place(port, 0) }
    spread.forget(0)
    spread.forget(0)
    #expect(spread.counts == [1, 2])
    #expect(spread.worker(0, 0) == nil)
    #expect(spread.place(9, 5) == 0)
    #expect(spread.ports(of: 0) == [2, 9])
  }

  @Test func aBusyWorkerGivesAQueueAway() {
    let moves = spread([0, 0, 1], of: 2).moves(loads([50, 40, 0]), window: 100)
    #expect(moves == [Spread.Move(port: 0, queue: 0, worker: 1)])
  }

  @Test func aQueueThatIsAllThatAWorkerDoesStays() {
    #expect(spread([0, 1], of: 2).moves(loads([100, 0]), window: 100).isEmpty)
  }

  @Test func littleDifferenceMovesNothing() {
    #expect(spread([0, 0, 1, 1], of: 2).moves(loads([30, 25, 25, 20]), window: 100).isEmpty)
    // All idle, and nothing known at all.
    #expect(spread([0, 0, 0], of: 2).moves(loads([1, 1, 1]), window: 100).isEmpty)
    #expect(spread([0], of: 2).moves([], window: 100).isEmpty)
  }

  @Test func manyQueuesEndUpEven() {
    var spread = spread([Int](repeating: 0, count: 12), of: 4)
    let cycles = [UInt64](repeating: 20, count: 12)
    for move in spread.moves(loads(cycles), window: 240) { spread.set(move.port, move.queue, to: move.worker) }
    #expect(spread.counts.allSatisfy { (2...4).contains($0) }, "\(spread.counts)")
    // And stay there.
    #expect(spread.moves(loads(cycles), window: 240).isEmpty)
  }

  @Test func noMoreThanSomeMoveAtATime() {
    let moves = spread([Int](repeating: 0, count: 100), of: 64).moves(
      loads([UInt64](repeating: 100, count: 100)), window: 100)
    #expect(moves.count == Spread.mostMoves)
    #expect(Set(moves.map(\.port)).count == moves.count)
  }
}
