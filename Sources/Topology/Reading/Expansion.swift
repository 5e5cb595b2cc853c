/// `${NAME}` and `${NAME:-default}` in values and keys; `$${` stands for `${`.
enum Expansion {
  /// The value with variables put in; nil after an error.
  ///
  /// A variable that is not set and has no default is one (L011).
  static func expand(_ value: String, environment: [String: String], at span: Span, reporter: Reporter) -> String? {
    guard value.utf8.contains(UInt8(ascii: "$")) else { return value }
    var result = ""
    var rest = Substring(value)
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        result += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        rest = rest.dropFirst(2)
        guard let end = rest.firstIndex(of: "}") else {
          reporter.error(.environment, span, "\"${\" has no closing \"}\"", hint: "write $${ for a literal ${")
          return nil
        }
        guard let value = variable(rest[..<end], environment: environment, at: span, reporter: reporter) else {
          return nil
        }
        result += value
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }

  /// The value of what stands between the braces.
  private static func variable(
    _ text: Substring, environment: [String: String], at span: Span, reporter: Reporter
  ) -> String? {
    var name = text
    var fallback: Substring?
    if let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix(":-") {
      name = text[..<colon]
      fallback = text[colon...].dropFirst(2)
    }
    let isName = name.utf8.allSatisfy { $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) }
    guard isName, let first = name.utf8.first, !(0x30...0x39).contains(first) else {
      let shown = "${\(text)}".quoted
      let message = "\(shown) is not ${NAME} or ${NAME:-default}"
      reporter.error(.environment, span, message, hint: "write $${ for a literal ${")
      return nil
    }
    if let value = environment[String(name)], !value.isEmpty || fallback == nil { return value }
    if let fallback { return String(fallback) }
    let hint = "set it, or write ${\(name):-default}"
    reporter.error(.environment, span, "environment variable \(String(name).quoted) is not set", hint: hint)
    return nil
  }
}
