import Frames

/// A frame on its way out of one port, as the switch noted it: eight bytes, made with one store.
struct PendingFrame: BitwiseCopyable {
  /// Place in its burst 1, verdict 1, losses 2, kind of its edit 1, nothing 1, the edit's tag 2.
  private var word: UInt64

  /// - Parameter frame: its place in the burst.
  @inline(__always)
  init(frame: Int, edit: TagEdit) {
    word =
      UInt64(UInt8(truncatingIfNeeded: frame)) | UInt64(edit.kind.rawValue) << 32 | UInt64(edit.tag.bits) << 48
  }

  /// One that is not changed.
  ///
  /// - Parameter frame: below `Burst.capacity`.
  @inline(__always)
  init(kept frame: Int) { word = UInt64(truncatingIfNeeded: frame) }

  /// In its burst.
  @inline(__always)
  var frame: UInt8 { UInt8(truncatingIfNeeded: word) }

  @inline(__always)
  var edit: TagEdit {
    // Every number of two bits is a kind.
    let kind = TagEdit.Kind(rawValue: UInt8(truncatingIfNeeded: word >> 32) & 3) ?? .keep
    return TagEdit(kind: kind, tag: TagControl(bits: UInt16(truncatingIfNeeded: word >> 48)))
  }

  /// Its place in the burst if nothing is to be done with it, nor was; otherwise nil.
  @inline(__always)
  var kept: Int? { word < UInt64(truncatingIfNeeded: Burst.capacity) ? Int(truncatingIfNeeded: word) : nil }

  /// `FrameDrop.rawValue` if it was not delivered, or not all of it; set after the attempt.
  var verdict: UInt8 { UInt8(truncatingIfNeeded: word >> 8) }

  /// Frames that were lost, as they would have left, less one; the highest bit: others of them left.
  ///
  /// One that is refused before it is cut is one.
  private var losses: UInt16 { UInt16(truncatingIfNeeded: word >> 16) }

  static let none = PendingFrame(frame: 0, edit: .keep)

  /// Frames that its verdict is about.
  var lostCount: Int { Int(losses & 0x7FFF) + 1 }
  /// A large frame that left in part.
  var isPartlyGone: Bool { losses & 0x8000 != 0 }

  /// Notes what became of it.
  mutating func refuse(_ drop: FrameDrop, losing count: Int = 1, isPartlyGone: Bool = false) {
    let losses = UInt16(truncatingIfNeeded: min(count - 1, 0x7FFF)) | (isPartlyGone ? 0x8000 : 0)
    word = word & ~0xFFFF_FF00 | UInt64(drop.rawValue) << 8 | UInt64(losses) << 16
  }
}
