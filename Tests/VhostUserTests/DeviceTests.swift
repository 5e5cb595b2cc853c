import Glibc
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Messages about the device as a whole, good and hostile (M14, M19, M20).
@Suite struct DeviceTests {
  @Test func offersAreAnswered() throws {
    let bench = try Bench()
    #expect(try bench.frontEnd.getProtocolFeatures() == RecordingOwner.protocolFeatures, "before SET_FEATURES")
    #expect(try bench.frontEnd.getFeatures() == RecordingOwner.features)
    #expect(try bench.frontEnd.getQueueCount() == 2)
    #expect(try bench.frontEnd.getMaximumMemorySlots() == 509)
    #expect(try bench.frontEnd.getStatus() == 0)
  }

  /// QEMU and DPDK compare the number with pairs, Cloud Hypervisor and crosvm with rings.
  @Test(
    arguments: [
      (.qemu, .byOrder, 2), (.virtioUser, .byOrder, 2), (.crosvm, .byOrder, 2), (.cloudHypervisor, .byOrder, 4),
      (.crosvm, .rings, 4), (.cloudHypervisor, .rings, 4),
    ] as [(VirtualGuest.Order, QueueUnit, UInt64)])
  func queuesAreCountedAsTheFrontEndDoes(order: VirtualGuest.Order, unit: QueueUnit, count: UInt64) throws {
    let bench = try Bench { $0.offer.queueUnit = unit }
    let memory = try SharedMemory(size: 1 << 20)
    let rings = try (0..<4).map { try SplitDriver(memory: memory, index: $0, size: 64) }
    let plan = StartPlan(memory: memory, rings: rings)
    switch order {
    case .qemu: try bench.frontEnd.startLikeQEMU(plan)
    case .virtioUser: try bench.frontEnd.startLikeVirtioUser(plan)
    case .cloudHypervisor: try bench.frontEnd.startLikeCloudHypervisor(plan)
    case .crosvm: try bench.frontEnd.startLikeCrosvm(plan)
    }
    #expect(bench.frontEnd.queueCount == count)
  }

