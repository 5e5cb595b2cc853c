/// What an argument FILE|LAB means: it is a file if it contains `/`, ends in `.yaml` or `.yml`, or is `-`.
package enum LabArgument: Sendable, Equatable {
  /// `-` = standard input.
  case file(String)
  case lab(String)

  package init(_ text: String) {
    let isFile = text == "-" || text.contains("/") || text.hasSuffix(".yaml") || text.hasSuffix(".yml")
    self = isFile ? .file(text) : .lab(text)
  }
}
