import GuestKit
import LinuxHost
import Testing
import VhostUser

@testable import Dataplane

/// How deep a frame is in scratch when it comes in: as deep as its port needs, once, and no deeper.
@Suite(.everyRingFormat) struct NeededDepthTests {
  private static let sizes = [14, 60, 63, 64, 65, 100, 128, 129, 255, 256, 257, 1514]

  /// Frames of every size, in one piece and in two.
  @Test(arguments: [64, 65, 128, 256]) func queuesBringWhatIsAskedFor(depth: Int) throws {
    let bench = try RingFormat.current.ring()
    let memory = bench.driver.memory
    let burst = Burst()
    for (size, isCut) in Self.sizes.flatMap({ [($0, false), ($0, true)] }) {
      let bytes = frame(1, size: size)
      let address = memory.allocate(12 + size, alignment: 1)
      memory.write([UInt8](repeating: 0, count: 12) + bytes, at: address)
      let cut = isCut ? 12 + size / 2 : 0
      let parts = [(address, cut), (address + UInt64(cut), 12 + size - cut)].filter { $0.1 > 0 }
      try bench.driver.submit(parts.map { RingSegment($0.0, $0.1, isWritable: false) })
      burst.reset()
      let fault = bench.receive(into: burst, depth: depth)
      #expect(fault == nil)
      try #require(burst.count == 1)
      // The sender thinks again, and is not heard.
      memory.fill(address, count: 12 + size, with: 0xEE)
      burst.extendScratch(to: depth)
      let seen = min(size, depth)
      #expect(burst.frames[0].scratchSize == seen, "\(size) \(depth)")
      #expect(Array(UnsafeRawBufferPointer(start: burst.scratchSlot(0), count: seen)) == Array(bytes.prefix(seen)))
      bench.publishReceived()
      _ = try bench.driver.collect()
    }
  }

  // Ports of the worker.

  /// A worker whose port 0 is of some kind, port 1 a guest on the other end of a wire.
  private final class Bench {
    let ports: ContractBench
    private var captures: [(slot: Int, handle: CaptureHandle)] = []

    init(_ kind: PortKind) throws {
      ports = try ContractBench()
      try ports.wire(0, kind, 1, .vhostUser)
    }

    /// Captures a port with a filter that looks at `depth` bytes; returns its slot.
    func capture(_ port: Int, depth: Int, _ directions: CaptureDirections = .both) throws -> Int {
      var configuration = CaptureConfiguration()
      configuration.directions = directions
      configuration.filter = try .byte(UInt32(depth - 1), is: 0)
      let rings = try [CaptureRing](workers: 1, size: configuration.ringSize)
      let started = ports.core.coldStartCapture(rings, configuration)
      let slot = try #require(started)
      let handle = CaptureHandle(id: slot, rings: rings)
      captures.append((slot, handle))
      add(port, to: slot)
      return slot
    }

    func add(_ port: Int, to slot: Int) {
      guard let handle = captures.last(where: { $0.slot == slot })?.handle else { return }
      let record = PortRecord(
        index: port, name: "\(port)", switchName: nil, kind: .vhostUser, mode: .wire, mtu: 1500, address: nil,
        peer: nil, socket: nil, block: CounterBlock())
      ports.core.coldCapture(slot, port, handle.append(record))
    }

    /// Bytes in scratch of a long frame that comes in at a port.
    func seen(from port: Int) throws -> Int {
      #expect(try ports.send(frame(1, size: 300), from: port))
      return ports.core.state.burst.frames[0].scratchSize
    }
  }

  @Test(arguments: [PortKind.vhostUser, .tap]) func aPortSeesAsDeepAsItsCapturesLook(_ kind: PortKind) throws {
    let bench = try Bench(kind)
    #expect(try bench.seen(from: 0) == 64)
    let first = try bench.capture(0, depth: 100)
    #expect(bench.ports.core.state.ports[0].neededDepth == 100)
    #expect(try bench.seen(from: 0) == 100)
    let second = try bench.capture(0, depth: 200)
    #expect(try bench.seen(from: 0) == 200)
    bench.ports.core.coldStopCapture(second, .stopped)
    #expect(bench.ports.core.state.ports[0].neededDepth == 100)
    _ = bench.ports.core.coldSetFilter(first, try .byte(129, is: 0))
    #expect(try bench.seen(from: 0) == 130)
    _ = bench.ports.core.coldSetFilter(first, nil)
    #expect(try bench.seen(from: 0) == 64)
    // X = a byte of the frame, then byte X: it may be anywhere.
    let anywhere = try FilterProgram([
      FilterInstruction(0x30, 0, 0, 14), FilterInstruction(0x07), FilterInstruction(0x50, 0, 0, 0),
      FilterInstruction(6, 0, 0, 0xFFFF),
    ])
    _ = bench.ports.core.coldSetFilter(first, anywhere)
    #expect(bench.ports.core.state.ports[0].neededDepth == Burst.scratchSlotSize)
    #expect(try bench.seen(from: 0) == 256)
    bench.ports.core.coldUncapture(first, 0)
    #expect(try bench.seen(from: 0) == 64)
  }

  /// The port's own number is what `receive` goes by, whoever set it: no capture helps here.
  @Test(arguments: [PortKind.vhostUser, .tap]) func receivingIsAsDeepAsThePortSays(_ kind: PortKind) throws {
    let bench = try Bench(kind)
    for depth in [128, 64, 256, 65, 64] {
      bench.ports.core.state.ports[0].neededDepth = depth
      #expect(try bench.seen(from: 0) == depth)
      #expect(try bench.ports.received(1) == [frame(1, size: 300)])
      #expect(try bench.seen(from: 1) == 64)
    }
  }

  /// Who looks only at what goes to a node, or at another port, makes nobody else's frames deeper where they come in.
  @Test(arguments: [PortKind.vhostUser, .tap]) func othersAreNotSeenDeeper(_ kind: PortKind) throws {
    let bench = try Bench(kind)
    _ = try bench.capture(0, depth: 100, .toNode)
    let other = try bench.capture(1, depth: 200)
    #expect(bench.ports.core.state.ports[0].neededDepth == 64)
    #expect(bench.ports.core.state.ports[1].neededDepth == 200)
    // On its way out at port 1 it is filled up on demand.
    #expect(try bench.seen(from: 0) == 200)
    bench.ports.core.coldUncapture(other, 1)
    #expect(try bench.seen(from: 0) == 64)
  }

  /// A number that is used again begins with the rule; what is injected or was held is seen as deep as all else.
  @Test func everyWayInIsAsDeep() throws {
    let bench = try Bench(.vhostUser)
    // No capture, which would fill up on demand what was forgotten where the frame came in.
    bench.ports.core.state.ports[0].neededDepth = 150
    bench.ports.core.state.burst.frames[0].scratchSize = 0
    bench.ports.core.coldInject(0, frame(1, size: 300))
    #expect(bench.ports.core.state.burst.frames[0].scratchSize == 150)
    bench.ports.core.state.delays.isDriven = true
    bench.ports.core.coldImpair(0, .fromNode, .with { $0.delay = 1_000_000 }, seed: 1)
    #expect(try bench.ports.send(frame(1, size: 300), from: 0))
    bench.ports.core.state.burst.frames[0].scratchSize = 0
    bench.ports.core.state.delays.now = 2_000_000
    bench.ports.breathe()
    #expect(bench.ports.core.state.burst.frames[0].scratchSize == 150)
    bench.ports.remove(0)
    try bench.ports.wire(0, .vhostUser, 2, .vhostUser)
    #expect(bench.ports.core.state.ports[0].neededDepth == 64)
  }
}
