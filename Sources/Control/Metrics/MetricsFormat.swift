import FoundationEssentials

/// The text forms that metrics are told in.
enum MetricsFormat: CaseIterable {
  /// The text format 0.0.4 of Prometheus.
  case plain
  /// OpenMetrics 1.0.
  case openMetrics

  /// What `Content-Type` says of it.
  var contentType: String {
    switch self {
    case .plain: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// Versions of it that may be asked for.
  private var versions: [String] {
    switch self {
    case .plain: ["0.0.4"]
    case .openMetrics: ["1.0.0", "0.0.1"]
    }
  }

  private var mediaType: String { String(contentType.prefix { $0 != ";" }) }

  /// The form that a client asks for: OpenMetrics where `Accept` names it and likes the other no better.
  ///
  /// Who wants neither gets the plain one: what asks for metrics reads it, whatever it says.
  /// - Parameter accept: the values of the header, which may be there several times.
  static func chosen(by accept: [String]) -> MetricsFormat {
    let ranges = accept.flatMap { $0.split(separator: ",") }.compactMap { MediaRange($0) }
    guard let wanted = openMetrics.quality(in: ranges, isNamed: true), wanted > 0 else { return .plain }
    return wanted >= plain.quality(in: ranges, isNamed: false) ?? 0 ? .openMetrics : .plain
  }

  /// How much it is liked, 0 to 1: by the range that names it most closely; nil = by none.
  /// - Parameter isNamed: `*/*` and the like do not count.
  private func quality(in ranges: [MediaRange], isNamed: Bool) -> Double? {
    let fitting = ranges.filter { range in
      guard range.version.map({ versions.contains($0) }) ?? true else { return false }
      return range.type == mediaType || (!isNamed && range.includes(mediaType))
    }
    let closeness = fitting.map(\.closeness).max()
    return fitting.filter { $0.closeness == closeness }.map(\.quality).max()
  }
}

/// One of the ranges of an `Accept` header (RFC 9110 section 12.5.1): `text/*;q=0.5`.
private struct MediaRange {
  /// In small letters.
  var type: String
  var version: String?
  var quality = 1.0

  /// Nil for what is none.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ";").map { $0.trimmingWhitespace().lowercased() }
    guard let type = parts.first, type.contains("/") else { return nil }
    self.type = type
    for part in parts.dropFirst() {
      let sides = part.split(separator: "=", maxSplits: 1).map { $0.trimmingWhitespace() }
      guard sides.count == 2 else { continue }
      switch sides[0] {
      case "q": quality = Double(sides[1]).map { min(max($0, 0), 1) } ?? 0
      case "version": version = sides[1].replacing("\"", with: "")
      default: break
      }
    }
    if quality.isNaN { quality = 0 }
  }

  func includes(_ other: String) -> Bool {
    type == "*/*" || (type.hasSuffix("/*") && other.hasPrefix(type.dropLast()))
  }

  /// 2 = names a type, with its version 3; 1 = all types of a kind; 0 = everything.
  var closeness: Int { type == "*/*" ? 0 : type.hasSuffix("/*") ? 1 : version == nil ? 2 : 3 }
}

extension StringProtocol {
  fileprivate func trimmingWhitespace() -> String {
    String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
