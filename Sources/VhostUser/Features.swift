/// Virtio feature bits that this back-end knows (VIRTIO 1.2 sections 5.1.3 and 6, and vhost's own).
package enum VirtioFeature {
  package static let checksum: UInt64 = 1 << 0
  package static let guestChecksum: UInt64 = 1 << 1
  package static let mtu: UInt64 = 1 << 3
  package static let address: UInt64 = 1 << 5
  package static let guestTSO4: UInt64 = 1 << 7
  package static let guestTSO6: UInt64 = 1 << 8
  package static let guestECN: UInt64 = 1 << 9
  package static let hostTSO4: UInt64 = 1 << 11
  package static let hostTSO6: UInt64 = 1 << 12
  package static let hostECN: UInt64 = 1 << 13
  package static let mergeableBuffers: UInt64 = 1 << 15
  package static let status: UInt64 = 1 << 16
  package static let guestAnnounce: UInt64 = 1 << 21
  package static let multiqueue: UInt64 = 1 << 22
  /// VHOST_F_LOG_ALL: the dirty-page log is on.
  package static let logAll: UInt64 = 1 << 26
  package static let indirectDescriptors: UInt64 = 1 << 28
  package static let eventIndex: UInt64 = 1 << 29
  /// VHOST_USER_F_PROTOCOL_FEATURES: rings start disabled and SET_VRING_ENABLE decides.
  package static let protocolFeatures: UInt64 = 1 << 30
  package static let version1: UInt64 = 1 << 32
  package static let platformAddresses: UInt64 = 1 << 33
  package static let packedRing: UInt64 = 1 << 34
  package static let inOrder: UInt64 = 1 << 35
  package static let guestUSO4: UInt64 = 1 << 54
  package static let guestUSO6: UInt64 = 1 << 55
  package static let hostUSO: UInt64 = 1 << 56

  /// Large frames and partial checksums, both ways.
  package static let offloads: UInt64 =
    checksum | guestChecksum | hostTSO4 | hostTSO6 | hostECN | hostUSO | guestTSO4 | guestTSO6 | guestECN | guestUSO4
    | guestUSO6

  /// Takes out of `features` what depends on features that are not there (VIRTIO 1.2 section 5.1.3.1): large frames of a
  /// direction need its partial checksums, ECN needs one of its TCP types.
  ///
  /// A driver must not accept such a set; one that does has not negotiated those features.
  package static func consistent(_ features: UInt64) -> UInt64 {
    var features = features
    if features & checksum == 0 { features &= ~(hostTSO4 | hostTSO6 | hostECN | hostUSO) }
    if features & guestChecksum == 0 { features &= ~(guestTSO4 | guestTSO6 | guestECN | guestUSO4 | guestUSO6) }
    if features & (hostTSO4 | hostTSO6) == 0 { features &= ~hostECN }
    if features & (guestTSO4 | guestTSO6) == 0 { features &= ~guestECN }
    return features
  }
}

/// vhost-user protocol feature bits ("Protocol features").
package enum ProtocolFeature {
  package static let multiqueue: UInt64 = 1 << 0
  /// LOG_SHMFD: the dirty-page log is a file.
  package static let logShared: UInt64 = 1 << 1
  package static let rarp: UInt64 = 1 << 2
  package static let replyAcknowledge: UInt64 = 1 << 3
  package static let mtu: UInt64 = 1 << 4
  package static let backendRequests: UInt64 = 1 << 5
  package static let configuration: UInt64 = 1 << 9
  /// Messages on the back-end channel may carry descriptors.
  package static let backendDescriptors: UInt64 = 1 << 10
  /// INFLIGHT_SHMFD: a region of the front-end's keeping says which chains a back-end that dies has in hand.
  package static let inflightShared: UInt64 = 1 << 12
  package static let resetDevice: UInt64 = 1 << 13
  package static let memorySlots: UInt64 = 1 << 15
  package static let status: UInt64 = 1 << 16
}

/// Names of the virtio feature bits in `features`, lowest bit first; a bit without a name is `bit N`.
package func featureNames(_ features: UInt64) -> [String] {
  names(of: features, known: virtioFeatureNames)
}

/// Names of the protocol feature bits in `features`, lowest bit first; a bit without a name is `bit N`.
package func protocolFeatureNames(_ features: UInt64) -> [String] {
  names(of: features, known: protocolFeatureNameTable)
}

private func names(of features: UInt64, known: [Int: String]) -> [String] {
  (0..<64).filter { features & (1 << UInt64($0)) != 0 }.map { known[$0] ?? "bit \($0)" }
}

private let virtioFeatureNames: [Int: String] = [
  0: "CSUM", 1: "GUEST_CSUM", 2: "CTRL_GUEST_OFFLOADS", 3: "MTU", 5: "MAC", 6: "GSO", 7: "GUEST_TSO4",
  8: "GUEST_TSO6", 9: "GUEST_ECN", 10: "GUEST_UFO", 11: "HOST_TSO4", 12: "HOST_TSO6", 13: "HOST_ECN", 14: "HOST_UFO",
  15: "MRG_RXBUF", 16: "STATUS", 17: "CTRL_VQ", 18: "CTRL_RX", 19: "CTRL_VLAN", 20: "CTRL_RX_EXTRA",
  21: "GUEST_ANNOUNCE", 22: "MQ", 23: "CTRL_MAC_ADDR", 24: "NOTIFY_ON_EMPTY", 26: "LOG_ALL", 27: "ANY_LAYOUT",
  28: "INDIRECT_DESC", 29: "EVENT_IDX", 30: "PROTOCOL_FEATURES", 32: "VERSION_1", 33: "ACCESS_PLATFORM",
  34: "RING_PACKED", 35: "IN_ORDER", 36: "ORDER_PLATFORM", 37: "SR_IOV", 38: "NOTIFICATION_DATA",
  39: "NOTIF_CONFIG_DATA", 40: "RING_RESET", 54: "GUEST_USO4", 55: "GUEST_USO6", 56: "HOST_USO",
  57: "HASH_REPORT", 59: "GUEST_HDRLEN", 60: "RSS", 61: "RSC_EXT", 62: "STANDBY", 63: "SPEED_DUPLEX",
]

private let protocolFeatureNameTable: [Int: String] = [
  0: "MQ", 1: "LOG_SHMFD", 2: "RARP", 3: "REPLY_ACK", 4: "MTU", 5: "BACKEND_REQ", 6: "CROSS_ENDIAN",
  7: "CRYPTO_SESSION", 8: "PAGEFAULT", 9: "CONFIG", 10: "BACKEND_SEND_FD", 11: "HOST_NOTIFIER",
  12: "INFLIGHT_SHMFD", 13: "RESET_DEVICE", 14: "INBAND_NOTIFICATIONS", 15: "CONFIGURE_MEM_SLOTS", 16: "STATUS",
  17: "XEN_MMAP", 18: "SHARED_OBJECT", 19: "DEVICE_STATE",
]
