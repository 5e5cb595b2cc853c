import Frames

/// How a frame looks on a switch without VLANs, which reads no tags.
///
/// As its node sent it, or as the link by which it came from a switch with VLANs had it. It stands where `Place` has a
/// priority elsewhere.
struct WireForm: BitwiseCopyable {
  /// 0 = as it came; VID 4095, which no frame is of = without the tag that it came with; else the tag that it bears.
  let bits: UInt16

  @inline(__always)
  init(bits: UInt16) { self.bits = bits }

  static let asItCame = WireForm(bits: 0)
  static let untagged = WireForm(bits: 0x0FFF)

  /// Its tag; nil = it has none, or the one that it came with.
  var tag: TagControl? { bits == 0 || bits == Self.untagged.bits ? nil : TagControl(bits: bits) }

  /// How its tag is changed where it leaves such a switch.
  ///
  /// Of its own, since no other switch has it.
  @inline(never)
  func edit(isTagged: Bool, tag old: TagControl) -> TagEdit {
    guard bits != 0 else { return .keep }
    guard let tag else { return isTagged ? TagEdit(kind: .remove, tag: TagControl(bits: 0)) : .keep }
    return TagEdit(tag: tag, isTagged: isTagged, old: old)
  }
}
