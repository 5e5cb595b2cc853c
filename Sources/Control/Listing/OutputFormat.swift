/// How a listing is written.
package enum OutputFormat: String, Sendable, CaseIterable {
  /// Aligned columns under a header.
  case table
  /// One JSON value: an array with a row a line, or an object.
  case json
  /// One JSON object a line.
  case jsonl
}
