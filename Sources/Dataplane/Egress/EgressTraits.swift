import Frames

/// What a port takes: all that decides what a frame becomes on its way out.
///
/// The kind of the port says what its node can do (`WorkerPort.egressTraits`), its slot has the MTU.
struct EgressTraits: BitwiseCopyable {
  /// Bytes of payload that the node takes.
  var mtu: Int
  /// Checksums may be left partial (VIRTIO_NET_HDR_F_NEEDS_CSUM).
  var takesPartialChecksums: Bool
  /// Large frames that may be left whole (VIRTIO_NET_F_GUEST_TSO4 and its like); others are cut.
  var takesLarge: LargeFrameTypes = []
  /// Work that one delivery may be, in frames as they leave, or 2 KiB of them: large frames beyond are dropped.
  ///
  /// A guest can ask for two thousand segments a frame, and for many copies of each; see `WorkerState.workLimit`.
  var workLimit = Int.max
  /// What a frame to this port costs, in copies to a ring.
  var frameWork = 1

  /// Nothing is too long, and nothing is completed or cut: for a frame that only its tag is changed of, such as one that a
  /// capture keeps.
  static var everything: EgressTraits {
    EgressTraits(mtu: .max / 2, takesPartialChecksums: true, takesLarge: .all)
  }
  /// The same for a line, which holds, loses and delays frames as they will be on the wire.
  static func cutFrames(workLimit: Int) -> EgressTraits {
    EgressTraits(mtu: .max / 2, takesPartialChecksums: true, workLimit: workLimit)
  }

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
