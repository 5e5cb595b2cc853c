import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// Every page that the switch writes is marked, and no other: random traffic, a step at a time, on every way of a frame.
@Suite(.everyRingFormat) struct LogOracleTests {
  private static let large =
    VirtioFeature.checksum | VirtioFeature.hostTSO4 | VirtioFeature.guestChecksum | VirtioFeature.guestTSO4

  /// Frames of port 0 to port 1, and of port 1 to port 0, of which both are logged.
  private func run(
    _ bench: DrivenBench, seed: UInt64, steps: Int = 40, offset: Int = 0, sizes: [Int] = [60, 64, 65, 300, 1500],
    toggles: Bool = false, pieces: [[Int]] = [[], [12], [12, 20, 30]], isIndirect: Bool = false
  ) throws {
    var random = SeededRandom(seed: seed)
    let oracles = try (0..<2).map { try LogOracle(bench, port: $0, offset: offset) }
    for oracle in oracles { try oracle.set(true) }
    var now: UInt64 = 1
    var used = 0
    for step in 0..<steps {
      let isOn = !toggles || Bool.random(using: &random)
      for port in 0..<2 {
        for _ in 0..<Int.random(in: 0...20, using: &random) {
          let size = sizes.randomElement(using: &random) ?? 60
          let frame = FrameBuilder(to: FrameBuilder.station(2 - port), from: FrameBuilder.station(port + 1))
            .plain(size: size, seed: step + size)
          try bench.guests[port].add(
            frame, pieces: pieces.randomElement(using: &random) ?? [],
            isIndirect: isIndirect && Bool.random(using: &random))
        }
        bench.guests[port].rings[1].publish()
      }
      if toggles { for oracle in oracles { try oracle.set(isOn) } }
      for oracle in oracles { oracle.begin() }
      now += 1
      bench.breathe(at: now)
      for (port, oracle) in oracles.enumerated() {
        used += try oracle.end("seed \(seed) step \(step) port \(port)", isOn: isOn)
      }
    }
    #expect(used > steps)
    #expect(bench.worker.takeFaults().isEmpty)
  }

  private func bench(
    _ modes: [PortMode] = [.access(vlan: 1), .access(vlan: 1)], features: UInt64 = 0, memory: Int = 4 << 20,
    _ configure: (inout VirtualGuest.Options) -> Void = { _ in }
  ) throws -> DrivenBench {
    let bench = try DrivenBench()
    for mode in modes {
      try bench.addGuest(mode, features: features | VirtioFeature.mergeableBuffers) {
        $0.memorySize = memory
        $0.ringSize = 64
        $0.transmitSize = 2048
        configure(&$0)
      }
    }
    return bench
  }

  /// Plain frames into buffers of their own, at every place in a page, and logs at every place of a file.
  @Test(arguments: [0, 1, 4093, 4096]) func plainFrames(offset: Int) throws {
    for (seed, layout) in [[2048], [1512 + 333], [1512]].enumerated() {
      try run(bench { $0.receiveLayout = layout }, seed: UInt64(seed), offset: offset)
    }
  }

  @Test func eventIndices() throws {
    try run(bench(features: VirtioFeature.eventIndex), seed: 3)
  }

  /// Indices and places go over their ends.
  @Test(arguments: [0xFFF0, 0x7FF0, 63] as [UInt16]) func ringsThatGoRound(first: UInt16) throws {
    try run(bench { $0.firstIndex = first }, seed: 4, sizes: [60])
  }

  @Test(arguments: [[12, 2048], [1, 11, 500, 3000], [100], [64, 0, 64], [4096, 4096]], [false, true])
  func scatteredFrames(layout: [Int], isIndirect: Bool) throws {
    try run(
      bench(features: VirtioFeature.indirectDescriptors, memory: 8 << 20) {
        $0.receiveLayout = layout
        $0.receivesIndirect = isIndirect
        $0.ringSize = 256
      }, seed: 5, isIndirect: true)
  }

