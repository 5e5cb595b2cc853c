/// An element of an XML document; names are local ones, without their prefixes.
package struct XMLElement: Sendable, Equatable {
  package var name: String
  package var attributes: [String: String] = [:]
  package var children: [XMLElement] = []
  /// All text directly in it.
  package var text = ""
  /// Where it begins, from 1.
  package var line: Int

  package func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }

  package func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

  /// The text of a child, without blanks around it; nil when there is no such child or nothing in it.
  package func value(_ name: String) -> String? {
    guard let text = first(name)?.text.trimmed, !text.isEmpty else { return nil }
    return text
  }
}

/// Why a text is no XML that is taken.
package struct XMLFault: Error, Equatable {
  package var line: Int
  package var message: String
}

/// Reads an XML document from somebody who may wish us ill: UTF-8 only, no document type, so no entities of its own and
/// nothing from elsewhere, and bounds on size, depth and count.
package struct XMLReader {
  /// Bytes of a document.
  package static let largest = 10 << 20
  private static let deepest = 64
  private static let mostElements = 200_000
  private static let mostAttributes = 256

  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var count = 0
  /// Open elements with their names as written, outermost first.
  private var open: [(element: XMLElement, name: String)] = []
  private var root: XMLElement?

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The document's outermost element.
  package static func read(_ bytes: [UInt8]) throws(XMLFault) -> XMLElement {
    guard bytes.count <= largest else { throw XMLFault(line: 1, message: "it has more than \(largest >> 20) MiB") }
    guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
      throw XMLFault(line: 1, message: "it is not UTF-8 text")
    }
    var reader = XMLReader(bytes)
    return try reader.run()
  }

  private mutating func run() throws(XMLFault) -> XMLElement {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "<") { try markup() } else { try text() }
    }
    if let last = open.last { throw fault("<\(last.name)> of line \(last.element.line) is not closed") }
    guard let root else { throw fault("there is no element") }
    return root
  }

  private func fault(_ message: String) -> XMLFault { XMLFault(line: line, message: message) }

  private func starts(_ text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

  /// Moves on over `count` bytes, which are there.
  private mutating func skip(_ count: Int) {
    for byte in bytes[position..<position + count] where byte == UInt8(ascii: "\n") { line += 1 }
    position += count
  }

  /// What stands before `end`, which is passed as well.
  private mutating func upTo(_ end: String) throws(XMLFault) -> Range<Int> {
    let wanted = Array(end.utf8)
    var index = position
    while index + wanted.count <= bytes.count {
      if bytes[index] == wanted[0], bytes[index...].starts(with: wanted) {
        let range = position..<index
        skip(index + wanted.count - position)
        return range
      }
      index += 1
    }
    throw fault("\"\(end)\" is missing")
  }

  private func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  // MARK: - Parts

  private mutating func text() throws(XMLFault) {
    let end = bytes[position...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
    let piece = string(position..<end)
    if open.isEmpty {
      guard piece.trimmed.isEmpty else { throw fault("there is text outside of the document's element") }
    } else {
      open[open.count - 1].element.text += try resolved(piece)
    }
    skip(end - position)
  }

  private mutating func markup() throws(XMLFault) {
    if starts("<!--") {
      skip(4)
      _ = try upTo("-->")
    } else if starts("<![CDATA[") {
      skip(9)
      let range = try upTo("]]>")
      guard !open.isEmpty else { throw fault("there is text outside of the document's element") }
      open[open.count - 1].element.text += string(range)
    } else if starts("<!") {
      throw fault("it has a document type, which is not taken")
    } else if starts("<?") {
      skip(2)
      try declaration(string(try upTo("?>")))
    } else if starts("</") {
      skip(2)
      try close(string(try upTo(">")).trimmed)
    } else {
      skip(1)
      try element()
    }
  }

  private func declaration(_ text: String) throws(XMLFault) {
    guard text.hasPrefix("xml"), let place = text.firstRange(of: "encoding") else { return }
    let value = text[place.upperBound...].filter { !" =\"'\t\r\n".contains($0) }.lowercased()
    let isTaken = ["utf-8", "utf8", "us-ascii", "ascii"].contains { value.hasPrefix($0) }
    if !isTaken { throw fault("its encoding is not UTF-8") }
  }

  private mutating func close(_ name: String) throws(XMLFault) {
    guard let last = open.popLast(), last.name == name else { throw fault("</\(name.shown)> closes nothing") }
    if open.isEmpty { root = last.element } else { open[open.count - 1].element.children.append(last.element) }
  }

  private mutating func element() throws(XMLFault) {
    let name = try self.name()
    guard root == nil || !open.isEmpty else { throw fault("there is a second element beside the document's") }
    count += 1
    guard count <= Self.mostElements else { throw fault("it has more than \(Self.mostElements) elements") }
    guard open.count < Self.deepest else { throw fault("its elements are nested more than \(Self.deepest) deep") }
    var element = XMLElement(name: Self.local(name), line: line)
    while true {
      skipBlanks()
      if starts("/>") || starts(">") { break }
      let key = try self.name()
      skipBlanks()
      guard starts("=") else { throw fault("attribute \(key.shown) has no value") }
      skip(1)
      skipBlanks()
      guard starts("\"") || starts("'") else { throw fault("the value of attribute \(key.shown) is not in quotes") }
      let quote = starts("\"") ? "\"" : "'"
      skip(1)
      element.attributes[Self.local(key)] = try resolved(string(try upTo(quote)))
      guard element.attributes.count <= Self.mostAttributes else { throw fault("an element has too many attributes") }
    }
    let isEmpty = starts("/>")
    skip(isEmpty ? 2 : 1)
    open.append((element, name))
    if isEmpty { try close(name) }
  }

  private mutating func skipBlanks() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { skip(1) }
  }

  private mutating func name() throws(XMLFault) -> String {
    let ends: [UInt8] = [0x20, 0x09, 0x0A, 0x0D] + Array("=/>\"'<&".utf8)
    let end = bytes[position...].firstIndex { ends.contains($0) } ?? bytes.count
    guard end > position, end - position <= 256 else { throw fault("there is no name where one is expected") }
    let name = string(position..<end)
    skip(end - position)
    return name
  }

  private static func local(_ name: String) -> String {
    name.split(separator: ":", maxSplits: 1).last.map(String.init) ?? name
  }

  /// Text with its references resolved: characters by number, and the five that XML itself has.
  private func resolved(_ text: String) throws(XMLFault) -> String {
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    var result = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "&") {
      result += rest[..<start]
      guard let end = rest[start...].firstIndex(of: ";") else { throw fault("\"&\" has no \";\"") }
      let name = rest[rest.index(after: start)..<end]
      guard let scalar = Self.scalar(name) else { throw fault("&\(String(name).shown); is not known") }
      result.unicodeScalars.append(scalar)
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private static func scalar(_ name: Substring) -> Unicode.Scalar? {
    switch name {
    case "lt": return "<"
    case "gt": return ">"
    case "amp": return "&"
    case "quot": return "\""
    case "apos": return "'"
    default:
      guard name.hasPrefix("#"), name.utf8.count <= 10 else { return nil }
      let digits = name.dropFirst()
      let number = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      guard let number, number != 0 else { return nil }
      return Unicode.Scalar(number)
    }
  }
}

extension String {
  /// Without blanks and line breaks around it.
  var trimmed: String {
    guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace }) else {
      return ""
    }
    return String(self[start...end])
  }

  /// As a message may show it, without quotes.
  var shown: String { Quoting.printable(self) }
}
