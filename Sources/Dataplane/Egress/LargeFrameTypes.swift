/// Types of large frames (VIRTIO 1.2 section 5.1.6, `gso_type`): what a node may send, or takes uncut.
struct LargeFrameTypes: OptionSet, BitwiseCopyable {
  var rawValue: UInt8
  static var tcp4: LargeFrameTypes { LargeFrameTypes(rawValue: 1) }
  static var tcp6: LargeFrameTypes { LargeFrameTypes(rawValue: 2) }
  /// TCP with CWR.
  static var ecn: LargeFrameTypes { LargeFrameTypes(rawValue: 4) }
  static var udp4: LargeFrameTypes { LargeFrameTypes(rawValue: 8) }
  static var udp6: LargeFrameTypes { LargeFrameTypes(rawValue: 16) }
}
