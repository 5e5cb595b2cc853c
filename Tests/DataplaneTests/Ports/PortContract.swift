import GuestKit
import LinuxHost
import Testing

@testable import Dataplane

/// What `WorkerPort` promises, over every kind of port.
///
/// A new kind says in `ContractBench.open` what is behind it.
@Suite struct PortContract {
  /// Those that frames are handed to.
  static let kinds = PortKind.allCases.filter { $0 != .none && $0 != .patch }

  /// Frames of all sizes, each with a number.
  private func frame(_ number: Int) -> [UInt8] {
    FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
      .plain(size: 60 + number * 97 % 1455).enumerated().map {
        $0 >= 20 && $0 < 22 ? UInt8(number >> (8 * ($0 - 20)) & 0xFF) : $1
      }
  }

  // Bodies that nothing is behind.

  @Test func aClosedBodyHasNothingAndTakesNothing() throws {
    var rings = VhostUserPort()
    try closed(&rings)
    var interface = TAPPort()
    try closed(&interface)
    var stream = StreamPort()
    try closed(&stream)
    var datagrams = DatagramPort()
    try closed(&datagrams)
    var packets = NICPort()
    try closed(&packets)
  }

  /// Ports are asked once a breath which of their queues have frames; serving one may end another (a call that blocks).
  @Test func aRingThatWasStoppedInTheBreathGivesNothing() throws {
    let bench = try ContractBench()
    try bench.wire(0, .vhostUser, 1, .vhostUser)
    bench.core.state.ports.vhostUser[0].rings[1].stop()
    #expect(try bench.send(frame(1), from: 0))
    #expect(try bench.received(1) == [])
    let position = bench.core.state.ports.vhostUser[0].rings[1].base
    #expect(position == 0, "the driver gets its buffer back when the ring starts again")
  }

  /// The end may come between a port's number and its body.
  @Test func aPortThatNeverCameIsLetGoOf() throws {
    let bench = try ContractBench()
    for port in [
      0, bench.core.state.ports.capacity - 1, bench.core.state.ports.capacity, PortRecord.numbers.upperBound,
    ] {
      bench.remove(port)
    }
    try bench.wire(0, .vhostUser, 1, .vhostUser)
    #expect(try bench.send(frame(1), from: 0))
    #expect(try bench.received(1).count == 1)
  }

  private func closed<Port: WorkerPort & ~Copyable>(_ port: inout Port) throws {
    let epoll = try Epoll()
    for source in [0, 1, 15, 16, 65_535] {
      port.handle(PortEvent(source: source, events: Epoll.input | Epoll.output | Epoll.error | Epoll.hangup))
    }
    port.disarm(.max)
    let longest = port.arm(.max, longest: 1234)
    let (mayHaveFrames, isThere, refusal) = (port.mayHaveFrames(among: .max), port.isThere, port.coldRefusal)
    #expect(longest == 1234)
    #expect(!mayHaveFrames && !isThere)
    #expect(refusal == .carrierDown)

    let burst = Burst()
    let pool = ReceivePool()
    let notes = ScatterNotes()
    let pending = FixedArray<PendingFrame>(count: Burst.capacity) { _ in .none }
    burst.reset()
    let fault = port.receive(queue: 0, into: burst, pool: pool, limit: Burst.capacity, depth: Burst.scratchRule)
    let count = burst.count
    #expect(fault == nil && count == 0)
    burst.reset()
    pool.note(frame(1), in: burst)
    for place in 0..<3 { pending[place] = PendingFrame(frame: 0, edit: .keep) }
    let delivery = Delivery(pending, from: 0, count: 3, port.egressTraits(mtu: 1500))
    let outcome = port.transmit(delivery, of: burst, notes: notes)
    #expect(outcome.packets == 0 && outcome.bytes == 0 && outcome.fault == nil)
    let verdicts = (0..<3).map { FrameDrop(rawValue: pending[$0].verdict).name }
    #expect(verdicts == ["carrier-down", "carrier-down", "carrier-down"])
    port.close(epoll)
    port.close(epoll)
    let isThereNow = port.isThere
    #expect(!isThereNow)
  }

  // Ports of the worker.

