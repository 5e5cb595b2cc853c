import GuestKit
import Testing
import VhostUser

@testable import Dataplane

/// What a queue adds to its ring: traits of the device, its own start and stop.
@Suite(.everyRingFormat) struct GuestQueueTests {
  private func traits(_ features: UInt64, ring: Int = 0) -> QueueTraits {
    QueueTraits(
      RingStart(
        index: ring, size: 8, base: 0,
        addresses: RingAddresses(flags: 0, descriptors: 0, used: 0, available: 0, log: 0), kick: nil, call: nil,
        error: nil, isEnabled: true, features: features))
  }

  private func bench(size: Int = 8, after first: UInt16 = 0) throws -> RingBench<NegotiatedRing> {
    try RingBench(size: size, after: first, traits: RingTraits())
  }

  /// What queues of the format at hand have beside their ring: nothing.
  private func plain(_ bench: RingBench<NegotiatedRing>) -> QueueTraits {
    var traits = QueueTraits()
    traits.ring = bench.traits
    return traits
  }

  /// num_buffers is in the header with VERSION_1 or mergeable buffers (VIRTIO 1.2 section 5.1.6.1).
  @Test func featuresBecomeTraits() {
    #expect(traits(0).headerSize == 10)
    #expect(traits(VirtioFeature.version1).headerSize == 12)
    #expect(traits(VirtioFeature.mergeableBuffers).headerSize == 12)
    #expect(traits(VirtioFeature.mergeableBuffers).isMergeable)
    #expect(traits(VirtioFeature.eventIndex).ring.hasEventIndex)
    #expect(!traits(VirtioFeature.eventIndex).ring.hasIndirect)
    #expect(traits(VirtioFeature.indirectDescriptors).ring.hasIndirect)
    #expect(!traits(VirtioFeature.indirectDescriptors).ring.isPacked)
    #expect(traits(VirtioFeature.packedRing).ring.isPacked)
  }

  /// Each direction has its own feature.
  @Test func checksumsAreOfTheirDirection() {
    #expect(traits(VirtioFeature.guestChecksum, ring: 0).allowsPartialChecksum)
    #expect(!traits(VirtioFeature.guestChecksum, ring: 1).allowsPartialChecksum)
    #expect(traits(VirtioFeature.checksum, ring: 1).allowsPartialChecksum)
    #expect(!traits(VirtioFeature.checksum, ring: 0).allowsPartialChecksum)
  }

  /// A queue that stopped tells where it was, and another goes on from there.
  @Test(arguments: [0, 0xFFFE] as [UInt16]) func aQueueGoesOnWhereAnotherStopped(first: UInt16) throws {
    let bench = try bench(after: first)
    let burst = Burst()
    var queue = GuestQueue<NegotiatedRing>()
    let hasMoved = queue.hasMoved(since: 0)
    #expect(!hasMoved, "it does not run")
    queue.start(bench.layout, base: bench.driver.startBase, traits: plain(bench))
    try bench.offer([72, 73, 74])
    let before = queue.status(index: 1)
    #expect(before.size == 8 && before.ring == "\(RingFormat.current)")
    var fault = queue.receive(into: burst, memory: bench.table.memory, limit: 2, depth: Burst.scratchRule)
    #expect(fault == nil)
    #expect((0..<burst.count).map { burst.frames[$0].size } == [60, 61])
    queue.publish()
    queue.stop()
    let base = queue.base
    let status = queue.status(index: 1)
    #expect(status.availableIndex == status.usedIndex, "a queue that does not run knows what it has taken")
    #expect(status.size == 0)

    var next = GuestQueue<NegotiatedRing>()
    next.start(bench.layout, base: base, traits: plain(bench))
    burst.reset()
    fault = next.receive(into: burst, memory: bench.table.memory, limit: 64, depth: Burst.scratchRule)
    #expect(fault == nil)
    #expect((0..<burst.count).map { burst.frames[$0].size } == [62])
    next.publish()
    let end = next.base
    #expect(end == bench.driver.base)
    #expect(try bench.driver.collect().count == 3)
  }

  /// A layout of another size is not the same ring.
  @Test func aQueueMovesToTheSameSizeOnly() throws {
    let (small, large) = (try bench(size: 8), try bench(size: 16))
    try large.offer([60])
    var queue = GuestQueue<NegotiatedRing>()
    queue.start(small.layout, base: small.driver.startBase, traits: plain(small))
    queue.move(to: large.layout)
    let (size, hasAvailable) = (queue.ring.size, queue.hasAvailable)
    #expect(size == 8)
    #expect(!hasAvailable)
  }

  /// The next start may be in the other format, and nothing of the one before is left.
  @Test func aQueueStartsInAnotherFormat() throws {
    let benches = try [RingFormat.split, .packed, .split].map { format in
      try RingFormat.$current.withValue(format) { try bench(after: 3) }
    }
    let burst = Burst()
    var queue = GuestQueue<NegotiatedRing>()
    for bench in benches {
      queue.start(bench.layout, base: bench.driver.startBase, traits: plain(bench))
      try bench.offer([72, 73])
      burst.reset()
      let fault = queue.receive(into: burst, memory: bench.table.memory, limit: 64, depth: Burst.scratchRule)
      #expect(fault == nil && burst.count == 2)
      queue.publish()
      let (base, ring) = (queue.base, queue.status(index: 0).ring)
      #expect(base == bench.driver.base && ring == "\(bench.driver.format)")
      #expect(try bench.driver.collect().count == 2)
      queue.stop()
    }
  }
}
