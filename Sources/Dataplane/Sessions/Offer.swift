import Frames
internal import VhostUser

/// What a vhost-user port offers; the same for the same configuration in every run, so that guests survive a restart.
enum Offer {
  /// MTU of a device that says none, in bytes.
  private static let usualMTU = 1500

  /// - Parameter mtu: the limit that the user set, in bytes; nil = none.
  ///
  ///   Without it VIRTIO_NET_F_MTU is not offered: a guest that takes it up must neither send nor be given more (VIRTIO
  ///   1.2 section 5.1.4.1), and Linux refuses a larger MTU from then on. QEMU's `host_mtu=` needs no offer: QEMU keeps
  ///   the feature from us then, and says the number by NET_SET_MTU.
  static func make(_ socket: VhostUserSocket, address: MACAddress, mtu: Int?) -> DeviceOffer {
    var features =
      VirtioFeature.version1 | VirtioFeature.mergeableBuffers | VirtioFeature.indirectDescriptors
      | VirtioFeature.eventIndex | VirtioFeature.packedRing | VirtioFeature.inOrder | VirtioFeature.multiqueue
      | VirtioFeature.guestAnnounce | VirtioFeature.logAll | VirtioFeature.protocolFeatures
    if mtu != nil { features |= VirtioFeature.mtu }
    features |= socket.offload.features
    let protocolFeatures =
      ProtocolFeature.multiqueue | ProtocolFeature.logShared | ProtocolFeature.replyAcknowledge | ProtocolFeature.rarp
      | ProtocolFeature.mtu | ProtocolFeature.backendRequests | ProtocolFeature.configuration
      | ProtocolFeature.inflightShared | ProtocolFeature.resetDevice | ProtocolFeature.memorySlots
      | ProtocolFeature.status
    var offer = DeviceOffer(
      features: features, protocolFeatures: protocolFeatures, queuePairs: socket.queuePairs,
      configuration: configuration(address, pairs: socket.queuePairs, mtu: mtu ?? usualMTU),
      mtuLimit: mtu ?? PortConfiguration.largestMTU)
    if socket.countsRings { offer.queueUnit = .rings }
    return offer
  }

  /// `struct virtio_net_config` (VIRTIO 1.2 section 5.1.4): mac 6, status 2 (link up), max_virtqueue_pairs 2, mtu 2.
  private static func configuration(_ address: MACAddress, pairs: Int, mtu: Int) -> [UInt8] {
    address.bytes + [1, 0, UInt8(pairs), 0, UInt8(mtu & 0xFF), UInt8(mtu >> 8)]
  }
}

extension DeviceOffer {
  /// The same, and what a session that goes on has acknowledged of an MTU that was another one when it began.
  ///
  /// The port's MTU can be changed under a front-end, which goes on with what it was offered.
  func keeping(_ state: SessionState) -> DeviceOffer {
    var offer = self
    offer.features |= state.features & VirtioFeature.mtu
    if let mtu = state.mtu { offer.mtuLimit = max(mtuLimit, min(mtu, PortConfiguration.largestMTU)) }
    return offer
  }
}
