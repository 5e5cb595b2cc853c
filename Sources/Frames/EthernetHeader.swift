/// Sizes and types of Ethernet (IEEE 802.3-2018 clause 3, 802.1Q-2018 clause 9).
public enum Ethernet {
  /// Destination, source and type.
  @inlinable public static var headerSize: Int { 14 }
  /// TPID and TCI.
  @inlinable public static var tagSize: Int { 4 }
  /// Largest frame without FCS that a port takes: an MTU of 65521, header and one tag.
  @inlinable public static var maximumFrameSize: Int { 65521 + headerSize + tagSize }
  /// TPID of a customer VLAN tag.
  @inlinable public static var typeVLAN: UInt16 { 0x8100 }
  /// TPID of a service VLAN tag (802.1Q-2018 clause 9.6): payload to us, which knows no such VLANs.
  @inlinable public static var typeServiceVLAN: UInt16 { 0x88A8 }
  /// Internet Protocol version 4.
  @inlinable public static var typeIPv4: UInt16 { 0x0800 }
  /// Internet Protocol version 6.
  @inlinable public static var typeIPv6: UInt16 { 0x86DD }
  /// Reverse ARP.
  @inlinable public static var typeRARP: UInt16 { 0x8035 }
}

/// The addresses, type and first tag of a frame, decoded from its first 16 bytes as two little-endian words.
///
/// Layout: destination 6, source 6, type 2, then TCI 2 if the type is 0x8100. A frame shorter than 16 bytes is
/// presented with zeros behind its end; the caller checks its size.
@frozen
public struct EthernetHeader: Sendable, BitwiseCopyable {
  /// Bytes 0 to 7 of the frame.
  public var first: UInt64
  /// Bytes 8 to 15.
  public var second: UInt64

  /// Takes little-endian loads of the wire.
  @inlinable @inline(__always)
  public init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  /// Where the frame goes.
  @inlinable @inline(__always)
  public var destination: MACAddress { MACAddress(bits: first) }

  /// Where it came from.
  @inlinable @inline(__always)
  public var source: MACAddress { MACAddress(bits: (first >> 48) | (second << 16)) }

  /// The type field in host order.
  @inlinable @inline(__always)
  public var type: UInt16 { UInt16(truncatingIfNeeded: second >> 32).byteSwapped }

  /// The outer type is 0x8100.
  ///
  /// A foreign tag such as 0x88A8 is payload.
  @inlinable @inline(__always)
  public var isTagged: Bool { UInt16(truncatingIfNeeded: second >> 32) == 0x0081 }

  /// The two bytes behind the type; a tag's control field if `isTagged`.
  @inlinable @inline(__always)
  public var tag: TagControl { TagControl(bits: UInt16(truncatingIfNeeded: second >> 48).byteSwapped) }
}
