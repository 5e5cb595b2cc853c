/// Metrics in the text form of OpenMetrics 1.0, which Prometheus reads too.
///
/// A family is said once, with all its samples after it, in the order of the calls.
struct OpenMetricsText {
  /// What `Content-Type` says of it.
  static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  /// What a family's samples are: "Metric Types" of the specification.
  enum Kind: String {
    /// Only rises, until the daemon starts again; its samples are called `NAME_total`.
    case counter
    case gauge
    /// Constants in labels; its samples are called `NAME_info` and are 1.
    case info

    var suffix: String {
      switch self {
      case .counter: "_total"
      case .gauge: ""
      case .info: "_info"
      }
    }
  }

  /// One value of a family.
  struct Sample {
    var labels: KeyValuePairs<String, String>
    var value: UInt64
  }

  private var text = ""

  /// The whole; nothing may follow.
  var finished: String { text + "# EOF\n" }

  /// Adds a family.
  /// - Parameters:
  ///   - name: without the suffix of its kind.
  ///   - unit: base unit, which the name then ends with.
  ///   - help: one line for people.
  mutating func add(_ name: String, _ kind: Kind, unit: String? = nil, help: String, _ samples: [Sample]) {
    text += "# TYPE \(name) \(kind.rawValue)\n"
    if let unit { text += "# UNIT \(name) \(unit)\n" }
    text += "# HELP \(name) \(Self.escaped(help))\n"
    for sample in samples {
      text += "\(name)\(kind.suffix)"
      if !sample.labels.isEmpty {
        text += "{\(sample.labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ","))}"
      }
      text += " \(sample.value)\n"
    }
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\"", with: "\\\"")
  }
}
