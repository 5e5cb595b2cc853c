import Dataplane
import GuestKit
import Testing

/// Impairments that come and go while frames are held, and ports that do.
@Suite struct ImpairmentChangeTests {
  private static let ms = DrivenBench.millisecond

  private func frames(_ count: Int, from first: Int = 0) -> [[UInt8]] {
    (first..<first + count).map {
      FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 100 + $0, seed: $0)
    }
  }

  private func held(_ bench: DrivenBench, isToNode: Bool, count: Int = 100) throws -> [[UInt8]] {
    let impairment = Impairment.with { $0.delay = 10 * Self.ms }
    if isToNode { bench.impair(1, toNode: impairment) } else { bench.impair(0, fromNode: impairment) }
    let sent = frames(count)
    try bench.send(sent, from: 0, at: 0)
    #expect(try bench.frames(1) == [])
    return sent
  }

  @Test(arguments: [false, true])
  func heldFramesGoOnWhenTheImpairmentEnds(isToNode: Bool) throws {
    let bench = try DrivenBench.wire()
    let sent = try held(bench, isToNode: isToNode)
    bench.impair(isToNode ? 1 : 0)
    #expect(try bench.frames(1) == sent)
    #expect(bench.worker.nextRelease == nil)
    try bench.send(sent, from: 0, at: Self.ms)
    #expect(try bench.frames(1) == sent)
  }

  /// Held frames stay, and those that come later stay behind them; the queue may grow meanwhile.
  @Test(arguments: [100, 5000])
  func heldFramesStayUnderANewSetting(queue: Int) throws {
    let bench = try DrivenBench.wire()
    bench.impair(
      0,
      fromNode: .with {
        $0.delay = 10 * Self.ms
        $0.queueCount = 100
      })
    let first = frames(100)
    try bench.send(first, from: 0, at: 0)
    bench.impair(
      0,
      fromNode: .with {
        $0.delay = Self.ms
        $0.queueCount = queue
      })
    let second = frames(100, from: 100)
    try bench.send(second, from: 0, at: Self.ms)
    bench.breathe(at: 9 * Self.ms)
    #expect(try bench.frames(1) == [])
    bench.breathe(at: 10 * Self.ms)
    #expect(try bench.frames(1) == first + (queue == 100 ? [] : second))
    #expect(bench.drops(0) == (queue == 100 ? ["impaired-queue": 100] : [:]))
  }

  @Test(arguments: [false, true])
  func framesOfAPortWithoutCarrierAreDropped(isToNode: Bool) throws {
    let bench = try DrivenBench.wire()
    _ = try held(bench, isToNode: isToNode)
    bench.setCarrier(isToNode ? 1 : 0, up: false)
    bench.breathe(at: 10 * Self.ms)
    #expect(try bench.frames(1) == [])
    #expect(bench.drops(isToNode ? 1 : 0) == [isToNode ? "carrier-down" : "port-down": 100])
    #expect(bench.worker.nextRelease == nil)
    bench.setCarrier(isToNode ? 1 : 0, up: true)
    let sent = frames(10)
    try bench.send(sent, from: 0, at: 20 * Self.ms)
    bench.breathe(at: 30 * Self.ms)
    #expect(try bench.frames(1) == sent)
  }

  /// The port itself, or the other end of its wire.
  @Test(arguments: [false, true], [0, 1])
  func aPortMayGoWhileFramesAreHeld(isToNode: Bool, gone: Int) throws {
    let bench = try DrivenBench.wire()
    _ = try held(bench, isToNode: isToNode)
    bench.remove(gone)
    bench.breathe(at: 10 * Self.ms)
    #expect(bench.worker.nextRelease == nil)
    #expect(try bench.frames(1) == (isToNode && gone == 0 ? frames(100) : []))
    // Lines and their ports' numbers may be used again.
    let more = try bench.addGuest(.wire)
    bench.impair(more, fromNode: .with { $0.delay = Self.ms }, toNode: .with { $0.delay = Self.ms })
    bench.breathe(at: 20 * Self.ms)
  }

  /// Lines are made as needed, each with its own clock.
  @Test func manyPortsAreImpaired() throws {
    let bench = try DrivenBench()
    let ports = try (0..<20).map { _ in try bench.addGuest(.wire, ringSize: 16) }
    for pair in 0..<10 { bench.worker.connect(2 * pair, 2 * pair + 1) }
    for port in ports { bench.impair(port, fromNode: .with { $0.delay = UInt64(port + 1) * Self.ms }) }
    let sent = frames(10)
    for port in ports { try bench.guests[port].send(burst: sent) }
    bench.breathe(at: 0)
    for time in 1...20 {
      bench.breathe(at: UInt64(time) * Self.ms)
      for port in ports { #expect(try bench.frames(port) == (port == (time - 1) ^ 1 ? sent : [])) }
    }
    for port in ports { bench.impair(port) }
    #expect(bench.worker.nextRelease == nil)
  }
}
