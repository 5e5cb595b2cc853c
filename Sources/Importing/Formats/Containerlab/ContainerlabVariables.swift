/// Variables in the text of a topology, as containerlab puts them in before it reads any YAML.
///
/// One that is not set and has no default stays as it is written, and `$1` is none.
enum ContainerlabVariables {
  /// Deepest default within a default.
  private static let deepest = 8
  /// Bytes of a text with its variables in it: as of a file.
  private static let longest = 10 << 20

  /// What is made of a text.
  struct Outcome {
    /// Nil = it would be longer than a file may be.
    var text: String?
    /// Variables of the environment whose values are in it.
    var names: Set<String> = []
  }

  static func expanded(_ text: String, _ environment: [String: String]) -> Outcome {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return Outcome(text: text) }
    let bytes = Array(text.utf8)
    var expansion = Expansion(environment: environment, closings: closings(bytes))
    let result = expansion.expanded(bytes[...], depth: 0)
    let isTooLong = expansion.isTooLong || result.utf8.count > longest
    return Outcome(text: isTooLong ? nil : result, names: expansion.names)
  }

  /// By the place of each opening brace: that of the one that closes it within its line; 0 = none does.
  private static func closings(_ text: [UInt8]) -> [UInt32] {
    var places = [UInt32](repeating: 0, count: text.count)
    var open: [Int] = []
    for (index, byte) in text.enumerated() {
      switch byte {
      case UInt8(ascii: "{"): open.append(index)
      case UInt8(ascii: "}"): if let start = open.popLast() { places[start] = UInt32(clamping: index) }
      case UInt8(ascii: "\n"): open = []
      default: break
      }
    }
    return places
  }

  /// One pass over a text.
  private struct Expansion {
    let environment: [String: String]
    let closings: [UInt32]
    var names: Set<String> = []
    var isTooLong = false

    mutating func expanded(_ text: ArraySlice<UInt8>, depth: Int) -> String {
      var result: [UInt8] = []
      var index = text.startIndex
      while index < text.endIndex, !isTooLong {
        guard text[index] == UInt8(ascii: "$"), let (value, end) = variable(text, index, depth) else {
          result.append(text[index])
          index += 1
          continue
        }
        result += value.utf8
        isTooLong = isTooLong || result.count > longest
        index = end
      }
      return String(decoding: result, as: UTF8.self)
    }

    /// The value of the variable that begins at a dollar, and where the text goes on; nil = none is put in.
    private mutating func variable(_ text: ArraySlice<UInt8>, _ dollar: Int, _ depth: Int) -> (String, Int)? {
      let start = dollar + 1
      guard start < text.endIndex else { return nil }
      guard text[start] == UInt8(ascii: "{") else {
        let name = ContainerlabVariables.name(text[start...])
        return value(of: name).map { ($0, start + name.utf8.count) }
      }
      guard depth < deepest, let close = closing(start, in: text) else { return nil }
      let inner = text[(start + 1)..<close]
      let name = ContainerlabVariables.name(inner)
      guard !name.isEmpty else { return nil }
      let rest = inner.dropFirst(name.utf8.count)
      if rest.isEmpty { return value(of: name).map { ($0, close + 1) } }
      let isEmptyUnset = rest.first == UInt8(ascii: ":")
      let tail = isEmptyUnset ? rest.dropFirst() : rest
      guard let sign = tail.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "=") else { return nil }
      if let known = environment[name], !known.isEmpty || !isEmptyUnset, let value = value(of: name) {
        return (value, close + 1)
      }
      return (expanded(tail.dropFirst(), depth: depth + 1), close + 1)
    }

    private mutating func value(of name: String) -> String? {
      guard let value = environment[name] else { return nil }
      names.insert(name)
      return value
    }

    private func closing(_ open: Int, in text: ArraySlice<UInt8>) -> Int? {
      let place = Int(closings[open])
      return place > open && place < text.endIndex ? place : nil
    }
  }

  private static func name(_ text: ArraySlice<UInt8>) -> String {
    guard let first = text.first, !(0x30...0x39).contains(first) else { return "" }
    let name = text.prefix {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "_")
    }
    return String(decoding: name, as: UTF8.self)
  }

  /// Longest line in which words are replaced, and longest name that stands for one, in bytes.
  private static let longestLine = 64 << 10
  private static let longestName = 255

  /// Replaces the words that stand for the node and its folders.
  static func magic(_ text: String, node: String, lab: String) -> String {
    guard text.utf8.count <= longestLine, text.contains("__clab") else { return text }
    // Nobody's folder has a longer name.
    guard node.utf8.count <= longestName, lab.utf8.count <= longestName else { return text }
    let folder = "clab-\(lab)"
    return text.replacing("__clabNodeName__", with: node).replacing("__clabNodeDir__", with: "\(folder)/\(node)")
      .replacing("__clabDir__", with: folder).replacing("__clabLabName__", with: folder)
  }
}
