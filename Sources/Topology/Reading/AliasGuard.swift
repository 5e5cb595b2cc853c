/// Keeps documents from the composer that would make it work for ever.
///
/// Yams hashes every key to find duplicates. A key that is an alias (or holds aliases) of aliases of aliases is expanded
/// while it is hashed, which takes time exponential in the size of the file. Sixteen aliases expand to 256 values at
/// most, so only files with more of them *and* with keys that are not plain words are refused.
enum AliasGuard {
  private static let harmless = 16

  static func accepts(_ text: String.UTF8View) -> Bool {
    let bytes = Array(text)
    var aliases = 0
    var hasComplexKey = false
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "*") where startsToken(bytes, index):
        aliases += 1
        var end = index + 1
        while end < bytes.count, isWord(bytes[end]) { end += 1 }
        hasComplexKey = hasComplexKey || isFollowedByColon(bytes, end)
      case UInt8(ascii: "?") where startsToken(bytes, index): hasComplexKey = true
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        hasComplexKey = hasComplexKey || isFollowedByColon(bytes, index + 1)
      default: break
      }
    }
    return aliases <= harmless || !hasComplexKey
  }

  private static func startsToken(_ bytes: [UInt8], _ index: Int) -> Bool {
    index == 0 || " \t\r\n[{,:-?\"'".utf8.contains(bytes[index - 1])
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func isFollowedByColon(_ bytes: [UInt8], _ index: Int) -> Bool {
    var index = index
    while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
    return index < bytes.count && bytes[index] == UInt8(ascii: ":")
  }
}
