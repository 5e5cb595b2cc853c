import Foundation
import GuestKit
import LinuxHost
import Testing

@testable import VhostUser

/// GET_INFLIGHT_FD and SET_INFLIGHT_FD: what the session makes of them, whatever lies in the region.
@Suite struct InflightTests {
  private func bench(acknowledges: Bool = true, isPacked: Bool = false) throws -> Bench {
    let bench = try Bench { owner in
      owner.offer.protocolFeatures |= ProtocolFeature.inflightShared
      owner.offer.features |= VirtioFeature.packedRing
    }
    if acknowledges {
      try bench.frontEnd.setProtocolFeatures(RecordingOwner.protocolFeatures | ProtocolFeature.inflightShared)
    }
    if isPacked { try bench.frontEnd.setFeatures(VirtioFeature.packedRing | VirtioFeature.version1) }
    bench.owner.events = []
    return bench
  }

  /// `QueueRegionSplit` has 16 bytes and 16 a descriptor, `QueueRegionPacked` 32 and 32; each begins at 64 bytes.
  @Test(arguments: [(1, 1), (2, 256), (4, 1024), (3, 7), (4, 32_768)], [false, true])
  func aRegionIsMadeAsLargeAsItsLayout(numbers: (Int, Int), isPacked: Bool) throws {
    let bench = try bench(isPacked: isPacked)
    let (ringCount, ringSize) = numbers
    for isPadded in [true, false] {
      let region = try bench.frontEnd.getInflight(ringCount: ringCount, ringSize: ringSize, isPadded: isPadded)
      let part = isPacked ? 32 + 32 * ringSize : 16 + 16 * ringSize
      #expect(region.size == UInt64(ringCount * ((part + 63) / 64 * 64)) && region.fileOffset == 0)
      #expect(region.file.fileSize == region.size && region.file.isReadWrite)
      #expect(try region.file.read(at: 0, count: Int(region.size)).allSatisfy { $0 == 0 })
      // Sealed: nobody can take pages away under a worker.
      #expect(ftruncate(region.file.raw, 0) < 0 && ftruncate(region.file.raw, 1 << 30) < 0)
      try bench.frontEnd.setInflight(region, isPadded: isPadded)
      #expect(
        bench.owner.events == [.inflight(size: region.size, ringCount: ringCount, ringSize: ringSize)])
      bench.owner.events = []
    }
  }

  /// Asking again and again keeps nothing: each region is the front-end's alone.
  @Test func aRegionIsNotKept() throws {
    let bench = try bench()
    for _ in 0..<50 {
      let region = try bench.frontEnd.getInflight(ringCount: 4, ringSize: 256)
      #expect(openCopies(of: region.file) == 1)
    }
  }

  @Test(
    arguments: [
      (0, 256, "region for 0 rings, expected 1 to 4"), (5, 256, "region for 5 rings, expected 1 to 4"),
      (0xFFFF, 0xFFFF, "region for 65535 rings"), (4, 0, "region for rings of 0 entries, expected 1 to 32768"),
      (4, 32_769, "region for rings of 32769 entries"),
    ])
  func numbersThatCannotBeAreRefused(ringCount: Int, ringSize: Int, reason: String) throws {
    let asking = try bench()
    #expect(throws: (any Error).self) {
      _ = try asking.frontEnd.getInflight(ringCount: ringCount, ringSize: ringSize)
    }
    #expect(asking.transport.failure?.description.contains(reason) == true, "a reply of its own cannot be a nack")
    let telling = try bench()
    let region = InflightKeeper(
      size: 1 << 40, ringCount: ringCount, ringSize: ringSize, file: try makeMemoryFile(size: 4096))
    let refusal = try telling.refusal { try $0.setInflight(region) }
    #expect(refusal?.contains(reason) == true, "\(refusal ?? "")")
    #expect(telling.owner.events.isEmpty)
  }

  @Test func regionsThatCannotBeAreRefused() throws {
    let file = try makeMemoryFile(size: 1 << 20)
    let event = try EventDescriptor().descriptor
    let cases: [(String, InflightKeeper)] = [
      (
        "region of 16447 bytes for 4 rings of 256 entries, expected 16640",
        .init(size: 16_447, ringCount: 4, ringSize: 256, file: file)
      ),
      ("region of 0 bytes", .init(size: 0, ringCount: 1, ringSize: 1, file: file)),
      ("wraps 64 bits", .init(size: .max, fileOffset: 64, ringCount: 1, ringSize: 1, file: file)),
      ("expected a multiple of 64", .init(size: 4096, fileOffset: 8, ringCount: 1, ringSize: 1, file: file)),
      ("region lies on an eventfd", .init(size: 4096, ringCount: 1, ringSize: 1, file: event)),
    ]
    for (reason, region) in cases {
      let bench = try bench()
      let refusal = try bench.refusal { try $0.setInflight(region) }
      #expect(refusal?.contains(reason) == true, "\(refusal ?? "accepted"), expected \(reason)")
      #expect(bench.owner.events.isEmpty)
    }
    let bare = try bench()
    let payload = words64(4096, 0) + words32(1 | 256 << 16, 0)
    let refusal = try bare.refusal { try $0.tell(.setInflightDescriptor, payload: payload) }
    #expect(refusal?.contains("came with 0 descriptors, expected 1") == true)
  }

  private func started(_ bench: Bench) throws -> StartPlan {
    let memory = try SharedMemory.likeQEMU(size: 4 << 20)
    let rings = try (0..<4).map { try SplitDriver(memory: memory, index: $0, size: 256) }
    let plan = StartPlan(memory: memory, rings: rings)
    try bench.frontEnd.startLikeCloudHypervisor(plan)
    return plan
  }

  /// Cloud Hypervisor asks and tells before the rings; later it is too late.
  @Test func theRegionComesBeforeTheRings() throws {
    let bench = try bench(acknowledges: false)
    _ = try started(bench)
    let index = try #require(bench.owner.events.firstIndex { if case .inflight = $0 { true } else { false } })
    let start = try #require(bench.owner.events.firstIndex { if case .started = $0 { true } else { false } })
    #expect(index < start)
    let region = try #require(bench.frontEnd.inflight)
    #expect(region.ringCount == 4 && region.ringSize == 256)
    let refusal = try bench.refusal { try $0.setInflight(region) }
    #expect(refusal == "SET_INFLIGHT_FD: ring 0 runs, expected the region before the rings start")
    for ring in 0..<4 as Range<UInt32> { _ = try bench.frontEnd.getRingBase(ring) }
    #expect(try bench.refusal { try $0.setInflight(region) } == nil)
  }

  /// A session that goes on elsewhere takes the region along, and tells its new owner before it starts a ring.
  @Test func itGoesWithTheSession() throws {
    let bench = try bench(acknowledges: false)
    _ = try started(bench)
    bench.transport.suspend()
    let (value, descriptors) = try #require(bench.session?.state)
    let copy = try JSONDecoder().decode(SessionState.self, from: JSONEncoder().encode(value))
    let owner = RecordingOwner()
    owner.offer = bench.owner.offer
    let after = try Session(owner: owner, state: copy, descriptors: descriptors.map { try $0.duplicate() })
    bench.transport.moveTo(owner, after)
    #expect(bench.transport.failure == nil)
    #expect(owner.events.first == .inflight(size: 16_640, ringCount: 4, ringSize: 256))
    bench.transport.suspend()
    #expect(try #require(after.state).value.inflight?.size == 16_640)

    for (reason, change) in [
      ("region for 5 rings", { $0.ringCount = 5 }), ("region for -1 rings", { $0.ringCount = -1 }),
      ("region for rings of \(Int.max) entries", { $0.ringSize = .max }), ("region of 1 bytes", { $0.size = 1 }),
      ("names descriptor 99", { $0.descriptor = 99 }),
    ] as [(String, (inout SessionState.Inflight) -> Void)] {
      var bad = value
      var inflight = try #require(bad.inflight)
      change(&inflight)
      bad.inflight = inflight
      do throws(StateError) {
        _ = try Session(owner: owner, state: bad, descriptors: descriptors)
        Issue.record("\(reason): was accepted")
      } catch {
        #expect(error.description.contains(reason), "\(error)")
      }
    }
  }
}
