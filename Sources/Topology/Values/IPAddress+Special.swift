/// Addresses that no host can have (RFC 6890, RFC 4291 section 2.4).
extension IPAddress {
  private struct Range {
    var prefix: IPPrefix
    /// Behind "is".
    var words: String
  }

  /// From the narrowest to the widest of those that overlap.
  private static let ranges: [Range] = [
    range(.ipv4, 0, 32, "the unspecified address"),
    range(.ipv4, 0, 8, "of 0.0.0.0/8, which stands for this network"),
    range(.ipv4, 0x7F00_0000, 8, "a loopback address"),
    range(.ipv4, 0xE000_0000, 4, "a multicast address"),
    range(.ipv4, 0xFFFF_FFFF, 32, "the limited broadcast address"),
    range(.ipv6, 0, 128, "the unspecified address"),
    range(.ipv6, 1, 128, "the loopback address"),
    range(.ipv6, 0xFFFF_0000_0000, 96, "an IPv4-mapped address"),
    range(.ipv6, 0xFF << 120, 8, "a multicast address"),
  ]

  private static func range(_ family: Family, _ value: UInt128, _ length: Int, _ words: String) -> Range {
    Range(prefix: IPPrefix(address: IPAddress(family: family, value: value), length: length), words: words)
  }

  /// 224.0.0.0/4 (RFC 5771).
  var isIPv4Multicast: Bool { family == .ipv4 && value >> 28 == 0xE }

  /// What makes it an address that no host on a network can have, in words behind "is"; nil for all others.
  var special: String? { Self.ranges.first { $0.prefix.contains(self) }?.words }

  /// The same of a whole prefix: nil when some address in it can be a host's.
  static func special(_ prefix: IPPrefix) -> String? {
    ranges.first { $0.prefix.length <= prefix.length && $0.prefix.contains(prefix.address) }?.words
  }
}
