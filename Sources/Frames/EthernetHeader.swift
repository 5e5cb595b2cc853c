/// Sizes and types of Ethernet (IEEE 802.3-2018 clause 3, 802.1Q-2018 clause 9).
package enum Ethernet {
  /// Destination, source and type.
  package static let headerSize = 14
  /// TPID and TCI.
  package static let tagSize = 4
  /// Largest frame without FCS that a port takes: an MTU of 65521, header and one tag.
  package static let maximumFrameSize = 65521 + headerSize + tagSize
  package static let typeVLAN: UInt16 = 0x8100
  package static let typeIPv4: UInt16 = 0x0800
  package static let typeIPv6: UInt16 = 0x86DD
  package static let typeARP: UInt16 = 0x0806
  package static let typeRARP: UInt16 = 0x8035
}

/// The addresses, type and first tag of a frame, decoded from its first 16 bytes as two little-endian words.
///
/// Layout: destination 6, source 6, type 2, then TCI 2 if the type is 0x8100. A frame shorter than 16 bytes is
/// presented with zeros behind its end; the caller checks its size.
@frozen
package struct EthernetHeader: Sendable, BitwiseCopyable {
  package var first: UInt64
  package var second: UInt64

  @inlinable @inline(__always)
  package init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  @inlinable @inline(__always)
  package var destination: MACAddress { MACAddress(bits: first) }

  @inlinable @inline(__always)
  package var source: MACAddress { MACAddress(bits: (first >> 48) | (second << 16)) }

  /// The type field in host order.
  @inlinable @inline(__always)
  package var type: UInt16 { UInt16(truncatingIfNeeded: second >> 32).byteSwapped }

  /// The outer type is 0x8100. A foreign tag such as 0x88A8 is payload.
  @inlinable @inline(__always)
  package var isTagged: Bool { UInt16(truncatingIfNeeded: second >> 32) == 0x0081 }

  /// The two bytes behind the type; a tag's control field if `isTagged`.
  @inlinable @inline(__always)
  package var tag: TagControl { TagControl(bits: UInt16(truncatingIfNeeded: second >> 48).byteSwapped) }
}
