/// Where a frame of the burst is: on which switch, by which port, in which VLAN, with which priority.
struct Place: BitwiseCopyable {
  var frame: Int
  var ingress: Int
  var switchIndex: Int
  var vlan: UInt16
  /// PCP and DEI in their places of a tag; on a switch without VLANs the bits of a `WireForm`, and `vlan` is 0.
  var priority: UInt16
  var hops: Int
}

extension Place {
  /// What a line keeps of a frame that is about to cross a patch: VLAN and priority as in a tag, hops from bit 16 on, and
  /// in bit 31 that the frame carries a tag.
  func note(isTagged: Bool) -> UInt32 {
    UInt32(vlan | priority) | UInt32(truncatingIfNeeded: hops) << 16 | (isTagged ? 1 << 31 : 0)
  }

  /// The place that was noted, at the end `patch` of a patch.
  init(note: UInt32, frame: Int, patch: Int, switchIndex: Int) {
    self.init(
      frame: frame, ingress: patch, switchIndex: switchIndex, vlan: UInt16(note & 0x0FFF),
      priority: UInt16(note & 0xF000), hops: Int(note >> 16 & 0xFF))
  }

  /// What was noted is of a switch without VLANs.
  mutating func readAsWireForm() { (vlan, priority) = (0, priority | vlan) }

  /// The frame that was noted carries a tag.
  static func isTagged(note: UInt32) -> Bool { note >> 31 != 0 }
}
