import ArgumentParser
import Capture
import Topology

/// What the text of an option means: for the parser, as `transform:`, and for the option's environment variable alike.
///
/// Each throws a `ValidationError` that says what is expected.
enum OptionText {
  /// A time as lab files write it, more than none, in seconds.
  static func time(_ text: String) throws -> Double {
    guard let seconds = Units.seconds(text), seconds > 0 else { throw expected("a time such as 30s") }
    return seconds
  }

  /// The same, where no time at all is one too, and more than an hour is none.
  static func pause(_ text: String) throws -> Double {
    var definition = ImpairmentDefinition()
    guard (try? definition.set(.delay, to: text)) != nil else { throw expected("a time such as 500ms") }
    return definition.delay
  }

  /// A whole number in decimal.
  static func number(in range: ClosedRange<Int>) -> @Sendable (String) throws -> Int {
    { text in
      if let number = Int(text), range.contains(number) { return number }
      let limits =
        range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      throw expected("a number, \(limits),")
    }
  }

  /// How many times faster: any number that is not negative.
  static func factor(_ text: String) throws -> Double {
    guard let number = Double(text), number >= 0, number.isFinite else { throw expected("a number, 0 or more,") }
    return number
  }

  /// Files in turn: `4x10M`.
  static func ring(_ text: String) throws -> RingFiles {
    guard let files = RingFiles(text) else { throw expected("COUNTxSIZE as in 4x10M") }
    return files
  }

  /// One of the words of a type.
  static func word<Choice: RawRepresentable & CaseIterable>(_ text: String) throws -> Choice
  where Choice.RawValue == String {
    guard let choice = Choice(rawValue: text) else {
      throw expected("one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  private static func expected(_ what: String) -> ValidationError { ValidationError("\(what) is expected") }
}