  @Test func featuresAreTakenAsAcknowledged() throws {
    let bench = try Bench(acknowledges: true)
    let wanted = VirtioFeature.version1 | VirtioFeature.protocolFeatures
    try bench.frontEnd.setFeatures(wanted)
    #expect(bench.session?.features == wanted)
    #expect(
      bench.owner.events == [.negotiated(features: wanted, protocolFeatures: RecordingOwner.protocolFeatures)])
    #expect(bench.session?.ring(0)?.isEnabled == false)
  }

  @Test(arguments: [VirtioFeature.packedRing, VirtioFeature.logAll, 1 << 63, 1 << 33])
  func featuresNotOfferedAreRefused(bit: UInt64) throws {
    let bench = try Bench(acknowledges: true)
    let reason = try bench.refusal { try $0.setFeatures(RecordingOwner.features | bit) }
    #expect(reason == "SET_FEATURES: sets \(featureNames(bit)[0]), which is not offered")
    #expect(bench.session?.features == 0)
    #expect(bench.session?.refusalCount == 1)
    #expect(bench.owner.events.isEmpty)

    let silent = try Bench()
    #expect(try silent.refusal { try $0.setFeatures(bit) } != nil)
    #expect(silent.session == nil)
  }

  @Test func protocolFeaturesAreMasked() throws {
    let bench = try Bench()
    try bench.frontEnd.setProtocolFeatures(.max)
    #expect(bench.session?.protocolFeatures == RecordingOwner.protocolFeatures)
    // INBAND_NOTIFICATIONS without REPLY_ACK and BACKEND_REQ: masked as well, as it is not offered.
    try bench.frontEnd.setProtocolFeatures(1 << 14)
    #expect(bench.session?.protocolFeatures == 0)
  }

  @Test func setProtocolFeaturesIsAcknowledgedOnceReplyAckIsOn() throws {
    let bench = try Bench()
    try bench.frontEnd.send(16, payload: words64(ProtocolFeature.replyAcknowledge), flags: 9)
    #expect(try bench.frontEnd.readReply(16) == words64(0))
    try bench.frontEnd.send(16, payload: words64(0), flags: 9)
    #expect(bench.transport.output.isEmpty)
  }

  @Test func needReplyWithoutReplyAckIsNotAnswered() throws {
    let bench = try Bench()
    try bench.frontEnd.send(3, flags: 9)
    #expect(bench.transport.output.isEmpty)
    #expect(bench.transport.failure == nil)
  }

  @Test func ownerMessagesChangeNothing() throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.setRingSize(0, 64)
    try bench.frontEnd.setOwner()
    try bench.frontEnd.setOwner()
    try bench.frontEnd.resetOwner()
    #expect(bench.session?.ring(0)?.size == 64)
    #expect(bench.owner.events.isEmpty)
  }

  @Test func configurationIsServedAndReadsAsZeroBehindItsEnd() throws {
    let bench = try Bench()
    let served = RecordingOwner.standardOffer.configuration
    #expect(try bench.frontEnd.getConfiguration(offset: 0, size: 12) == served)
    #expect(try bench.frontEnd.getConfiguration(offset: 6, size: 2) == [1, 0])
    #expect(try bench.frontEnd.getConfiguration(offset: 10, size: 4) == [0x28, 0x23, 0, 0])
    #expect(try bench.frontEnd.getConfiguration(offset: 0, size: 256)?.count == 256)
    #expect(try bench.frontEnd.getConfiguration(offset: 255, size: 1) == [0])
  }

  @Test(
    arguments: [
      (0, 0, 0), (256, 1, 1), (255, 2, 2), (0, 257, 256), (0xFFFF_FFFF, 1, 1), (1, 0xFFFF_FFFF, 8), (0, 12, 11),
      (0, 12, 13), (0, 1, 0),
    ] as [(UInt32, UInt32, Int)])
  func badConfigurationRangesGetAnEmptyAnswer(offset: UInt32, size: UInt32, room: Int) throws {
    let bench = try Bench()
    let payload = words32(offset, size, 0) + [UInt8](repeating: 0, count: room)
    #expect(try bench.frontEnd.ask(.getConfiguration, payload: payload).isEmpty)
    #expect(try bench.frontEnd.getStatus() == 0, "the session goes on")
    try bench.frontEnd.send(24, payload: [1, 2, 3])
    #expect(try bench.frontEnd.readReply(24).isEmpty)
  }

  @Test func configurationIsReadOnly() throws {
    let bench = try Bench(acknowledges: true)
    let reason = try bench.refusal { try $0.setConfiguration(offset: 0, [2, 0, 0, 0, 0, 1]) }
    #expect(reason?.contains("read-only") == true)
    #expect(try bench.refusal { try $0.setConfiguration(offset: 0xFFFF_FFFF, [1]) } != nil)
  }

  @Test(arguments: [0, 67, 9001, 65536, .max] as [UInt64])
  func badMTUsAreRefused(mtu: UInt64) throws {
    let bench = try Bench(acknowledges: true)
    #expect(try bench.refusal { try $0.setMTU(mtu) } == "NET_SET_MTU: MTU \(mtu), expected 68 to 9000")
    #expect(bench.owner.events.isEmpty)
  }

  @Test(arguments: [68, 1500, 9000] as [UInt64])
  func goodMTUsReachTheOwner(mtu: UInt64) throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.setMTU(mtu)
    #expect(bench.owner.events == [.mtu(Int(mtu))])
  }

  @Test func announcementsCarryTheAddressInNetworkOrder() throws {
    let bench = try Bench()
    try bench.frontEnd.sendRARP([0x02, 1, 2, 3, 4, 5])
    #expect(bench.owner.events == [.announced(0x0201_0203_0405)])
  }

  @Test(
    arguments: [
      [0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
      [2, 0, 0, 0, 0, 1, 1, 0], [2, 0, 0, 0, 0, 1, 0, 0x80],
    ] as [[UInt8]])
  func badAnnouncementsAreRefused(payload: [UInt8]) throws {
    let bench = try Bench(acknowledges: true)
    #expect(try bench.refusal { try $0.tell(.sendRARP, payload: payload) } != nil)
    #expect(bench.owner.events.isEmpty)
  }

  @Test func statusIsRememberedAndZeroResets() throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.setStatus(11)
    #expect(try bench.frontEnd.getStatus() == 11)
    try bench.frontEnd.setStatus(0)
    #expect(try bench.frontEnd.getStatus() == 0)
    #expect(bench.owner.events == [.reset])
    #expect(try bench.refusal { try $0.setStatus(256) } != nil)
  }

  @Test func resetStopsAndDisablesButKeepsMemory() throws {
    let bench = try Bench(acknowledges: true)
    let memory = try SharedMemory(size: 1 << 20)
    let rings = try (0..<2).map { try SplitDriver(memory: memory, index: $0, size: 64) }
    try bench.frontEnd.startLikeCloudHypervisor(StartPlan(memory: memory, rings: rings))
    #expect(bench.session?.ring(0)?.isStarted == true)
    try bench.frontEnd.resetDevice()
    let ring = try #require(bench.session?.ring(0))
    #expect(!ring.isStarted && !ring.isEnabled && ring.size == 0 && !ring.hasKick)
    #expect(bench.owner.events.suffix(3) == [.stopped(0), .stopped(1), .reset])
    #expect(try bench.frontEnd.getRingBase(0) == 4711, "QEMU asks for it after the reset")
    #expect(bench.owner.events.last == .reset, "and the owner is not asked again")
    var overlapping = memory.regions[0]
    overlapping.size /= 2
    #expect(
      try bench.refusal { try $0.addMemory(overlapping, memory.descriptors[0]) } != nil, "the region is still there")
  }

  @Test func channelsMustBeSockets() throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.setBackendChannel(UnixSocket.pair().0)
    try bench.frontEnd.setBackendChannel(UnixSocket.pair().1)
    #expect(bench.owner.events == [.channel, .channel])
    let reason = try bench.refusal { try $0.setBackendChannel(EventDescriptor().descriptor) }
    #expect(reason == "SET_BACKEND_REQ_FD: descriptor is an eventfd, expected a socket")
  }

  /// What is written to a channel is written with what this process may do.
  @Test(arguments: [AF_INET, AF_NETLINK])
  func channelsAreNotOtherSockets(domain: CInt) throws {
    let type = domain == AF_INET ? CInt(SOCK_STREAM.rawValue) : CInt(SOCK_RAW.rawValue)
    let raw = socket(domain, type | CInt(SOCK_CLOEXEC.rawValue), 0)
    try #require(raw >= 0)
    let other = Descriptor(owning: raw)
    let bench = try Bench(acknowledges: true)
    let reason = try bench.refusal { try $0.setBackendChannel(other) }
    #expect(reason == "SET_BACKEND_REQ_FD: descriptor is a socket of another kind than unix")
    #expect(bench.owner.events.isEmpty)
  }

  @Test func featureNamesAreThoseOfTheSpecification() {
    #expect(featureNames(0).isEmpty)
    #expect(featureNames(VirtioFeature.version1 | 1 | 1 << 50) == ["CSUM", "VERSION_1", "bit 50"])
    #expect(protocolFeatureNames(.max).prefix(4) == ["MQ", "LOG_SHMFD", "RARP", "REPLY_ACK"])
    #expect(Request.name(18) == "SET_VRING_ENABLE" && Request.name(45) == "GET_VRING_BASE_SKIP_DRAIN")
    #expect(Request.name(46) == "message 46")
  }
}

