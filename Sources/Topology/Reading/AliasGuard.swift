/// Keeps documents from the composer that would make it work for ever.
///
/// Yams hashes every key to find duplicates. A key that is an alias (or holds aliases) of aliases of aliases is expanded
/// while it is hashed, which takes time exponential in the size of the file. Sixteen aliases expand to 256 values at
/// most, so only files with more of them *and* with keys that are not plain words are refused. A word behind an asterisk
/// is an alias only where the text has its anchor: the texts of other tools' files are full of asterisks.
enum AliasGuard {
  private static let harmless = 16

  static func accepts(_ text: String.UTF8View) -> Bool {
    let bytes = Array(text)
    let anchors = anchors(of: bytes)
    guard !anchors.isEmpty else { return true }
    var aliases = 0
    var hasComplexKey = false
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "*") where startsToken(bytes, index):
        let end = endOfWord(bytes, index + 1)
        guard anchors.contains(bytes[index + 1..<end]) else { continue }
        aliases += 1
        hasComplexKey = hasComplexKey || isFollowedByColon(bytes, end)
      case UInt8(ascii: "?") where startsToken(bytes, index): hasComplexKey = true
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        hasComplexKey = hasComplexKey || isFollowedByColon(bytes, index + 1)
      default: break
      }
    }
    return aliases <= harmless || !hasComplexKey
  }

  /// The names of all that could be an anchor.
  private static func anchors(of bytes: [UInt8]) -> Set<ArraySlice<UInt8>> {
    var names: Set<ArraySlice<UInt8>> = []
    for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "&") && startsToken(bytes, index) {
      let end = endOfWord(bytes, index + 1)
      let isBeyondASCII = end < bytes.count && bytes[end] >= 0x80
      if end > index + 1 || isBeyondASCII { names.insert(bytes[index + 1..<end]) }
    }
    return names
  }

  private static func endOfWord(_ bytes: [UInt8], _ start: Int) -> Int {
    var end = start
    while end < bytes.count, isWord(bytes[end]) { end += 1 }
    return end
  }

  /// Beyond ASCII, libyaml has three more line breaks (U+0085, U+2028, U+2029); the last bytes of others count as well.
  private static func startsToken(_ bytes: [UInt8], _ index: Int) -> Bool {
    index == 0 || bytes[index - 1] >= 0x80 || " \t\r\n[{,:-?\"'".utf8.contains(bytes[index - 1])
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
