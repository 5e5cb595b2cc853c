import Frames

/// What happens to a frame's tag on the way out.
struct TagEdit: BitwiseCopyable {
  enum Kind: UInt8 { case keep, remove, insert, rewrite }
  var kind: Kind
  var tag: TagControl

  static let keep = TagEdit(kind: .keep, tag: TagControl(bits: 0))

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