/// What an offer leaves out is as unknown as a message that does not exist.
@Suite struct OfferTests {
  @Test(
    arguments: [
      (.sendRARP, 8, ProtocolFeature.rarp), (.setMTU, 8, ProtocolFeature.mtu),
      (.setBackendChannel, 0, ProtocolFeature.backendRequests), (.getConfiguration, 24, ProtocolFeature.configuration),
      (.resetDevice, 0, ProtocolFeature.resetDevice), (.getMaximumMemorySlots, 0, ProtocolFeature.memorySlots),
      (.addMemoryRegion, 40, ProtocolFeature.memorySlots), (.removeMemoryRegion, 40, ProtocolFeature.memorySlots),
      (.setStatus, 8, ProtocolFeature.status), (.getStatus, 0, ProtocolFeature.status),
      (.getQueueCount, 0, ProtocolFeature.multiqueue), (.getInflightDescriptor, 24, ProtocolFeature.inflightShared),
      (.setInflightDescriptor, 24, ProtocolFeature.inflightShared),
    ] as [(Request, Int, UInt64)])
  func messagesOfFeaturesNotOfferedAreNacked(request: Request, size: Int, feature: UInt64) throws {
    let bench = try Bench(acknowledges: true) { $0.offer.protocolFeatures &= ~feature }
    try bench.frontEnd.send(request.rawValue, payload: [UInt8](repeating: 0, count: size), flags: 9)
    #expect(try bench.frontEnd.readReply(request.rawValue) == words64(1))
    let name = protocolFeatureNames(feature)[0]
    #expect(
      bench.session?.lastRefusal
        == "\(request.specificationName): needs the protocol feature \(name), which is not offered")
  }
}
