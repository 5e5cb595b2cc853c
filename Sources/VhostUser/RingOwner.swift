package import LinuxHost

/// What a port offers to the front-ends that connect to it; constant for the life of the port.
///
/// vhost-user, "Feature negotiation": a front-end that reconnects must find at least what it acknowledged before.
package struct DeviceOffer: Sendable, Equatable {
  /// Virtio feature bits (VIRTIO 1.2 sections 5.1.3 and 6), with VHOST_USER_F_PROTOCOL_FEATURES (bit 30).
  package var features: UInt64
  /// vhost-user protocol feature bits.
  package var protocolFeatures: UInt64
  /// Receive and transmit ring pairs, 1 to 16.
  ///
  /// Ring indices run from 0 to `2 * queuePairs - 1`.
  package var queuePairs: Int
  /// What the answer of GET_QUEUE_NUM counts.
  package var queueUnit = QueueUnit.byOrder
  /// Memory regions that ADD_MEM_REG may build up.
  package var memorySlots: Int
  /// Bytes of `struct virtio_net_config` answered to GET_CONFIG (VIRTIO 1.2 section 5.1.4).
  package var configuration: [UInt8]
  /// Largest MTU that NET_SET_MTU may ask for, in bytes.
  package var mtuLimit: Int

  package init(
    features: UInt64, protocolFeatures: UInt64, queuePairs: Int, memorySlots: Int = 509,
    configuration: [UInt8], mtuLimit: Int
  ) {
    self.features = features
    self.protocolFeatures = protocolFeatures
    self.queuePairs = queuePairs
    self.memorySlots = memorySlots
    self.configuration = configuration
    self.mtuLimit = mtuLimit
  }
}

/// What the number in the answer of GET_QUEUE_NUM counts; the specification says "queues", and front-ends differ.
package enum QueueUnit: Sendable, Equatable {
  /// Rings if the order of messages is Cloud Hypervisor's, else pairs.
  case byOrder
  case rings
}

/// One region of guest memory as the front-end described it; nothing of it is checked against the file yet.
package struct MemoryRegionRequest: Sendable {
  /// First guest physical address.
  package var guestAddress: UInt64
  /// Size in bytes.
  package var size: UInt64
  /// First address in the front-end's own address space; ring addresses are given in these.
  package var userAddress: UInt64
  /// Offset of the region's first byte in the file.
  package var fileOffset: UInt64
  /// The memory file.
  package var descriptor: Descriptor

  package init(
    guestAddress: UInt64, size: UInt64, userAddress: UInt64, fileOffset: UInt64, descriptor: Descriptor
  ) {
    self.guestAddress = guestAddress
    self.size = size
    self.userAddress = userAddress
    self.fileOffset = fileOffset
    self.descriptor = descriptor
  }
}

/// The log of dirty pages as SET_LOG_BASE described it; nothing of it is checked against the file yet.
package struct LogRequest: Sendable {
  /// Bytes.
  package var size: UInt64
  /// Offset of the log's first byte in the file; of any alignment.
  package var offset: UInt64
  package var descriptor: Descriptor

  package init(size: UInt64, offset: UInt64, descriptor: Descriptor) {
    self.size = size
    self.offset = offset
    self.descriptor = descriptor
  }
}

/// The addresses of SET_VRING_ADDR as sent: in the front-end's address space, unchecked.
package struct RingAddresses: Codable, Sendable, Equatable {
  /// `logFlag`: what is written to the used ring (packed: to the device's event area) is to be marked in the log.
  package var flags: UInt32
  package var descriptors: UInt64
  package var used: UInt64
  package var available: UInt64
  /// The guest address of the used ring, for the log alone.
  package var log: UInt64

  /// VHOST_VRING_F_LOG in `flags`.
  package static let logFlag: UInt32 = 1

  package init(flags: UInt32, descriptors: UInt64, used: UInt64, available: UInt64, log: UInt64) {
    self.flags = flags
    self.descriptors = descriptors
    self.used = used
    self.available = available
    self.log = log
  }
}

/// All that the front-end said of one ring when the ring starts (SET_VRING_KICK).
package struct RingStart: Sendable {
  /// Ring index: even = receive ring of the guest, odd = its transmit ring.
  package var index: Int
  /// RING_PACKED is among the features.
  package var isPacked: Bool { features & VirtioFeature.packedRing != 0 }
  /// Entries, 1 to 32768, checked by the session (a power of two unless the ring is packed).
  package var size: Int
  /// SET_VRING_BASE as sent: of a split ring the next available index; of a packed one next available and next used
  /// place with their wrap counters, 16 bits each; the next available one lies in the ring.
  package var base: UInt32
  /// It is where the owner has stopped the ring in this session; otherwise the front-end may be wrong about a ring that
  /// another back-end has served.
  package var isPositionOurs = false
  package var addresses: RingAddresses
  /// Nil: the front-end will not kick, poll the ring.
  package var kick: Descriptor?
  /// Nil: the front-end does not want calls.
  package var call: Descriptor?
  package var error: Descriptor?
  package var isEnabled: Bool
  /// Features acknowledged by SET_FEATURES.
  package var features: UInt64

  package init(
    index: Int, size: Int, base: UInt32, addresses: RingAddresses, kick: Descriptor?, call: Descriptor?,
    error: Descriptor?, isEnabled: Bool, features: UInt64
  ) {
    self.index = index
    self.size = size
    self.base = base
    self.addresses = addresses
    self.kick = kick
    self.call = call
    self.error = error
    self.isEnabled = isEnabled
    self.features = features
  }
}

