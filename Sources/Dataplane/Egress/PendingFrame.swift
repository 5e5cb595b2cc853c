/// A frame on its way out of one port, as the switch noted it: eight bytes.
struct PendingFrame: BitwiseCopyable {
  /// In its burst.
  var frame: UInt8
  /// `FrameDrop.rawValue` if it was not delivered, or not all of it; set after the attempt.
  private(set) var verdict: UInt8 = 0
  /// Frames that were lost, as they would have left, less one; the highest bit: others of them left.
  ///
  /// One that is refused before it is cut is one.
  private var losses: UInt16 = 0
  var edit: TagEdit

  /// - Parameter frame: its place in the burst.
  @inline(__always)
  init(frame: Int, edit: TagEdit) {
    self.frame = UInt8(truncatingIfNeeded: frame)
    self.edit = edit
  }

  static let none = PendingFrame(frame: 0, edit: .keep)

  /// Frames that its verdict is about.
  var lostCount: Int { Int(losses & 0x7FFF) + 1 }
  /// A large frame that left in part.
  var isPartlyGone: Bool { losses & 0x8000 != 0 }

  /// Notes what became of it.
  mutating func refuse(_ drop: FrameDrop, losing count: Int = 1, isPartlyGone: Bool = false) {
    verdict = drop.rawValue
    losses = UInt16(truncatingIfNeeded: min(count - 1, 0x7FFF)) | (isPartlyGone ? 0x8000 : 0)
  }
}
