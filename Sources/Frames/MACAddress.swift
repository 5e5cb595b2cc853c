/// A 48-bit station address (IEEE 802-2014 clause 8.2), trivial and comparable in one instruction.
///
/// `bits` holds the six bytes as a little-endian load of the wire gives them: the first byte on the wire is the
/// least significant. The upper 16 bits are zero.
@frozen
public struct MACAddress: Sendable, Hashable, BitwiseCopyable {
  /// Six bytes, the first on the wire lowest.
  public var bits: UInt64

  /// Takes the low 48 bits of a little-endian load of the wire.
  @inlinable @inline(__always)
  public init(bits: UInt64) { self.bits = bits & 0xFFFF_FFFF_FFFF }

  /// Takes six bytes in wire order; nil if there are not exactly six.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 6 else { return nil }
    bits = 0
    for (position, byte) in bytes.enumerated() { bits |= UInt64(byte) << UInt64(8 * position) }
  }

  /// Reads six pairs of hexadecimal digits with colons between them, `02:00:00:00:00:01`, or with hyphens, as IEEE 802
  /// writes them; nil if the text is anything else.
  ///
  /// The one parser of the program, for lab files, command lines, requests and what is written down.
  public init?(_ text: some StringProtocol) {
    let characters = Array(text.utf8)
    guard characters.count == 17, [UInt8(ascii: ":"), UInt8(ascii: "-")].contains(characters[2]) else { return nil }
    bits = 0
    for position in 0..<6 {
      let place = 3 * position
      guard let high = Self.digit(characters[place]), let low = Self.digit(characters[place + 1]),
        position == 5 || characters[place + 2] == characters[2]
      else { return nil }
      bits |= (high << 4 | low) << UInt64(8 * position)
    }
  }

  private static func digit(_ character: UInt8) -> UInt64? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(character - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(character - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// FF-FF-FF-FF-FF-FF.
  @inlinable public static var broadcast: MACAddress { MACAddress(bits: 0xFFFF_FFFF_FFFF) }

  /// Group (multicast or broadcast) address: the I/G bit is set.
  @inlinable @inline(__always)
  public var isGroup: Bool { bits & 1 != 0 }

  /// All bits zero: no station.
  @inlinable @inline(__always)
  public var isZero: Bool { bits == 0 }

  /// 01-80-C2-00-00-00 to -0F, which a standard bridge never forwards (802.1Q-2018 clause 8.6.3).
  @inlinable @inline(__always)
  public var isLinkLocal: Bool { bits & 0xF0FF_FFFF_FFFF == 0x0000_00C2_8001 }

  /// Last byte on the wire.
  @inlinable @inline(__always)
  public var lastByte: UInt8 { UInt8(truncatingIfNeeded: bits >> 40) }

  /// Six bytes in wire order.
  public var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) } }
}

extension MACAddress: CustomStringConvertible {
  /// As `02:00:00:00:00:01`: lower case, colons.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
