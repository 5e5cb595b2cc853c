/// Variables in the text of a topology, as containerlab puts them in before it reads any YAML.
///
/// One that is not set and has no default stays as it is written, and `$1` is none.
enum ContainerlabVariables {
  /// Deepest default within a default.
  private static let deepest = 8

  static func expanded(_ text: String, _ environment: [String: String]) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    return expanded(Array(text.utf8)[...], environment, depth: 0)
  }

  private static func expanded(_ text: ArraySlice<UInt8>, _ environment: [String: String], depth: Int) -> String {
    var result: [UInt8] = []
    var index = text.startIndex
    while index < text.endIndex {
      guard text[index] == UInt8(ascii: "$"), let (value, end) = variable(text, index, environment, depth) else {
        result.append(text[index])
        index += 1
        continue
      }
      result += value.utf8
      index = end
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The value of the variable that begins at a dollar, and where the text goes on; nil = none is put in.
  private static func variable(
    _ text: ArraySlice<UInt8>, _ dollar: Int, _ environment: [String: String], _ depth: Int
  ) -> (String, Int)? {
    let start = dollar + 1
    guard start < text.endIndex else { return nil }
    guard text[start] == UInt8(ascii: "{") else {
      let name = name(text[start...])
      return environment[name].map { ($0, start + name.utf8.count) }
    }
    guard depth < deepest, let close = closing(text, from: start) else { return nil }
    let inner = text[(start + 1)..<close]
    let name = name(inner)
    guard !name.isEmpty else { return nil }
    let rest = inner.dropFirst(name.utf8.count)
    if rest.isEmpty { return environment[name].map { ($0, close + 1) } }
    let isEmptyUnset = rest.first == UInt8(ascii: ":")
    let tail = isEmptyUnset ? rest.dropFirst() : rest
    guard let sign = tail.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "=") else { return nil }
    if let value = environment[name], !value.isEmpty || !isEmptyUnset { return (value, close + 1) }
    return (expanded(tail.dropFirst(), environment, depth: depth + 1), close + 1)
  }

  private static func name(_ text: ArraySlice<UInt8>) -> String {
    guard let first = text.first, !(0x30...0x39).contains(first) else { return "" }
    let name = text.prefix {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == UInt8(ascii: "_")
    }
    return String(decoding: name, as: UTF8.self)
  }

  /// The brace that closes the one at a place, within its line.
  private static func closing(_ text: ArraySlice<UInt8>, from open: Int) -> Int? {
    var depth = 0
    var index = open
    while index < text.endIndex, text[index] != UInt8(ascii: "\n") {
      if text[index] == UInt8(ascii: "{") { depth += 1 }
      if text[index] == UInt8(ascii: "}") {
        depth -= 1
        if depth == 0 { return index }
      }
      index += 1
    }
    return nil
  }

  /// Replaces the words that stand for the node and its folders.
  static func magic(_ text: String, node: String, lab: String) -> String {
    guard text.contains("__clab") else { return text }
    let folder = "clab-\(lab)"
    return text.replacing("__clabNodeName__", with: node).replacing("__clabNodeDir__", with: "\(folder)/\(node)")
      .replacing("__clabDir__", with: folder).replacing("__clabLabName__", with: folder)
  }
}
