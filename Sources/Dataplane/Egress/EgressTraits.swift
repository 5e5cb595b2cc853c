import Frames

/// What a port takes: all that decides what a frame becomes on its way out.
///
/// The kind of the port says what its node can do (`WorkerPort.egressTraits`), its slot has the MTU. Which types of
/// large frames a node takes uncut (VIRTIO_NET_F_GUEST_TSO4 and others) belongs here, when it is known.
struct EgressTraits: BitwiseCopyable {
  /// Bytes of payload that the node takes.
  var mtu: Int
  /// Checksums may be left partial (VIRTIO_NET_HDR_F_NEEDS_CSUM).
  var takesPartialChecksums: Bool

  /// Nothing is too long and nothing is completed: for a frame that only its tag is changed of, such as one that a
  /// capture or a line keeps.
  static var everything: EgressTraits { EgressTraits(mtu: .max / 2, takesPartialChecksums: true) }
  /// The same for whoever has no word for a partial checksum.
  static var completeFrames: EgressTraits { EgressTraits(mtu: .max / 2, takesPartialChecksums: false) }

  /// Bytes of the longest frame that is taken whatever it is.
  @inline(__always)
  var largestUntagged: Int { mtu &+ Ethernet.headerSize }

  /// The size rule: `mtu` bytes behind the Ethernet header, of a tagged frame behind the tag.
  ///
  /// - Parameter size: bytes of the frame as it leaves.
  @inline(__always)
  func takes(_ size: Int, isTagged: @autoclosure () -> Bool) -> Bool {
    size <= largestUntagged || (size <= largestUntagged &+ Ethernet.tagSize && isTagged())
  }
}