/// What a `RingOwner` says to a request.
package enum OwnerAnswer: Sendable {
  /// Acted upon.
  case done
  /// Not acted upon, and why (lower case, with the value seen and the limit): nacked if the front-end asked for a
  /// reply, otherwise the connection ends.
  case refused(String)
  /// The worker has been asked; `Session.complete` follows, and no further message is read until then.
  case pending
}

/// What follows an `OwnerAnswer.pending`.
package enum OwnerCompletion: Sendable {
  case done
  case refused(String)
  /// Of a ring that was to start: its driver has broken the rules already; see `Session.noteBroken`.
  case broken
  /// The answer of GET_VRING_BASE, in the form of `RingStart.base`.
  case ringBase(UInt32)
}

/// The side that owns guest memory and rings.
///
/// `Session` checks messages and calls it with plain values, always on the reactor's thread; only the owner maps
/// memory, translates addresses and answers yes or no.
package protocol RingOwner: AnyObject {
  var offer: DeviceOffer { get }
  /// SET_FEATURES was accepted (only offered bits are set). Rings already running keep what they started with.
  func didNegotiate(features: UInt64, protocolFeatures: UInt64)
  /// SET_MEM_TABLE: replaces all regions, also while rings run.
  func setMemory(_ regions: [MemoryRegionRequest]) -> OwnerAnswer
  /// ADD_MEM_REG.
  func addMemory(_ region: MemoryRegionRequest) -> OwnerAnswer
  /// REM_MEM_REG.
  func removeMemory(guestAddress: UInt64, size: UInt64, userAddress: UInt64) -> OwnerAnswer
  /// SET_LOG_BASE, or one of the session's own: replaces the log, also while rings run; memory lies within it.
  ///
  /// - Parameter carryingMarks: what is marked in the one before must be in this one, before the answer.
  func setLog(_ log: LogRequest, carryingMarks: Bool) -> OwnerAnswer
  /// SET_FEATURES has set or cleared VHOST_F_LOG_ALL: pages that are written are marked from the answer on, or no more.
  func setLogging(_ isOn: Bool) -> OwnerAnswer
  /// SET_VRING_KICK: the ring starts, and is scanned at once. Called again for a running ring when its kick changes.
  func startRing(_ start: RingStart) -> OwnerAnswer
  /// SET_VRING_CALL on a ring that runs.
  func replaceCall(ring: Int, with call: Descriptor?) -> OwnerAnswer
  /// SET_VRING_ERR on a ring that runs.
  func replaceError(ring: Int, with error: Descriptor?) -> OwnerAnswer
  /// SET_VRING_ADDR on a ring that runs: translate again.
  func replaceAddresses(ring: Int, with addresses: RingAddresses) -> OwnerAnswer
  /// SET_VRING_ENABLE, or SET_FEATURES without bit 30, on a ring that runs. Traffic has ceased before the completion of a disable.
  func enableRing(_ ring: Int, _ isEnabled: Bool) -> OwnerAnswer
  /// GET_VRING_BASE on a ring that runs, or the session is to be taken out: stop it; completes with `.ringBase`. The
  /// owner lets go of its descriptors. Never called for a ring that was not started.
  func stopRing(_ ring: Int) -> OwnerAnswer
  /// RESET_DEVICE, SET_STATUS 0: every ring stops and is disabled.
  func resetDevice() -> OwnerAnswer
  /// SET_INFLIGHT_FD, while no ring runs: rings that start from now on have their parts of this region.
  func setInflight(_ region: InflightRegion) -> OwnerAnswer
  /// NET_SET_MTU, already checked against 68...`offer.mtuLimit`.
  func setMTU(_ mtu: Int) -> OwnerAnswer
  /// SEND_RARP: announce this address (low 48 bits, network order from the most significant byte) as if the guest had.
  func announce(address: UInt64) -> OwnerAnswer
  /// SET_BACKEND_REQ_FD, with a unix socket: replaces the channel; the earlier one is closed by being dropped.
  func setBackendChannel(_ channel: Descriptor)
}
