/// A station address of six bytes.
struct MACAddress: Hashable, Sendable, CustomStringConvertible {
  /// The bytes, first byte on top, in 48 bits.
  var value: UInt64

  init(value: UInt64) { self.value = value & 0xFFFF_FFFF_FFFF }

  /// Reads six pairs of hexadecimal digits with colons (or hyphens) between them.
  init?(_ text: String) {
    let separator: Character = text.contains("-") ? "-" : ":"
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var value: UInt64 = 0
    for part in parts {
      guard part.utf8.count == 2, part.first != "+", part.first != "-", let byte = UInt8(part, radix: 16) else {
        return nil
      }
      value = value << 8 | UInt64(byte)
    }
    self.init(value: value)
  }

  /// The group bit (802-2014 clause 8.2): no station may have it in its address.
  var isMulticast: Bool { value >> 40 & 1 == 1 }

  /// Lower case, colons.
  var description: String {
    (0..<6).map { index in
      let byte = (value >> UInt64(40 - 8 * index)) & 0xFF
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: ":")
  }
}
