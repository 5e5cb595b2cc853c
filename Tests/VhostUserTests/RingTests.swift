import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Ring messages and ring states, good and hostile (M2, M4, M10 to M12).
@Suite struct RingTests {
  /// A session with memory, and one ring's size and addresses said.
  private func ready(acknowledges: Bool = true, ring: Int = 0) throws -> (Bench, SplitDriver) {
    let bench = try Bench(acknowledges: acknowledges)
    let memory = try SharedMemory(size: 1 << 20)
    let driver = try SplitDriver(memory: memory, index: ring, size: 64)
    try bench.frontEnd.setMemory(memory)
    try bench.frontEnd.setRingSize(UInt32(ring), 64)
    try bench.frontEnd.setRingAddress(driver)
    return (bench, driver)
  }

  @Test(arguments: [0, 3, 5, 0x8001, 0xFFFF, 0x1_0000, 0x8000_0000, 0xFFFF_FFFF] as [UInt32])
  func badSizesAreRefused(size: UInt32) throws {
    let bench = try Bench(acknowledges: true)
    let reason = try bench.refusal { try $0.setRingSize(1, size) }
    #expect(reason == "SET_VRING_NUM: ring 1 has \(size) entries, expected a power of two up to 32768")
    #expect(bench.session?.ring(1)?.size == 0)
  }

  @Test(arguments: [1, 2, 256, 1024, 32768] as [UInt32])
  func goodSizesAreTaken(size: UInt32) throws {
    let bench = try Bench(acknowledges: true)
    for _ in 0..<100 { try bench.frontEnd.setRingSize(3, size) }
    #expect(bench.session?.ring(3)?.size == Int(size))
    #expect(bench.owner.events.isEmpty)
  }

  @Test(arguments: [4, 255, 0x1_0000, 0x1_0001, 0xFFFF_FFFF] as [UInt32])
  func ringsThatAreNotThereAreRefused(index: UInt32) throws {
    let bench = try Bench(acknowledges: true)
    let addresses = RingAddresses(flags: 0, descriptors: 0, used: 0, available: 0, log: 0)
    let reason = "ring \(index) is of queue pair \(Int(index) / 2 + 1), but 2 pairs are offered, rings 0 to 3"
    #expect(try bench.refusal { try $0.setRingSize(index, 256) } == "SET_VRING_NUM: \(reason)")
    #expect(try bench.refusal { try $0.setRingBase(index, 0) } != nil)
    #expect(try bench.refusal { try $0.setRingAddress(index, addresses) } != nil)
    #expect(try bench.refusal { try $0.setRingEnable(index, true) } != nil)
    #expect(try bench.refusal { try $0.setRingKick(index, EventDescriptor().descriptor) } != nil)
    #expect(try bench.refusal { try $0.setRingCall(index, EventDescriptor().descriptor) } != nil)
    #expect(try bench.refusal { try $0.setRingError(index, EventDescriptor().descriptor) } != nil)
    #expect(bench.session?.refusalCount == 7)
    // GET_VRING_BASE has a reply of its own and so no way to say no.
    try bench.frontEnd.send(11, payload: words32(index, 0), flags: 9)
    #expect(bench.transport.failure == .refused(request: 11, reason: reason))
    #expect(bench.owner.events.isEmpty)
  }

  @Test(arguments: [0x200, 0x1_0000, 0x1_0000_0000, 1 << 63] as [UInt64])
  func unusedBitsOfDescriptorMessagesMustBeZero(bits: UInt64) throws {
    for request in [Request.setRingKick, .setRingCall, .setRingError] {
      let bench = try Bench(acknowledges: true)
      let event = try EventDescriptor().descriptor
      let reason = try bench.refusal { try $0.tell(request, payload: words64(bits), descriptors: [event]) }
      #expect(reason?.contains("expected at most 0x1ff") == true)
    }
  }

