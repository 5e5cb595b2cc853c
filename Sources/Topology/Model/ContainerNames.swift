/// Names that are handed to the programs that run containers: none of them is taken for an option.
package enum ContainerNames {
  /// What engines take as name or id of a container.
  package static func isContainer(_ text: String) -> Bool { isPlain(text, and: "_.-") }

  /// What engines take as the name of an image, with its tag or digest.
  package static func isImage(_ text: String) -> Bool { isPlain(text, and: "_.-/:@+") }

  /// What shells take as the name of a variable.
  package static func isVariable(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "_") }
  }

  /// 1 to 255 bytes, the first a letter or digit, the rest those too or of `others`.
  private static func isPlain(_ text: String, and others: String) -> Bool {
    guard (1...255).contains(text.utf8.count), let first = text.utf8.first, isPlain(first) else { return false }
    return text.utf8.allSatisfy { isPlain($0) || others.utf8.contains($0) }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    default: (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
  }
}
