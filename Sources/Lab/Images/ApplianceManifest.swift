import Topology

/// The manifest of an appliance: a sum of each of its files (DSP0243, section 5.1).
struct ApplianceManifest: Sendable, Equatable {
  struct Line: Sendable, Hashable {
    /// The program that makes such a sum.
    var program: String
    var name: String
    /// Hexadecimal, lower case.
    var sum: String
  }

  private static let programs: [String: (name: String, digits: Int)] = [
    "SHA1": ("sha1sum", 40), "SHA256": ("sha256sum", 64), "SHA512": ("sha512sum", 128),
  ]
  private static let mostLines = 10_000
  /// Each once.
  private(set) var lines: [Line] = []

  /// - Throws: for a line that is none; nothing of such a file can be relied on.
  init(_ bytes: [UInt8]) throws(ImageFault) {
    let text = String(decoding: bytes, as: UTF8.self)
    var seen: Set<Line> = []
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      guard line.contains(where: { !$0.isWhitespace }) else { continue }
      guard lines.count < Self.mostLines, let entry = Self.entry(line) else {
        throw ImageFault("line \(number + 1) of its manifest is not understood: \(ShownText.line(line))")
      }
      // A sum takes its time.
      if seen.insert(entry).inserted { lines.append(entry) }
    }
  }

  /// `SHA256(name)= hex`, with or without blanks anywhere between.
  private static func entry(_ line: Substring) -> Line? {
    guard let open = line.firstIndex(of: "("), let equals = line.lastIndex(of: "="),
      let close = line[..<equals].lastIndex(of: ")"), open < close
    else { return nil }
    func bare(_ text: Substring) -> String { text.filter { !$0.isWhitespace } }
    guard bare(line[line.index(after: close)..<equals]).isEmpty,
      let program = programs[bare(line[..<open]).uppercased()]
    else { return nil }
    let sum = bare(line[line.index(after: equals)...]).lowercased()
    guard sum.utf8.count == program.digits, sum.allSatisfy(\.isHexDigit) else { return nil }
    return Line(program: program.name, name: String(line[line.index(after: open)..<close]), sum: sum)
  }
}
