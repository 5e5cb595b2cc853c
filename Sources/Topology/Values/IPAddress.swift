/// An IPv4 or IPv6 address as a number.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  package enum Family: Sendable {
    case ipv4, ipv6

    /// Bits of an address.
    package var width: Int { self == .ipv4 ? 32 : 128 }
  }

  package var family: Family
  /// The address's bits, right aligned.
  var value: UInt128

  init(family: Family, value: UInt128) {
    self.family = family
    self.value = value
  }

  /// Reads `10.0.0.1` or `fd00::1`; nil when it is neither.
  package init?(_ text: Substring) {
    if let value = Self.parseIPv4(text) {
      self.init(family: .ipv4, value: UInt128(value))
    } else if let value = Self.parseIPv6(text) {
      self.init(family: .ipv6, value: value)
    } else {
      return nil
    }
  }

  /// fe80::/10 (RFC 4291 section 2.5.6): valid on every link without a prefix of its own.
  package var isLinkLocal: Bool { family == .ipv6 && value >> 118 == 0x3FA }

  /// The IPv4 address that an IPv4-mapped one stands for (RFC 4291 section 2.5.5.2).
  var ipv4: IPAddress? {
    guard family == .ipv6, value >> 32 == 0xFFFF else { return nil }
    return IPAddress(family: .ipv4, value: value & 0xFFFF_FFFF)
  }

  /// Dotted decimal, or RFC 5952's text.
  package var description: String {
    guard family == .ipv6 else {
      return [24, 16, 8, 0].map { String((value >> UInt128($0)) & 0xFF) }.joined(separator: ".")
    }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
    let texts = groups.map { String($0, radix: 16) }
    guard let zeros = Self.longestZeroRun(groups) else { return texts.joined(separator: ":") }
    let head = texts[..<zeros.lowerBound].joined(separator: ":")
    return "\(head)::\(texts[zeros.upperBound...].joined(separator: ":"))"
  }

  /// The first of the longest runs of two or more zero groups (RFC 5952 section 4.2).
  private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
    var best: Range<Int>?
    var start = 0
    while start < groups.count {
      var end = start
      while end < groups.count, groups[end] == 0 { end += 1 }
      if end - start >= 2, end - start > best?.count ?? 0 { best = start..<end }
      start = max(end, start + 1)
    }
    return best
  }

  /// Four decimal numbers without leading zeros (so that none is read as octal elsewhere).
  private static func parseIPv4(_ text: Substring) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        part == "0" || part.first != "0", let octet = UInt8(part)
      else { return nil }
      value = value << 8 | UInt32(octet)
    }
    return value
  }

  /// RFC 4291 section 2.2: groups, one `::`, and optionally an IPv4 address at the end.
  private static func parseIPv6(_ text: Substring) -> UInt128? {
    guard (2...45).contains(text.utf8.count) else { return nil }
    guard let gap = firstGap(in: text) else {
      guard let groups = groups(of: text), groups.count == 8 else { return nil }
      return number(groups)
    }
    let after = text[text.index(gap, offsetBy: 2)...]
    guard let head = groups(of: text[..<gap], mayEndInIPv4: false), let tail = groups(of: after),
      head.count + tail.count <= 7
    else { return nil }
    return number(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
  }

  private static func firstGap(in text: Substring) -> Substring.Index? {
    text.indices.first { text[$0...].hasPrefix("::") }
  }

  private static func groups(of text: Substring, mayEndInIPv4: Bool = true) -> [UInt16]? {
    guard !text.isEmpty else { return [] }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if mayEndInIPv4, index == parts.count - 1, part.contains("."), let value = parseIPv4(part) {
        groups += [UInt16(value >> 16), UInt16(value & 0xFFFF)]
      } else {
        guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
          let group = UInt16(part, radix: 16)
        else { return nil }
        groups.append(group)
      }
    }
    return groups
  }

  private static func number(_ groups: [UInt16]) -> UInt128 {
    groups.reduce(0) { $0 << 16 | UInt128($1) }
  }
}
