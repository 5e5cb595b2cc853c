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
  }
}
