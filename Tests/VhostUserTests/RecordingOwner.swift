import GuestKit
import LinuxHost
import VhostUser

/// A ring owner that writes down what it is asked, and answers as a test wants.
final class RecordingOwner: RingOwner {
  enum Event: Equatable {
    case negotiated(features: UInt64, protocolFeatures: UInt64)
    case memory([SharedMemory.Region])
    case added(SharedMemory.Region)
    case removed(SharedMemory.Region)
    case log(size: UInt64, offset: UInt64, carries: Bool)
    case logging(Bool)
    case started(Int, size: Int, base: UInt32, kick: Bool, call: Bool, error: Bool, enabled: Bool)
    case call(Int, Bool)
    case error(Int, Bool)
    case addresses(Int, RingAddresses)
    case enabled(Int, Bool)
    case stopped(Int)
    case reset
    case mtu(Int)
    case inflight(size: UInt64, ringCount: Int, ringSize: Int)
    case announced(UInt64)
    case channel
  }

  enum Kind: CaseIterable {
    case memory, add, remove, log, logging, start, call, error, addresses, enable, stop, reset, mtu, announce, inflight
  }

  var offer = RecordingOwner.standardOffer
  var events: [Event] = []
  /// What is answered later, by `completion`.
  var pending: Set<Kind> = [.stop]
  var refused: Set<Kind> = []
  /// The completion of the request that is pending.
  var completion: OwnerCompletion?
  /// Answer of GET_VRING_BASE.
  var base: UInt32 = 4711
  var lastStart: RingStart?

  static let features =
    VirtioFeature.checksum | VirtioFeature.guestChecksum | VirtioFeature.mtu | VirtioFeature.mergeableBuffers
    | VirtioFeature.guestAnnounce | VirtioFeature.multiqueue | VirtioFeature.indirectDescriptors
    | VirtioFeature.eventIndex | VirtioFeature.protocolFeatures | VirtioFeature.version1 | VirtioFeature.inOrder

  static let protocolFeatures =
    ProtocolFeature.multiqueue | ProtocolFeature.rarp | ProtocolFeature.replyAcknowledge | ProtocolFeature.mtu
    | ProtocolFeature.backendRequests | ProtocolFeature.configuration | ProtocolFeature.resetDevice
    | ProtocolFeature.memorySlots | ProtocolFeature.status

  static var standardOffer: DeviceOffer {
    DeviceOffer(
      features: features, protocolFeatures: protocolFeatures, queuePairs: 2,
      configuration: [2, 0, 0, 0, 0, 9, 1, 0, 2, 0, 0x28, 0x23], mtuLimit: 9000)
  }

  /// Offers the log of dirty pages besides.
  func offersLog() {
    offer.features |= VirtioFeature.logAll
    offer.protocolFeatures |= ProtocolFeature.logShared
  }

  /// Offers all that has to do with machines that move.
  func offersKeeping() {
    offersLog()
    offer.protocolFeatures |= ProtocolFeature.inflightShared
  }

  private func answer(_ kind: Kind, _ done: OwnerCompletion = .done) -> OwnerAnswer {
    let refusal = "the owner does not want to"
    guard pending.contains(kind) else { return refused.contains(kind) ? .refused(refusal) : .done }
    completion = refused.contains(kind) ? .refused(refusal) : done
    return .pending
  }

  func didNegotiate(features: UInt64, protocolFeatures: UInt64) {
    events.append(.negotiated(features: features, protocolFeatures: protocolFeatures))
  }

  func setMemory(_ regions: [MemoryRegionRequest]) -> OwnerAnswer {
    events.append(.memory(regions.map(SharedMemory.Region.init)))
    return answer(.memory)
  }

  func addMemory(_ region: MemoryRegionRequest) -> OwnerAnswer {
    events.append(.added(SharedMemory.Region(region)))
    return answer(.add)
  }

  func removeMemory(guestAddress: UInt64, size: UInt64, userAddress: UInt64) -> OwnerAnswer {
    events.append(.removed(.init(guestAddress: guestAddress, size: size, userAddress: userAddress)))
    return answer(.remove)
  }

  func setLog(_ log: LogRequest, carryingMarks: Bool) -> OwnerAnswer {
    events.append(.log(size: log.size, offset: log.offset, carries: carryingMarks))
    return answer(.log)
  }

  func setLogging(_ isOn: Bool) -> OwnerAnswer {
    events.append(.logging(isOn))
    return answer(.logging)
  }

  func startRing(_ start: RingStart) -> OwnerAnswer {
    lastStart = start
    events.append(
      .started(
        start.index, size: start.size, base: start.base, kick: start.kick != nil, call: start.call != nil,
        error: start.error != nil, enabled: start.isEnabled))
    return answer(.start)
  }

  func replaceCall(ring: Int, with call: Descriptor?) -> OwnerAnswer {
    events.append(.call(ring, call != nil))
    return answer(.call)
  }

  func replaceError(ring: Int, with error: Descriptor?) -> OwnerAnswer {
    events.append(.error(ring, error != nil))
    return answer(.error)
  }

  func replaceAddresses(ring: Int, with addresses: RingAddresses) -> OwnerAnswer {
    events.append(.addresses(ring, addresses))
    return answer(.addresses)
  }

  func enableRing(_ ring: Int, _ isEnabled: Bool) -> OwnerAnswer {
    events.append(.enabled(ring, isEnabled))
    return answer(.enable)
  }

  func stopRing(_ ring: Int) -> OwnerAnswer {
    events.append(.stopped(ring))
    return answer(.stop, .ringBase(base))
  }

  func resetDevice() -> OwnerAnswer {
    events.append(.reset)
    return answer(.reset)
  }

  func setMTU(_ mtu: Int) -> OwnerAnswer {
    events.append(.mtu(mtu))
    return answer(.mtu)
  }

  func setInflight(_ region: InflightRegion) -> OwnerAnswer {
    events.append(.inflight(size: region.size, ringCount: region.ringCount, ringSize: region.ringSize))
    return answer(.inflight)
  }

  func announce(address: UInt64) -> OwnerAnswer {
    events.append(.announced(address))
    return answer(.announce)
  }

  func setBackendChannel(_ channel: Descriptor) { events.append(.channel) }
}

extension SharedMemory.Region {
  init(_ region: MemoryRegionRequest) {
    self.init(
      guestAddress: region.guestAddress, size: region.size, userAddress: region.userAddress,
      fileOffset: region.fileOffset)
  }
}
