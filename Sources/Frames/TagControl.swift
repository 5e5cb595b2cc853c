/// The tag control information of an 802.1Q tag (802.1Q-2018 clause 9.6): PCP in bits 15...13, DEI in bit 12, VID below.
@frozen
public struct TagControl: Sendable, Hashable, BitwiseCopyable {
  /// As on the wire, in host order.
  public var bits: UInt16

  /// Takes the field in host order.
  @inlinable @inline(__always)
  public init(bits: UInt16) { self.bits = bits }

  /// VLAN identifier, 0 (priority tag) to 4095 (reserved).
  @inlinable @inline(__always)
  public var vlan: UInt16 { bits & 0x0FFF }

  /// PCP and DEI in their places, VID zero.
  @inlinable @inline(__always)
  public var priority: UInt16 { bits & 0xF000 }
}
