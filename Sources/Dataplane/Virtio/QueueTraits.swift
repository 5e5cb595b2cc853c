internal import VhostUser

/// What the features that a front-end acknowledged mean for one queue of a virtio network device.
struct QueueTraits: Sendable, BitwiseCopyable {
  var ring = RingTraits()
  /// VIRTIO_NET_F_MRG_RXBUF: a frame may take several chains of the receive ring.
  var isMergeable = false
  /// Bytes of the virtio-net header in front of every frame: 10 or 12.
  var headerSize: UInt8 = 12
  /// The driver may leave checksums partial (CSUM), or takes them partial (GUEST_CSUM).
  var allowsPartialChecksum = false
  /// Large frames that the driver may send (HOST_TSO4 and others), whatever the ring's direction.
  var sendsLarge: LargeFrameTypes = []
  /// Large frames that it takes uncut (GUEST_TSO4 and others).
  var takesLarge: LargeFrameTypes = []
}

extension QueueTraits {
  /// The traits of a ring that is to start.
  init(_ start: RingStart) {
    let features = start.features
    ring = RingTraits(
      isPacked: features & VirtioFeature.packedRing != 0, hasEventIndex: features & VirtioFeature.eventIndex != 0,
      hasIndirect: features & VirtioFeature.indirectDescriptors != 0, isPositionDoubtful: !start.isPositionOurs)
    isMergeable = features & VirtioFeature.mergeableBuffers != 0
    // num_buffers is in the header with VERSION_1 or mergeable buffers (VIRTIO 1.2 section 5.1.6.1).
    headerSize = isMergeable || features & VirtioFeature.version1 != 0 ? 12 : 10
    let checksum = start.index % 2 == 0 ? VirtioFeature.guestChecksum : VirtioFeature.checksum
    allowsPartialChecksum = features & checksum != 0
    sendsLarge = .sent(features)
    takesLarge = .taken(features)
  }
}

extension LargeFrameTypes {
  /// What a driver with these features may send.
  static func sent(_ features: UInt64) -> LargeFrameTypes {
    types(
      features,
      [
        (VirtioFeature.hostTSO4, .tcp4), (VirtioFeature.hostTSO6, .tcp6), (VirtioFeature.hostECN, .ecn),
        (VirtioFeature.hostUSO, [.udp4, .udp6]),
      ])
  }

  /// What a driver with these features takes.
  static func taken(_ features: UInt64) -> LargeFrameTypes {
    types(
      features,
      [
        (VirtioFeature.guestTSO4, .tcp4), (VirtioFeature.guestTSO6, .tcp6), (VirtioFeature.guestECN, .ecn),
        (VirtioFeature.guestUSO4, .udp4), (VirtioFeature.guestUSO6, .udp6),
      ])
  }

  private static func types(_ features: UInt64, _ meanings: [(bit: UInt64, types: LargeFrameTypes)]) -> LargeFrameTypes
  {
    let features = VirtioFeature.consistent(features)
    return meanings.reduce(into: []) { types, meaning in
      if features & meaning.bit != 0 { types.formUnion(meaning.types) }
    }
  }
}