  @Test(arguments: kinds) func framesArriveWholeAndInOrder(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser)
    #expect(bench.core.state.ports[0].isUp && bench.core.state.ports[1].isUp)
    var sent: [[UInt8]] = []
    for number in 0..<200 {
      let frame = frame(number)
      #expect(try bench.send(frame, from: 1))
      #expect(bench.counts(0).sent == UInt64(number + 1))
      guard try bench.send(frame, from: 0) else { continue }
      sent.append(frame)
      #expect(try bench.received(0) == [frame])
      #expect(try bench.received(1) == [frame])
    }
    #expect(bench.counts(1).sent == UInt64(sent.count))
    #expect(bench.counts(0).dropped + bench.counts(1).dropped == 0)
  }

  /// Of a queue that is another worker's nothing is taken, whatever else this one may have of the port: both at once would
  /// take what lies there twice, or by halves.
  @Test(arguments: kinds) func anotherWorkersFramesAreLeftToIt(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser)
    bench.breathe()
    bench.core.state.ports.coldOwn(0, 0, false)
    #expect(bench.core.state.ports[0].ownQueues != 0)
    guard try bench.send(frame(1), from: 0) else { return }
    #expect(try bench.received(1) == [])
    let mayHaveFrames = bench.core.state.ports.coldMayHaveFrames(0)
    #expect(!mayHaveFrames, "and the worker may sleep")
    bench.core.state.ports.coldOwn(0, 0, true)
    bench.breathe()
    #expect(try bench.received(1) == [frame(1)])
  }

  /// Frames of the switch itself leave by any kind as others do.
  @Test(arguments: kinds) func whatTheSwitchSendsLeaves(_ kind: PortKind) throws {
    let bench = try ContractBench()
    bench.add(0, kind)
    try bench.open(0)
    let sent = (0..<20).map(frame)
    for frame in sent { bench.core.coldSend(0, frame, vlan: 0) }
    #expect(bench.counts(0).sent == 20 && bench.counts(0).dropped == 0)
    let received = try bench.received(0)
    #expect(received == (bench.hasFarSide(0) ? sent : []))
  }

  @Test(arguments: kinds) func whatIsNotTakenIsDroppedAtOnceAndCounted(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser, ringSize: 64)
    let long = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 1515)
    for number in 0..<600 {
      #expect(try bench.send(number < 6 ? long : frame(number), from: 1))
      let counts = bench.counts(0)
      #expect(counts.sent + counts.dropped == UInt64(number + 1))
    }
    #expect(bench.blocks[0]?.egressDrops["too-big"] == 6)
  }

  @Test(arguments: kinds) func whoIsAskedToWakeTheWorkerDoes(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser)
    // The first frame shows the worker that a descriptor has nothing yet.
    _ = try bench.send(frame(0), from: 0)
    #expect(bench.core.coldArmKicks(longest: 1000) == 1000)
    bench.core.coldSuppressKicks()
    #expect(bench.core.breathe() == 0)
  }

  /// Late events, of a port that is gone or of another kind now, and of descriptors that no port has.
  @Test(arguments: kinds) func anyEventIsTaken(_ kind: PortKind) throws {
    let bench = try ContractBench()
    try bench.wire(0, kind, 1, .vhostUser)
    for source in [0, 1, 2, 15, 16, 255, 65_535] {
      for port in [0, 2, 63] {
        bench.core.state.ports.coldHandle(
          port, PortEvent(source: source, events: Epoll.input | Epoll.output | Epoll.hangup))
      }
    }
    bench.breathe()
    #expect(try bench.send(frame(1), from: 1))
    #expect(bench.counts(0).sent == 1)
  }

  @Test(arguments: kinds, kinds) func aNumberAndAPlaceServeOthersAfterwards(_ kind: PortKind, _ other: PortKind) throws
  {
    let bench = try ContractBench()
    for round in 0..<20 {
      let now = round % 2 == 0 ? kind : other
      try bench.wire(0, now, 1, .vhostUser)
      #expect(try bench.send(frame(round), from: 1))
      #expect(bench.counts(0).sent == 1)
      // Frames that nobody has taken go with the port.
      bench.remove(0)
      #expect(bench.core.state.ports[0].body == -1)
      #expect(!bench.core.state.ports[1].isUp || !bench.core.state.ports.cables[1].isUp)
      bench.remove(1)
      #expect(bench.core.breathe() == 0)
      #expect(bench.core.state.ports.limit == 0)
      #expect(bench.core.state.ports.lookedAtCount == 0)
    }
    // Two at once, so no more than the first four of each pool.
    #expect(bench.core.state.ports.vhostUser.count <= 4 && bench.core.state.ports.tap.count <= 4)
    #expect(bench.core.state.ports.stream.count <= 4 && bench.core.state.ports.dgram.count <= 4)
    #expect(bench.core.state.ports.nic.count <= 4)
  }

  /// Bodies are of their kind: what one port has is nobody else's, whatever their numbers.
  @Test func kindsDoNotShareBodies() throws {
    let bench = try ContractBench()
    var number = 0
    for _ in 0..<6 {
      for kind in Self.kinds {
        try bench.wire(number, kind, number + 1, .vhostUser)
        number += 2
      }
    }
    for port in stride(from: 0, to: number, by: 2) {
      #expect(try bench.send(frame(port), from: port + 1))
      for other in stride(from: 0, to: number, by: 2) {
        #expect(bench.counts(other).sent == (other <= port ? 1 : 0))
      }
    }
    // A patch has none.
    bench.add(number, .patch)
    #expect(bench.core.state.ports[number].body == -1)
  }
}

/// Places of bodies.
@Suite struct PortPoolTests {
  @Test func thePlaceThatCameBackIsGivenFirst() {
    var pool = PortPool<TAPPort> { TAPPort() }
    var places: [Int?] = []
    for _ in 0..<10 { places.append(pool.take()) }
    #expect(places == Array(0..<10))
    pool.put(3)
    let again = pool.take()
    #expect(again == 3)
    // What is made before it is needed is no more than a quarter.
    for _ in 10..<100 { _ = pool.take() }
    let count = pool.view.count
    #expect(count >= 100 && count <= 125)
  }
}
