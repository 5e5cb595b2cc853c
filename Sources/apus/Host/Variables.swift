import ArgumentParser
import FoundationEssentials

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

  /// An option: what the command line said, else what its variable does; nil when neither says anything.
  static func option(_ said: String?, _ name: String) -> String? { said ?? value(name) }

  /// The same for an option that is no text.
  /// - Parameter read: what a text means, as in the option's `transform:`.
  /// - Throws: `ValidationError` for a variable that means nothing.
  static func option<Value>(
    _ said: Value?, _ name: String, _ read: (String) throws -> Value
  ) throws(ValidationError) -> Value? {
    if let said { return said }
    guard let text = value(name) else { return nil }
    do {
      return try read(text)
    } catch {
      let expectation = (error as? ValidationError)?.message ?? "\(error)"
      throw ValidationError("APUS_\(name) is \"\(text)\", but \(expectation)")
    }
  }

  /// `1`, `true`, `yes` and `on` are yes.
  static func isSet(_ name: String) -> Bool {
    ["1", "true", "yes", "on"].contains(value(name)?.lowercased() ?? "")
  }
}
