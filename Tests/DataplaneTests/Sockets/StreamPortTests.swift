import Frames
import Glibc
import GuestKit
import LinuxHost
import Testing

@testable import Dataplane

/// A stream's port with its peer at the other end of a pair of sockets, and a guest behind it.
@Suite struct StreamPortTests {
  private func frame(_ number: Int, size: Int = 300) -> [UInt8] {
    FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: size, seed: number)
  }

  /// Port 0 is the stream's, port 1 takes what comes from it.
  private func bench(ringSize: Int = 256) throws -> (ContractBench, StreamPeer) {
    let bench = try ContractBench()
    try bench.wire(0, .stream, 1, .vhostUser, ringSize: ringSize)
    bench.breathe()
    return (bench, try bench.streamPeer(0))
  }

  @Test func framesInPiecesAreJoined() throws {
    let (bench, peer) = try bench()
    for number in 0..<3 {
      let frame = frame(number)
      for byte in StreamPeer.framed(frame) {
        #expect(try bench.received(1) == [])
        try peer.sendBytes([byte])
        bench.breathe()
      }
      #expect(try bench.received(1) == [frame])
    }
    // Half a frame and silence holds nobody: the worker may sleep.
    try peer.sendBytes(Array(StreamPeer.framed(frame(9)).dropLast()))
    bench.breathe()
    let mayHaveFrames = bench.core.state.ports.coldMayHaveFrames(0)
    #expect(!mayHaveFrames)
    #expect(try bench.send(frame(10), from: 1))
    #expect(try bench.received(0) == [frame(10)])
  }

  /// One read takes many frames, whose last may be half there.
  @Test func manyFramesOfOneReadArriveInOrder() throws {
    let (bench, peer) = try bench()
    let frames = (0..<150).map { frame($0, size: 60 + $0 * 37 % 1400) }
    let bytes = frames.flatMap(StreamPeer.framed)
    try peer.sendBytes(Array(bytes[..<70_000]))
    bench.breathe()
    try peer.sendBytes(Array(bytes[70_000...]))
    bench.breathe()
    #expect(try bench.received(1) == frames)
    #expect(bench.blocks[0]?.value(CounterBlock.Slot.receivePackets) == 150)
  }

  /// The shortest that there are, the longest of any MTU, and what QEMU may send beyond it.
  @Test func allLengthsOfFramesAreRead() throws {
    let bench = try ContractBench()
    try bench.wire(0, .stream, 1, .tap)
    bench.core.coldSetMTU(1, PortConfiguration.largestMTU)
    let peer = try bench.streamPeer(0)
    for size in [14, 15, 60, 9014, Ethernet.maximumFrameSize - Ethernet.tagSize] {
      let bytes = StreamPeer.framed(frame(size, size: size))
      for start in stride(from: 0, to: bytes.count, by: 50_000) {
        try peer.sendBytes(Array(bytes[start..<min(start + 50_000, bytes.count)]))
        bench.breathe()
      }
      #expect(try bench.received(1).map(\.count) == [size])
    }
    let longest = StreamPeer.framed([UInt8](repeating: 2, count: 69_632))
    try peer.sendBytes(longest + StreamPeer.framed(frame(1)))
    bench.breathe()
    #expect(try bench.received(1) == [frame(1)])
    #expect(bench.blocks[0]?.ingressDrops == ["header-invalid": 1])
  }

  @Test(arguments: [0, 13, 69_633, 0xFFFF_FFFF]) func aLengthThatCannotBeEndsTheConnection(_ length: Int) throws {
    let (bench, peer) = try bench()
    _ = bench.core.state.ports.faults.take()
    try peer.sendBytes(StreamPeer.framed(frame(1)) + StreamPeer.length(length) + [UInt8](repeating: 0, count: 100))
    bench.breathe()
    // What came before is good.
    #expect(try bench.received(1) == [frame(1)])
    let reports = bench.core.state.ports.faults.take()
    guard reports.count == 1, case .connection(let port, let epoch, let fault)? = reports.first else {
      Issue.record("\(reports)")
      return
    }
    #expect(port == 0 && epoch == 1 && fault.kind == .lengthInvalid)
    #expect("\(fault)".contains("\(length) bytes, expected 14 to 69632"))
    // Said once, and nothing more is taken.
    try peer.send([frame(2)])
    bench.breathe()
    #expect(bench.core.state.ports.faults.take().isEmpty)
    #expect(try bench.received(1) == [])
    bench.core.coldCloseStream(0)
    let isUp = bench.core.state.ports[0].isUp
    #expect(!isUp)
    #expect(bench.core.state.ports.lookedAtCount == 0)
  }

  @Test func theEndOfAPeerIsSaidOnceAndIsNoFaultOfIts() throws {
    let (bench, peer) = try bench()
    _ = bench.core.state.ports.faults.take()
    try peer.send([frame(1)])
    bench.closeFarSide(0)
    withExtendedLifetime(peer) {}
    bench.breathe()
    #expect(try bench.received(1) == [frame(1)])
    _ = bench.core.state.ports.faults.take()
    bench.breathe()
    #expect(bench.core.state.ports.faults.take().isEmpty)
  }

  /// A peer that sends and closes before anybody has looked: the kernel tells of both at once, and no more of the end.
  @Test(arguments: [false, true]) func theEndThatCameWithTheLastFrameIsSeen(isHalf: Bool) throws {
    let bench = try ContractBench()
    try bench.wire(0, .stream, 1, .vhostUser)
    bench.breathe()
    _ = bench.core.state.ports.faults.take()
    var peer: StreamPeer? = try bench.streamPeer(0)
    try peer?.send([frame(1)])
    if isHalf, let raw = peer?.socket.raw { shutdown(raw, CInt(SHUT_WR)) }
    bench.closeFarSide(0)
    if !isHalf { peer = nil }
    bench.breathe()
    #expect(try bench.received(1) == [frame(1)])
    let reports = bench.core.state.ports.faults.take()
    guard reports.count == 1, case .connection(0, 1, let fault)? = reports.first else {
      Issue.record("\(reports)")
      return
    }
    #expect(fault.kind == .peerLeft)
    withExtendedLifetime(peer) {}
  }

  /// A peer that does not read: what its socket takes is whole, and in order, and the rest is counted.
  @Test func aFullSocketHoldsNobodyAndBreaksNoFrame() throws {
    let (bench, peer) = try bench()
    var sent: [[UInt8]] = []
    for round in 0..<3 {
      while bench.counts(0).dropped < UInt64(50 * (round + 1)) {
        let burst = (0..<16).map { frame(sent.count + $0, size: 1500) }
        let before = bench.counts(0)
        try bench.sendBurst(burst, from: 1)
        let taken = Int(bench.counts(0).sent - before.sent)
        // Those that are taken are the first of a burst.
        sent += burst[..<taken]
        #expect(taken + Int(bench.counts(0).dropped - before.dropped) == 16)
      }
      #expect(bench.blocks[0]?.egressDrops.keys.sorted() == ["tap-busy"])
      var received: [[UInt8]] = []
      for _ in 0..<100 where received.count < sent.count {
        received += try peer.receive()
        bench.breathe()
      }
      #expect(received == sent)
      sent = []
    }
  }

  /// Frames with checksums to be completed, and large ones, leave as they are to be on a wire.
  @Test func largeFramesAreCutAndChecksumsCompleted() throws {
    let bench = try ContractBench()
    bench.add(0, .tap)
    try bench.open(0, hasOffload: true, takesLarge: .all)
    bench.add(1, .stream)
    try bench.open(1)
    bench.core.coldConnect(0, 1)
    var model = LargeFrameModel()
    for size in [3000, 65_000] {
      model.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ 7) }
      #expect(try bench.send(model.header.bytes + model.whole, from: 0))
      let segments = try bench.received(1)
      #expect(segments == model.segments(.full))
    }
  }

  /// As e1000e and vmxnet3 of QEMU make them.
  @Test func fragmentsThatMustNotBeAreCounted() throws {
    let (bench, peer) = try bench()
    let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
    let plain = builder.udp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: [UInt8](repeating: 7, count: 100)).frame
    func with(_ flags: UInt8, _ frame: [UInt8], at offset: Int) -> [UInt8] {
      var frame = frame
      frame[offset] = flags
      return frame
    }
    let tagged = GuestKit.tagged(5, plain)
    try peer.send([
      plain, with(0x40, plain, at: 20), with(0x20, plain, at: 20), with(0x60, plain, at: 20),
      with(0x41, plain, at: 20), with(0x60, tagged, at: 24), with(0x40, tagged, at: 24),
    ])
    bench.breathe()
    #expect(try bench.received(1).count == 7)
    #expect(bench.core.state.ports.coldForbiddenFragments(0) == 3)
    #expect(bench.core.state.ports.coldForbiddenFragments(1) == nil)
  }

  /// Frames are taken whatever becomes of them: QEMU's listener waits in its writes.
  @Test func aPortWithoutCarrierIsDrained() throws {
    let (bench, peer) = try bench()
    bench.core.coldSetWanted(0, false)
    for number in 0..<2000 {
      try peer.send([frame(number, size: 1500)])
      bench.breathe()
    }
    #expect(bench.blocks[0]?.ingressDrops == ["port-down": 2000])
    #expect(try bench.received(1) == [])
    bench.core.coldSetWanted(0, true)
    #expect(try bench.send(frame(1), from: 0))
    #expect(try bench.received(1) == [frame(1)])
  }
}
