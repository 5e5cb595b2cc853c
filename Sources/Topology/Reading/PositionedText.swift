import Yams

/// The text of a file with its lines, to find what stands at a position that Yams marked.
struct PositionedText {
  let bytes: [UInt8]
  private let lines: [Range<Int>]
  /// Of long lines, by index: where every `stride`th column is, so that a file of one line is not walked for each value.
  private let landmarks: [Int: [Int]]
  private static let stride = 256

  /// A byte-order mark at the head is left out.
  init(_ text: [UInt8]) {
    bytes = text.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(text.dropFirst(3)) : text
    var scanner = LineScanner(bytes)
    var lines: [Range<Int>] = []
    while let line = scanner.next() { lines.append(line) }
    self.lines = lines
    let bytes = bytes
    landmarks = Dictionary(
      uniqueKeysWithValues: lines.enumerated().filter { $0.element.count > 4 * Self.stride }.map { index, line in
        (index, Self.landmarks(of: line, in: bytes))
      })
  }

  /// The bytes of a line at which every 256th column starts.
  private static func landmarks(of line: Range<Int>, in bytes: [UInt8]) -> [Int] {
    var result: [Int] = []
    var column = 0
    for offset in line where bytes[offset] & 0xC0 != 0x80 || offset == line.lowerBound {
      if column % stride == 0 { result.append(offset) }
      column += 1
    }
    return result
  }

  /// The text, if it is UTF-8 with nothing but YAML's printable characters; otherwise the first fault is reported.
  func validated(reporting reporter: Reporter) -> String? {
    for (index, line) in lines.enumerated() {
      var decoder = UTF8()
      var iterator = bytes[line].makeIterator()
      var column = 1
      decoding: while true {
        switch decoder.decode(&iterator) {
        case .emptyInput: break decoding
        case .error:
          reporter.error(.syntax, Span(line: index + 1, column: column), "the text is not valid UTF-8 here")
          return nil
        case .scalarValue(let scalar):
          guard Self.isPrintable(scalar) else {
            let code = String(scalar.value, radix: 16, uppercase: true)
            let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
            let span = Span(line: index + 1, column: column)
            reporter.error(.syntax, span, "character U+\(padded) is not allowed in YAML")
            return nil
          }
          column += 1
        }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// YAML 1.1 section 4.1.1, c-printable.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
    default: false
    }
  }

  /// Where a node stands and how much of its first line to underline.
  func span(of node: Node) -> Span {
    guard let mark = node.mark else { return .start }
    let span = Span(line: mark.line, column: mark.column)
    guard case .scalar(let scalar) = node, let offset = offset(of: span) else { return span }
    let rest = bytes[offset..<lines[span.line - 1].upperBound]
    let length: Int
    switch scalar.style {
    case .doubleQuoted, .singleQuoted: length = Self.quotedLength(rest)
    case .literal, .folded: length = 1
    default:
      let isValue = rest.starts(with: scalar.string.utf8)
      length = isValue ? scalar.string.unicodeScalars.count : Self.wordLength(rest)
    }
    return Span(line: span.line, column: span.column, length: length)
  }

  /// The text between a key's quotes, or the word that stands at a position; nil when something else does.
  func scalarText(at span: Span) -> String? {
    guard let offset = offset(of: span), offset < lines[span.line - 1].upperBound else { return nil }
    let rest = bytes[offset..<lines[span.line - 1].upperBound]
    switch bytes[offset] {
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      let inner = String(decoding: rest, as: UTF8.self).unicodeScalars.dropFirst().prefix(Self.quotedLength(rest) - 2)
      return inner.isEmpty ? nil : String(String.UnicodeScalarView(inner))
    case UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "["), UInt8(ascii: "{"),
      UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: "|"), UInt8(ascii: ">"):
      return nil
    default:
      var end = rest.startIndex
      while end < rest.endIndex {
        let isLast = end + 1 == rest.endIndex
        if rest[end] == UInt8(ascii: ":"), isLast || [0x20, 0x09, 0x2C, 0x5D, 0x7D].contains(rest[end + 1]) { break }
        end += 1
      }
      while end > rest.startIndex, rest[end - 1] == 0x20 || rest[end - 1] == 0x09 { end -= 1 }
      return String(decoding: rest[..<end], as: UTF8.self)
    }
  }

  /// The text with the first character of the word at a position replaced by another single scalar.
  func replacingFirstCharacter(at span: Span, with value: UInt32) -> [UInt8]? {
    guard var offset = offset(of: span), let scalar = Unicode.Scalar(value) else { return nil }
    if bytes[offset] == UInt8(ascii: "\"") || bytes[offset] == UInt8(ascii: "'") { offset += 1 }
    guard offset < bytes.count else { return nil }
    var end = offset + 1
    while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return Array(bytes[..<offset]) + Array(String(Character(scalar)).utf8) + Array(bytes[end...])
  }

  /// The character at a position; nil past the end of its line.
  func scalar(at span: Span) -> Unicode.Scalar? {
    guard let offset = offset(of: span) else { return nil }
    return String(decoding: bytes[offset..<lines[span.line - 1].upperBound], as: UTF8.self).unicodeScalars.first
  }

  func lineContains(_ word: String, at span: Span) -> Bool {
    guard lines.indices.contains(span.line - 1) else { return false }
    let line = bytes[lines[span.line - 1]]
    return line.indices.contains { line[$0...].starts(with: word.utf8) }
  }

  /// The byte at a position; at most the end of its line.
  private func offset(of span: Span) -> Int? {
    guard lines.indices.contains(span.line - 1) else { return nil }
    let line = lines[span.line - 1]
    var offset = line.lowerBound
    var column = 1
    if let landmarks = landmarks[span.line - 1], let last = landmarks.indices.last, span.column >= 1 {
      let passed = min((span.column - 1) / Self.stride, last)
      offset = landmarks[passed]
      column += passed * Self.stride
    }
    while column < span.column, offset < line.upperBound {
      offset += 1
      while offset < line.upperBound, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
      column += 1
    }
    return column == span.column ? offset : nil
  }

  /// Scalars from an opening quote to its closing one, or to the end of the line.
  private static func quotedLength(_ text: ArraySlice<UInt8>) -> Int {
    guard let quote = text.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      return wordLength(text)
    }
    var length = 1
    var isEscaped = false
    for byte in text.dropFirst() where byte & 0xC0 != 0x80 {
      length += 1
      if byte == quote, !isEscaped { return length }
      isEscaped = byte == UInt8(ascii: "\\") && quote == UInt8(ascii: "\"") && !isEscaped
    }
    return length
  }

  private static func wordLength(_ text: ArraySlice<UInt8>) -> Int {
    let word = text.prefix { ![0x20, 0x09, 0x2C, 0x5B, 0x5D, 0x7B, 0x7D].contains($0) }
    return String(decoding: word, as: UTF8.self).unicodeScalars.count
  }
}
