import Frames

/// Kinds of large frames: those that their sender left whole for somebody else to cut (VIRTIO 1.2 section 5.1.6.2).
///
/// What a driver may send is negotiated by VIRTIO_NET_F_HOST_TSO4 and its like, what it takes by VIRTIO_NET_F_GUEST_TSO4
/// and its like; a TAP's reader says what it takes by TUNSETOFFLOAD.
struct LargeFrameTypes: OptionSet, BitwiseCopyable, Sendable {
  var rawValue: UInt8
  static var tcp4: LargeFrameTypes { LargeFrameTypes(rawValue: 1) }
  static var tcp6: LargeFrameTypes { LargeFrameTypes(rawValue: 2) }
  /// TCP with CWR set, which belongs to the first segment alone.
  static var ecn: LargeFrameTypes { LargeFrameTypes(rawValue: 4) }
  static var udp4: LargeFrameTypes { LargeFrameTypes(rawValue: 8) }
  static var udp6: LargeFrameTypes { LargeFrameTypes(rawValue: 16) }
  static var all: LargeFrameTypes { [.tcp4, .tcp6, .ecn, .udp4, .udp6] }

  /// Whether a frame that its header says to be of a type (`gso_type`) may be among these; of UDP, either version's.
  @inline(__always)
  func mayContain(_ type: UInt8) -> Bool {
    switch type {
    case Segmentation.tcp4: contains(.tcp4)
    case Segmentation.tcp4 | Segmentation.ecn: contains([.tcp4, .ecn])
    case Segmentation.tcp6: contains(.tcp6)
    case Segmentation.tcp6 | Segmentation.ecn: contains([.tcp6, .ecn])
    case Segmentation.udp: !isDisjoint(with: [.udp4, .udp6])
    default: false
    }
  }

  /// Whether a frame of a type, which was found to be what it says, is among these.
  @inline(__always)
  func contains(_ type: UInt8, isVersion4: Bool) -> Bool {
    type == Segmentation.udp ? contains(isVersion4 ? .udp4 : .udp6) : mayContain(type)
  }
}
