/// The bytes of a lab file and the name under which diagnostics show it.
package struct SourceText: Sendable {
  /// As the user named it; `-` = standard input.
  package let path: String
  package let text: [UInt8]

  package init(path: String, text: [UInt8]) {
    self.path = path
    self.text = text
  }

  /// A line without its break, as Unicode scalars (invalid UTF-8 becomes U+FFFD); nil past the end.
  ///
  /// `number` counts from 1, and lines break where YAML's do.
  func line(_ number: Int) -> [Unicode.Scalar]? {
    guard number >= 1 else { return nil }
    var lines = LineScanner(text)
    for _ in 1..<number where lines.next() == nil { return nil }
    guard let range = lines.next() else { return nil }
    return Array(String(decoding: text[range], as: UTF8.self).unicodeScalars)
  }
}

/// Finds the lines of a text: LF, CR, CRLF, NEL, LS and PS end one (YAML 1.1 section 4.2, as libyaml counts).
struct LineScanner: IteratorProtocol {
  private let text: [UInt8]
  private var position = 0

  init(_ text: [UInt8]) {
    self.text = text
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The bytes of the next line without its break; nil at the end.
  mutating func next() -> Range<Int>? {
    guard position < text.count else { return nil }
    let start = position
    while position < text.count {
      let size = breakSize(at: position)
      guard size == 0 else {
        defer { position += size }
        return start..<position
      }
      position += 1
    }
    return start..<position
  }

  private func breakSize(at index: Int) -> Int {
    switch text[index] {
    case 0x0A: 1
    case 0x0D: index + 1 < text.count && text[index + 1] == 0x0A ? 2 : 1
    case 0xC2: index + 1 < text.count && text[index + 1] == 0x85 ? 2 : 0
    case 0xE2: index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] & 0xFE == 0xA8 ? 3 : 0
    default: 0
    }
  }
}