  @Test func basesBeyondSixteenBitsAreRefused() throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.setRingBase(0, 0xFFFF)
    #expect(
      try bench.refusal { try $0.setRingBase(0, 0x1_0000) }
        == "SET_VRING_BASE: base 65536 of ring 0, expected at most 65535")
    #expect(try bench.frontEnd.getRingBase(0) == 0xFFFF)
  }

  /// A packed ring's base is two places with their wrap counters; all 32 bits go to the owner and come back.
  @Test(arguments: [0x8000_8000, 0x0005_8003, 0xFFFF_803F] as [UInt32])
  func basesOfPackedRingsHaveThirtyTwoBits(base: UInt32) throws {
    let bench = try Bench(acknowledges: true) { $0.offer.features |= VirtioFeature.packedRing }
    let driver = try SplitDriver(memory: try SharedMemory(size: 1 << 20), index: 0, size: 64)
    try bench.frontEnd.setFeatures(RecordingOwner.features | VirtioFeature.packedRing)
    try bench.frontEnd.setMemory(driver.memory)
    try bench.frontEnd.setRingSize(0, 64)
    try bench.frontEnd.setRingBase(0, base)
    #expect(try bench.frontEnd.getRingBase(0) == base)
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    #expect(
      bench.owner.events.last
        == .started(0, size: 64, base: base, kick: true, call: false, error: false, enabled: false))
    bench.owner.base = ~base
    #expect(try bench.frontEnd.getRingBase(0) == ~base)
  }

  private func packed(_ size: UInt32 = 64) throws -> (Bench, PackedDriver) {
    let bench = try Bench(acknowledges: true) { $0.offer.features |= VirtioFeature.packedRing }
    let driver = try PackedDriver(memory: try SharedMemory(size: 1 << 20), index: 0, size: Int(size))
    try bench.frontEnd.setFeatures(RecordingOwner.features | VirtioFeature.packedRing)
    try bench.frontEnd.setMemory(driver.memory)
    try bench.frontEnd.setRingSize(0, size)
    return (bench, driver)
  }

  /// Without a word of its front-end a packed ring begins in its first lap, whose counters are 1.
  @Test func aPackedRingBeginsAtItsBeginning() throws {
    let (bench, driver) = try packed()
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    #expect(bench.owner.lastStart?.base == 0x8000_8000)
    #expect(bench.owner.lastStart?.isPacked == true)
    #expect(try bench.frontEnd.getRingBase(3) == 0x8000_8000)
  }

  @Test(arguments: [1, 3, 100, 32_767, 32_768] as [UInt32]) func aPackedRingMayHaveAnySize(size: UInt32) throws {
    let (bench, _) = try packed(size)
    #expect(bench.session?.ring(0)?.size == Int(size))
    let reason = try bench.refusal { try $0.setRingSize(1, size + 32_768) }
    #expect(reason == "SET_VRING_NUM: ring 1 has \(size + 32_768) entries, expected 1 to 32768")
    #expect(try bench.refusal { try $0.setRingSize(1, 0) } != nil)
  }

  /// The used half may be anything: not all front-ends say it.
  @Test(arguments: [(0x8000_0040, 64), (0x0000_8040, 64), (0x7FFF, 32_767), (0x8001, 1)] as [(UInt32, UInt32)])
  func aPackedRingStartsInsideItself(base: UInt32, size: UInt32) throws {
    let (bench, driver) = try packed(size)
    try bench.frontEnd.setRingBase(0, base)
    try bench.frontEnd.setRingAddress(driver)
    let reason = try bench.refusal { try $0.setRingKick(0, driver.kickEvent.descriptor) }
    #expect(
      reason
        == "SET_VRING_KICK: position 0x\(String(base, radix: 16)) of ring 0 is at entry \(base & 0x7FFF) of \(size)")
    #expect(bench.session?.ring(0)?.isStarted == false)
  }

  /// The format is that of the features, which change between two starts; what was said for the other one does not count.
  @Test func theFormatChangesBetweenTwoStarts() throws {
    let (bench, driver) = try packed(100)
    let features = RecordingOwner.features
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    #expect(
      try bench.refusal { try $0.setFeatures(features) } == "SET_FEATURES: clears RING_PACKED while ring 0 runs")
    try bench.frontEnd.setFeatures(features | VirtioFeature.packedRing)
    bench.owner.base = 0x0007_0007
    _ = try bench.frontEnd.getRingBase(0)
    try bench.frontEnd.setFeatures(features)
    #expect(try bench.frontEnd.getRingBase(0) == 0)
    try bench.frontEnd.setRingAddress(driver)
    #expect(
      try bench.refusal { try $0.setRingKick(0, driver.kickEvent.descriptor) }
        == "SET_VRING_KICK: ring 0 has 100 entries, expected a power of two up to 32768")
    try bench.frontEnd.setRingSize(0, 64)
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    #expect(bench.owner.lastStart?.isPacked == false && bench.owner.lastStart?.base == 0)
    #expect(
      try bench.refusal { try $0.setFeatures(features | VirtioFeature.packedRing) }
        == "SET_FEATURES: sets RING_PACKED while ring 0 runs")
    // A ring that broke does not run: its guest may come back as another.
    bench.session?.noteBroken(0)
    try bench.frontEnd.setFeatures(features | VirtioFeature.packedRing)
  }

  @Test func loggedAddressesAreRefused() throws {
    let bench = try Bench(acknowledges: true)
    let addresses = RingAddresses(flags: 1, descriptors: 0, used: 0, available: 0, log: 0)
    #expect(try bench.refusal { try $0.setRingAddress(0, addresses) } != nil)
  }

  @Test(arguments: [2, 0xFFFF_FFFF] as [UInt32])
  func enableTakesZeroOrOne(value: UInt32) throws {
    let bench = try Bench(acknowledges: true)
    #expect(try bench.refusal { try $0.tell(.setRingEnable, payload: words32(0, value)) } != nil)
  }

  @Test func kickStartsTheRing() throws {
    let (bench, driver) = try ready()
    try bench.frontEnd.setRingBase(0, 9)
    try bench.frontEnd.setRingCall(0, driver.callEvent.descriptor)
    try bench.frontEnd.setRingError(0, EventDescriptor().descriptor)
    try bench.frontEnd.setRingEnable(0, true)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    #expect(
      bench.owner.events.last == .started(0, size: 64, base: 9, kick: true, call: true, error: true, enabled: true))
    #expect(bench.owner.lastStart?.addresses == driver.addresses)
    #expect(bench.session?.ring(0)?.isStarted == true)
    #expect(bench.session?.ring(1)?.isStarted == false)
  }

  @Test func ringsWithoutKickOrCallArePolled() throws {
    let (bench, _) = try ready()
    try bench.frontEnd.setRingKick(0, nil)
    #expect(
      bench.owner.events.last == .started(0, size: 64, base: 0, kick: false, call: false, error: false, enabled: false))
  }

  @Test func kickBeforeSizeOrAddressesIsRefused() throws {
    let event = try EventDescriptor().descriptor
    let bench = try Bench(acknowledges: true)
    #expect(
      try bench.refusal { try $0.setRingKick(0, event) }
        == "SET_VRING_KICK: ring 0 has no size yet, expected SET_VRING_NUM first")
    try bench.frontEnd.setRingSize(0, 64)
    #expect(
      try bench.refusal { try $0.setRingKick(0, event) }
        == "SET_VRING_KICK: ring 0 has no addresses yet, expected SET_VRING_ADDR first")
    #expect(openCopies(of: event) == 1)
    #expect(bench.owner.events.isEmpty)
  }

  @Test func aRingKickedBeforeMemoryStartsWithIt() throws {
    let bench = try Bench(acknowledges: true)
    let memory = try SharedMemory(size: 1 << 20)
    let driver = try SplitDriver(memory: memory, index: 2, size: 64)
    try bench.frontEnd.setRingSize(2, 64)
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingKick(2, driver.kickEvent.descriptor)
    #expect(bench.session?.ring(2)?.isWaiting == true)
    #expect(bench.owner.events.isEmpty)
    try bench.frontEnd.setRingBase(2, 5)
    try bench.frontEnd.setMemory(memory)
    #expect(
      bench.owner.events == [
        .memory(memory.regions),
        .started(2, size: 64, base: 5, kick: true, call: false, error: false, enabled: false),
      ])
    #expect(bench.session?.ring(2)?.isStarted == true)
  }

  @Test func aWaitingRingWaitsOnIfItsMemoryIsNotThereYet() throws {
    let bench = try Bench(acknowledges: true)
    let memory = try SharedMemory.likeQEMU(size: 4 << 20)
    let driver = try SplitDriver(memory: memory, index: 0, size: 64)
    try bench.frontEnd.setRingSize(0, 64)
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    bench.owner.refused = [.start]
    try bench.frontEnd.addMemory(memory.regions[1], memory.descriptors[1])
    #expect(bench.session?.ring(0)?.isWaiting == true)
    #expect(bench.session?.lastRefusal == "ADD_MEM_REG: the owner does not want to")
    bench.owner.refused = []
    try bench.frontEnd.addMemory(memory.regions[0], memory.descriptors[0])
    #expect(bench.session?.ring(0)?.isStarted == true)
  }

  @Test func aStartThatTheOwnerRefusesLeavesTheRingStopped() throws {
    let (bench, driver) = try ready()
    bench.owner.refused = [.start]
    #expect(
      try bench.refusal { try $0.setRingKick(0, driver.kickEvent.descriptor) }
        == "SET_VRING_KICK: the owner does not want to")
    #expect(bench.session?.ring(0)?.isStarted == false)
    #expect(bench.session?.ring(0)?.hasKick == false)
    #expect(openCopies(of: driver.kickEvent.descriptor) == 1 + (bench.owner.lastStart == nil ? 0 : 1))
    #expect(try bench.frontEnd.getRingBase(0) == 0)
    #expect(!bench.owner.events.contains(.stopped(0)))
  }

  @Test func aNewKickThatTheOwnerRefusesLeavesTheRingRunning() throws {
    let (bench, driver) = try ready()
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    bench.owner.refused = [.start]
    #expect(try bench.refusal { try $0.setRingKick(0, EventDescriptor().descriptor) } != nil)
    #expect(bench.session?.ring(0)?.isStarted == true)
    bench.owner.refused = []
    #expect(try bench.frontEnd.getRingBase(0) == 4711)
    #expect(bench.owner.events.last == .stopped(0), "so that the owner stops it, too")
  }

  @Test func getRingBaseStopsAndForgets() throws {
    let (bench, driver) = try ready()
    try bench.frontEnd.setRingEnable(0, true)
    try bench.frontEnd.setRingCall(0, driver.callEvent.descriptor)
    try bench.frontEnd.setRingError(0, EventDescriptor().descriptor)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    bench.owner.lastStart = nil
    #expect(try bench.frontEnd.getRingBase(0) == 4711)
    let ring = try #require(bench.session?.ring(0))
    #expect(!ring.isStarted && !ring.hasKick && !ring.hasCall)
    #expect(ring.isEnabled, "the enable state is remembered")
    #expect(ring.hasError, "QEMU does not send it again")
    #expect(openCopies(of: driver.kickEvent.descriptor) == 1)
    #expect(openCopies(of: driver.callEvent.descriptor) == 1)
    #expect(try bench.frontEnd.getRingBase(0) == 4711, "twice")
    #expect(bench.owner.events.filter { $0 == .stopped(0) }.count == 1)
    // Addresses of before are not used again: a partly set up ring does not start.
    #expect(try bench.refusal { try $0.setRingKick(0, driver.kickEvent.descriptor) } != nil)
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    #expect(
      bench.owner.events.last
        == .started(0, size: 64, base: 4711, kick: true, call: false, error: true, enabled: true))
  }

  @Test func getRingBaseOfARingThatNeverRan() throws {
    let bench = try Bench()
    #expect(try bench.frontEnd.getRingBase(3) == 0)
    try bench.frontEnd.setRingBase(3, 12)
    #expect(try bench.frontEnd.getRingBase(3) == 12)
    #expect(try bench.frontEnd.getRingBase(3) == 12)
    #expect(bench.owner.events.isEmpty)
  }

  @Test func aRunningRingCanChangeItsDescriptorsAndAddressesButNotItsSize() throws {
    let (bench, driver) = try ready()
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    bench.owner.events = []
    let event = try EventDescriptor().descriptor
    try bench.frontEnd.setRingCall(0, event)
    try bench.frontEnd.setRingCall(0, nil)
    try bench.frontEnd.setRingError(0, event)
    try bench.frontEnd.setRingAddress(driver)
    try bench.frontEnd.setRingEnable(0, true)
    try bench.frontEnd.setRingEnable(0, false)
    try bench.frontEnd.setRingKick(0, event)
    #expect(
      bench.owner.events == [
        .call(0, true), .call(0, false), .error(0, true), .addresses(0, driver.addresses), .enabled(0, true),
        .enabled(0, false),
        .started(0, size: 64, base: 0, kick: true, call: false, error: true, enabled: false),
      ])
    #expect(
      try bench.refusal { try $0.setRingSize(0, 64) }
        == "SET_VRING_NUM: ring 0 runs, expected GET_VRING_BASE first")
    #expect(try bench.refusal { try $0.setRingBase(0, 0) } != nil)
    #expect(bench.session?.ring(0)?.isStarted == true)
  }

  @Test func featuresWithoutBit30EnableAllRings() throws {
    let (bench, driver) = try ready()
    try bench.frontEnd.setRingKick(0, driver.kickEvent.descriptor)
    bench.owner.events = []
    try bench.frontEnd.setFeatures(VirtioFeature.version1)
    #expect(bench.owner.events.last == .enabled(0, true))
    #expect((0..<4).allSatisfy { bench.session?.ring($0)?.isEnabled == true })
    // With bit 30 nothing is touched: migration toggles LOG_ALL while rings run.
    try bench.frontEnd.setFeatures(VirtioFeature.version1 | VirtioFeature.protocolFeatures)
    #expect((0..<4).allSatisfy { bench.session?.ring($0)?.isEnabled == true })
    try bench.frontEnd.setRingEnable(1, false)
    try bench.frontEnd.setFeatures(VirtioFeature.version1 | VirtioFeature.protocolFeatures)
    #expect(bench.session?.ring(1)?.isEnabled == false)
  }

  @Test func enableCallAndErrorOnARingThatIsNotSetUpAreRemembered() throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.setRingEnable(1, true)
    try bench.frontEnd.setRingCall(1, EventDescriptor().descriptor)
    try bench.frontEnd.setRingError(1, EventDescriptor().descriptor)
    let ring = try #require(bench.session?.ring(1))
    #expect(ring.isEnabled && ring.hasCall && ring.hasError && !ring.isStarted)
    #expect(bench.owner.events.isEmpty)
  }

  @Test func manyEnablesAreTaken() throws {
    let owner = RecordingOwner()
    let session = Session(owner: owner)
    let header = MessageHeader(request: 18, flags: 1, size: 8).bytes
    for turn in 0..<20_000 {
      try session.receive(header)
      try session.receive(words32(0, UInt32(turn % 2)))
    }
    #expect(session.ring(0)?.isEnabled == true)
    #expect(session.takeOutgoing().isEmpty)
  }

  /// M4: a size that is said a hundred thousand times costs nothing and keeps nothing.
  @Test func manyMessagesKeepNothing() throws {
    let session = Session(owner: RecordingOwner())
    for turn in 0..<100_000 {
      let size = UInt32(1) << UInt32(turn % 16)
      try session.receive(MessageHeader(request: Request.setRingSize.rawValue, flags: 1, size: 8).bytes)
      try session.receive(words32(UInt32(turn % 4), size))
    }
    #expect(session.ring(3)?.size == 1 << 15)
    #expect(session.takeOutgoing().isEmpty)
  }
}
