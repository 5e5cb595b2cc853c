import LinuxHost
import Testing

@testable import Dataplane

/// Word from a worker to the reactor.
@Suite struct FaultQueueTests {
  private func words(_ reports: [FaultQueue.Report]) -> [String] {
    reports.map { report in
      switch report {
      case .fault(let port, let ring, let fault): "\(port)/\(ring) \(fault)"
      case .connection(let port, let epoch, let fault): "peer \(port)/\(epoch) \(fault)"
      case .peerFound(let port): "peer of \(port)"
      case .carrier(let port, let isUp): "\(port) \(isUp)"
      case .interface(let port, let isUp): "interface \(port) \(isUp)"
      case .held: "held"
      case .coalesced(let port, let count): "\(count) of \(port) left out"
      }
    }
  }

  @Test func reportsAreTakenOnceAndInOrder() throws {
    let queue = FaultQueue(bell: try EventDescriptor())
    #expect(queue.take().isEmpty)
    let fault = RingFault(.callBlocked)
    queue.report(port: 3, isUp: true)
    queue.report(port: 3, ring: 1, fault: fault)
    queue.report(port: 3, isUp: false)
    queue.report(.interface(port: 4, isUp: true))
    queue.report(.held)
    queue.report(.connection(port: 5, epoch: 2, fault: RingFault(.peerLeft)))
    queue.report(.peerFound(port: 6))
    let expected = [
      "3 true", "3/1 \(fault)", "3 false", "interface 4 true", "held", "peer 5/2 the peer has left", "peer of 6",
    ]
    #expect(words(queue.take()) == expected)
    #expect(queue.take().isEmpty)
  }

  /// Each change counts: an event stream is to show a carrier that went and came.
  @Test func noChangeIsLeftOut() throws {
    let queue = FaultQueue(bell: try EventDescriptor())
    for round in 0..<1000 { queue.report(port: 1, isUp: round % 2 == 0) }
    #expect(words(queue.take()) == (0..<1000).map { "1 \($0 % 2 == 0)" })
  }

  /// A reader that is held up: the queue does not grow for ever, the last state is right, and what is left out is told.
  @Test func carriersThatFlapForLongAreCoalesced() throws {
    let queue = FaultQueue(bell: try EventDescriptor())
    let count = 100_000
    for round in 0..<count { queue.report(port: 1, isUp: round % 2 == 0) }
    queue.report(port: 2, isUp: true)
    for round in 0..<count { queue.report(.interface(port: 3, isUp: round % 2 == 0)) }
    for _ in 0..<count { queue.report(.held) }
    let taken = words(queue.take())
    #expect(taken.prefix(FaultQueue.limit) == (0..<FaultQueue.limit).map { "1 \($0 % 2 == 0)" }[...])
    let left = count - FaultQueue.limit - 1
    #expect(
      Array(taken.dropFirst(FaultQueue.limit)) == [
        "1 false", "2 true", "interface 3 false", "held", "\(left) of 1 left out",
      ])
    queue.report(port: 1, isUp: true)
    #expect(words(queue.take()) == ["1 true"])
  }

  @Test func eachReportRingsTheBell() throws {
    let bell = try EventDescriptor()
    let queue = FaultQueue(bell: bell)
    queue.report(port: 1, isUp: true)
    queue.report(port: 1, ring: 0, fault: RingFault(.callBlocked))
    queue.report(.held)
    #expect(bell.drain() == 3)
  }

  @Test func reportsOfSeveralWorkersAreAllTaken() throws {
    let queue = FaultQueue(bell: try EventDescriptor())
    let workers = try (1...4).map { port in
      try HostThread.start(name: "worker", cpu: nil) {
        for round in 0..<1000 { queue.report(port: port, isUp: round % 2 == 0) }
      }
    }
    var taken: [FaultQueue.Report] = []
    let deadline = ContinuousClock.now + .seconds(60)
    while taken.count < 4000, ContinuousClock.now < deadline { taken += queue.take() }
    for worker in workers { worker.join() }
    for port in 1...4 {
      #expect(words(taken).filter { $0.hasPrefix("\(port) ") } == (0..<1000).map { "\(port) \($0 % 2 == 0)" })
    }
  }
}
