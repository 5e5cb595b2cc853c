/// Ports of TCP or UDP as a lab file writes them: `80`, or `8000-8010`.
package struct PortSpan: Hashable, Sendable, CustomStringConvertible {
  /// Within 1...65535.
  package let range: ClosedRange<Int>

  init(_ range: ClosedRange<Int>) { self.range = range }

  /// Nil for anything else, and for a span that does not ascend.
  package init?(_ text: String) {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { ValueReader.integer(String($0)) }
    guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last,
      Limits.ports.contains(first), Limits.ports.contains(last)
    else { return nil }
    self.init(first...last)
  }

  /// The same ports in their one form: ascending, without overlaps or neighbours.
  static func merged(_ spans: [PortSpan]) -> [PortSpan] { VLANTable.merged(spans.map(\.range)).map { PortSpan($0) } }

  package var description: String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
  }
}

/// A span is a text wherever it is written down.
extension PortSpan: TextCoded {
  package static var mistake: String { "neither a port nor a span such as 8000-8010" }
}
