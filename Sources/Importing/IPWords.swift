import Topology

/// Words of other tools' lines that speak of IP addresses.
enum IPWords {
  /// The address in dotted form; nil = it is none.
  static func four(_ word: String) -> UInt32? {
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard part.utf8.count <= 3, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let byte = UInt8(part) else {
        return nil
      }
      value = value << 8 | UInt32(byte)
    }
    return value
  }

  static func isSix(_ word: String) -> Bool { word.contains(":") && IPPrefix("\(word)/128") != nil }

  /// The length of a prefix, from `26` or `255.255.255.192`; nil = it is no mask.
  static func length(_ word: String, isSix: Bool) -> Int? {
    if word.utf8.count <= 3, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(word) {
      return (0...(isSix ? 128 : 32)).contains(number) ? number : nil
    }
    return isSix ? nil : length(ofMask: word)
  }

  /// The length that a mask stands for, from `255.255.255.192` or, as net-tools take it, `0xffffffc0`.
  static func length(ofMask word: String) -> Int? {
    let bits = word.hasPrefix("0x") ? UInt32(word.dropFirst(2), radix: 16) : four(word)
    guard let bits else { return nil }
    let length = (~bits).leadingZeroBitCount
    return bits == (length == 0 ? 0 : UInt32.max << UInt32(32 - length)) ? length : nil
  }
}
