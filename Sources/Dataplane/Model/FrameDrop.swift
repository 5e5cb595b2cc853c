/// Why a frame was dropped, in a byte.
package struct FrameDrop: Sendable, Hashable, BitwiseCopyable {
  /// 0 = it was not, from 1 on `IngressDrop`, from 128 on `EgressDrop`.
  package let rawValue: UInt8

  package static let none = FrameDrop(rawValue: 0)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  @inline(__always)
  package init(_ reason: IngressDrop) { rawValue = UInt8(truncatingIfNeeded: 1 + reason.rawValue) }

  @inline(__always)
  package init(_ reason: EgressDrop) { rawValue = UInt8(truncatingIfNeeded: 128 + reason.rawValue) }

  /// Where the frame came in, or at the far side of a patch.
  package var isIngress: Bool { (1..<128).contains(rawValue) }

  /// Why it did not leave; nil = it was not dropped on its way out.
  var egress: EgressDrop? { rawValue < 128 ? nil : EgressDrop(rawValue: Int(rawValue) - 128) }

  /// The reason in the words of the user guide; nil = the frame was not dropped.
  package var name: String? {
    guard rawValue > 0 else { return nil }
    if rawValue < 128 { return IngressDrop(rawValue: Int(rawValue) - 1)?.name }
    return egress?.name
  }
}
