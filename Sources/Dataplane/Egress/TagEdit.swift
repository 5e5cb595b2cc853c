import Frames

/// What happens to a frame's tag on the way out.
struct TagEdit: BitwiseCopyable {
  enum Kind: UInt8 { case keep, remove, insert, rewrite }
  var kind: Kind
  var tag: TagControl

  static let keep = TagEdit(kind: .keep, tag: TagControl(bits: 0))

  init(kind: Kind, tag: TagControl) { (self.kind, self.tag) = (kind, tag) }

  /// A frame is to leave with a tag; `old` is the one that it came with, if it has one.
  @inline(__always)
  init(tag: TagControl, isTagged: Bool, old: @autoclosure () -> TagControl) {
    guard isTagged else {
      self.init(kind: .insert, tag: tag)
      return
    }
    self = old().bits == tag.bits ? .keep : TagEdit(kind: .rewrite, tag: tag)
  }

  /// Bytes by which the frame grows.
  @inline(__always)
  var growth: Int {
    switch kind {
    case .keep, .rewrite: 0
    case .remove: -Ethernet.tagSize
    case .insert: Ethernet.tagSize
    }
  }

  /// Whether a frame that was tagged, or not, is known to be when it leaves.
  ///
  /// A tag behind one that is taken off is payload, as it was before.
  @inline(__always)
  func leavesTagged(_ wasTagged: @autoclosure () -> Bool) -> Bool {
    switch kind {
    case .keep: wasTagged()
    case .remove: false
    case .insert, .rewrite: true
    }
  }
}
