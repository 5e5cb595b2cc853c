/// A key of a terminal.
package enum TopKey: Sendable, Equatable {
  case character(Character)
  case enter, escape, backspace, interrupt, suspend
  case up, down, left, right, pageUp, pageDown, first, last

  /// What was typed, as terminals send it (ECMA-48, xterm); a sequence that means nothing here is no key.
  ///
  /// - Parameter bytes: one read of the terminal: a key's sequence comes in one piece.
  package static func keys(of bytes: [UInt8]) -> [TopKey] {
    var keys: [TopKey] = []
    var rest = String(decoding: bytes, as: UTF8.self).unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar.value {
      case 0x03: keys.append(.interrupt)
      case 0x1A: keys.append(.suspend)
      case 0x0A, 0x0D: keys.append(.enter)
      case 0x08, 0x7F: keys.append(.backspace)
      case 0x1B:
        guard let next = rest.first, next == "[" || next == "O" else {
          keys.append(.escape)
          continue
        }
        rest.removeFirst()
        if let key = sequence(&rest) { keys.append(key) }
      case 0..<0x20: break
      default: keys.append(.character(Character(scalar)))
      }
    }
    return keys
  }

  /// What is behind `ESC [` or `ESC O`.
  private static func sequence(_ rest: inout Substring.UnicodeScalarView) -> TopKey? {
    var parameters = ""
    while let scalar = rest.popFirst() {
      guard (0x40...0x7E).contains(scalar.value) else {
        parameters.unicodeScalars.append(scalar)
        continue
      }
      return key(Character(scalar), parameters)
    }
    return nil
  }

  private static func key(_ final: Character, _ parameters: String) -> TopKey? {
    switch (final, parameters) {
    case ("A", _): .up
    case ("B", _): .down
    case ("C", _): .right
    case ("D", _): .left
    case ("H", _), ("~", "1"), ("~", "7"): .first
    case ("F", _), ("~", "4"), ("~", "8"): .last
    case ("~", "5"): .pageUp
    case ("~", "6"): .pageDown
    default: nil
    }
  }
}
