/// A frame on its way out of one port, as the switch noted it.
struct PendingFrame: BitwiseCopyable {
  var frame: UInt16
  var edit: TagEdit
  /// `FrameDrop.rawValue` if it was not delivered; set after the attempt.
  var verdict: UInt8 = 0

  static let none = PendingFrame(frame: 0, edit: .keep)
}
