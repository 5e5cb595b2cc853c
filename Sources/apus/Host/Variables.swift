import FoundationEssentials
import Lab

/// Environment variables.
///
/// Every long flag `--some-flag` has `APUS_SOME_FLAG`; the flag wins over the variable.
enum Variables {
  static var all: [String: String] { ProcessInfo.processInfo.environment }

  /// - Parameter name: without `APUS_`.
  /// - Returns: nil when the variable is not set or empty.
  static func value(_ name: String) -> String? {
    all["APUS_\(name)"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// A number, `least` or more; nil when the variable is not set or empty.
  static func number(_ name: String, from least: Int = 1) throws(UserError) -> Int? {
    guard let text = value(name) else { return nil }
    guard let number = Int(text), number >= least else {
      throw UserError(.badInput, "APUS_\(name) must be a number, \(least) or more, found \"\(text)\"")
    }
    return number
  }

  /// `1`, `true`, `yes` and `on` are yes.
  static func isSet(_ name: String) -> Bool {
    ["1", "true", "yes", "on"].contains(value(name)?.lowercased() ?? "")
  }
}