  /// Without room some frames are dropped: what was not written is not marked.
  @Test func framesWithoutRoom() throws {
    try run(bench { ($0.receiveLayout, $0.receiveCount) = ([400], 6) }, seed: 6)
  }

  /// Tags are put in and taken out in the copy; a header of ten bytes.
  @Test func framesThatAreEdited() throws {
    try run(bench([.access(vlan: 1), .trunk(allowed: .all, native: nil)]), seed: 7)
    let wire = try bench([.wire, .wire])
    wire.worker.connect(0, 1)
    try run(wire, seed: 8)
  }

  @Test(arguments: [[2048], [66_000], [100, 4000, 62_000]], [true, false])
  func largeFrames(layout: [Int], isTaken: Bool) throws {
    let bench = try DrivenBench()
    for port in 0..<2 {
      let takes = isTaken ? Self.large : VirtioFeature.checksum | VirtioFeature.hostTSO4
      try bench.addGuest(.wire, features: takes | VirtioFeature.mergeableBuffers) {
        $0.memorySize = 32 << 20
        $0.receiveLayout = layout
        $0.receiveCount = port == 1 ? 60 : 4
        $0.ringSize = 256
      }
    }
    bench.worker.connect(0, 1)
    let oracle = try LogOracle(bench, port: 1, offset: 5)
    try oracle.set(true)
    for (step, size) in [1449, 5000, 20_000, 40_000].enumerated() {
      var model = LargeFrameModel()
      model.segmentSize = 1448
      model.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ step) }
      try bench.guests[0].add(model.whole, header: model.header)
      bench.guests[0].rings[1].publish()
      oracle.begin()
      bench.breathe(at: UInt64(step + 1))
      #expect(try oracle.end("\(size) bytes") > 0)
      try bench.guests[0].reclaim()
    }
  }

  /// A checksum that is completed in the copy.
  @Test func checksumsThatAreCompleted() throws {
    let bench = try DrivenBench()
    try bench.addGuest(.wire, features: VirtioFeature.checksum) { ($0.memorySize, $0.transmitSize) = (4 << 20, 2048) }
    try bench.addGuest(.wire, features: 0) { ($0.memorySize, $0.transmitSize) = (4 << 20, 2048) }
    bench.worker.connect(0, 1)
    let oracle = try LogOracle(bench, port: 1)
    try oracle.set(true)
    for size in [20, 400, 1400] {
      let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
      let built = builder.udp(
        from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: [UInt8](repeating: 7, count: size), checksum: .partial)
      try bench.guests[0].add(built.frame, header: built.header)
      bench.guests[0].rings[1].publish()
      oracle.begin()
      bench.breathe(at: UInt64(size))
      #expect(try oracle.end("\(size)") == 1)
      try bench.guests[0].reclaim()
    }
  }

  @Test(arguments: 0..<4) func loggingComesAndGoes(seed: UInt64) throws {
    try run(bench(), seed: 100 + seed, steps: 100, toggles: true)
  }

  /// Frames are held by a line, and delivered in another step than the one in which they were sent.
  @Test func framesThatWereHeld() throws {
    let bench = try bench()
    bench.impair(1, toNode: .with { $0.delay = 5 })
    try run(bench, seed: 9)
  }

  /// The worker's wishes for kicks, as it goes to sleep and wakes.
  @Test(arguments: [0, VirtioFeature.eventIndex]) func wishesForKicks(features: UInt64) throws {
    let bench = try bench(features: features)
    let oracle = try LogOracle(bench, port: 0)
    try oracle.set(true)
    for step in 0..<20 {
      try bench.guests[0].send(burst: [frame(1, to: 2)])
      bench.breathe(at: UInt64(step + 1))
      oracle.begin()
      let body = bench.worker.core.state.ports[0].body
      if step % 2 == 0 {
        _ = bench.worker.core.state.ports.vhostUser[body].arm(1, longest: 1)
      } else {
        bench.worker.core.state.ports.vhostUser[body].disarm(1)
      }
      try oracle.end("step \(step)")
    }
  }

  /// A ring that starts writes too, and sets right a packed ring whose position nobody knows.
  @Test func ringsThatStart() throws {
    let bench = try bench()
    let oracle = try LogOracle(bench, port: 1)
    try oracle.set(true)
    try bench.guests[0].send(burst: (0..<10).map { frame(1, to: 2, seed: $0) })
    bench.breathe(at: 1)
    try bench.guests[0].reclaim()
    _ = try oracle.end("before")
    for base in [nil, 0x8000_8000] as [UInt32?] {
      for ring in 0..<2 {
        let stopped = bench.worker.core.coldStopRing(1, ring: ring)
        let driver = bench.guests[1].rings[ring]
        oracle.begin()
        var start = DrivenBench.start(driver, bench.guests[1].features)
        start.base = driver.format == .packed ? base ?? stopped : stopped
        start.isPositionOurs = base == nil
        try bench.worker.start(port: 1, memory: DrivenBench.regions(bench.guests[1].memory), rings: [start])
        try oracle.end("ring \(ring) from \(start.base)")
      }
    }
  }

  /// The used ring is marked where SET_VRING_ADDR says, if it says so; buffers and a packed ring's descriptors always.
  @Test func theFlagIsOfTheUsedRingAlone() throws {
    let bench = try bench()
    let oracle = try LogOracle(bench, port: 1)
    try oracle.set(true)
    let driver = bench.guests[1].rings[0]
    let table = try MemoryTable(DrivenBench.regions(bench.guests[1].memory))
    for (flags, address) in [(0, driver.addresses.log), (1, 0x2000)] as [(UInt32, UInt64)] {
      var addresses = driver.addresses
      (addresses.flags, addresses.log) = (flags, address)
      let layout = try RingLayout(addresses, size: driver.size, isPacked: driver.format == .packed, in: table)
      bench.worker.core.coldReplaceMemory(
        1, table,
        [
          0: layout,
          1: try RingLayout(
            bench.guests[1].rings[1].addresses, size: 64, isPacked: driver.format == .packed, in: table),
        ])
      try bench.guests[0].send(burst: [frame(1, to: 2)])
      _ = oracle.log.take()
      bench.breathe(at: UInt64(flags) + 1)
      let marked = oracle.log.take()
      let used = try driver.collect()
      let buffer = Int(try #require(used.first?.segments.first?.address)) / 4096
      #expect(marked.contains(buffer))
      let isSplit = driver.format == .split
      #expect(marked.contains(2) == (isSplit && flags == 1), "page 2 is what was said")
      // Those of a split ring are the driver's alone; buffers may lie in the same page.
      if !isSplit { #expect(marked.contains(Int(driver.descriptorTable) / 4096)) }
      try driver.add(used[0].segments)
      driver.publish()
    }
  }

  /// What lies outside of the log is never written; the ring breaks, and its port's others go on.
  @Test func aUsedRingOutsideTheLogBreaksTheRing() throws {
    for address in [UInt64(4096 * 8 * 160) - 1, .max, .max - 3, 1 << 62] {
      let bench = try bench()
      let oracle = try LogOracle(bench, port: 1)
      let driver = bench.guests[1].rings[0]
      var start = DrivenBench.start(driver, bench.guests[1].features)
      start.addresses.log = address
      _ = bench.worker.core.coldStopRing(1, ring: 0)
      try bench.worker.start(port: 1, memory: DrivenBench.regions(bench.guests[1].memory), rings: [start])
      #expect(bench.worker.takeFaults().allSatisfy { $0.contains("new memory table") })
      try oracle.set(true)
      let faults = bench.worker.takeFaults()
      #expect(faults.count == 1 && faults[0].contains("is outside the log of \(oracle.log.size) bytes"), "\(faults)")
      #expect(oracle.log.strayBytes == 0)
      let body = bench.worker.core.state.ports[1].body
      let isRunning = bench.worker.core.state.ports.vhostUser[body].rings[0].isRunning
      #expect(!isRunning)
    }
  }
}
