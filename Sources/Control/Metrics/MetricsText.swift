import Dataplane

/// Labels of a sample as they are written: `{lab="two",port="vm1.eth0"}` without the braces.
struct MetricLabels {
  private(set) var text = ""

  init(_ pairs: KeyValuePairs<String, String> = [:]) {
    for (name, value) in pairs { add(name, value) }
  }

  /// The same with one more.
  func with(_ name: String, _ value: String) -> MetricLabels {
    var labels = self
    labels.add(name, value)
    return labels
  }

  private mutating func add(_ name: String, _ value: String) {
    if !text.isEmpty { text += "," }
    text += "\(name)=\"\(MetricsText.escaped(value, quotes: true))\""
  }
}

/// A family of metrics without its samples.
struct MetricFamily {
  /// What its samples are: "Metric Types" of OpenMetrics.
  enum Kind: String {
    /// Only rises, until what it counts begins anew at zero: with the daemon, and for what a lab has, with its port,
    /// switch, session or impairment. Its samples are called `NAME_total`.
    case counter
    case gauge
    /// Constants in labels; its samples are called `NAME_info` and are 1.
    case info
    /// Counts of values up to bounds; its samples are called `NAME_bucket`, `NAME_sum` and `NAME_count`.
    case histogram
  }

  /// Without the suffix of its kind; ends with the unit, where it has one.
  var name: String
  var kind: Kind
  /// Base unit.
  var unit: String?
  /// One line for people.
  var help: String

  init(_ name: String, _ kind: Kind, unit: String? = nil, help: String) {
    (self.name, self.kind, self.unit, self.help) = (name, kind, unit, help)
  }

  /// The name of its samples, which of histograms is only the beginning of it.
  var sampleName: String {
    switch kind {
    case .counter: "\(name)_total"
    case .info: "\(name)_info"
    case .gauge, .histogram: name
    }
  }
}

/// Metrics in one of their text forms.
///
/// A family is said once, with all its samples after it, in the order of the calls.
struct MetricsText {
  let format: MetricsFormat
  private var text = ""

  init(_ format: MetricsFormat) { self.format = format }

  /// The whole; nothing may follow.
  var finished: String { format == .openMetrics ? text + "# EOF\n" : text }

  /// Adds a family of counters, gauges or constants.
  mutating func add(_ family: MetricFamily, _ samples: [(labels: MetricLabels, value: UInt64)]) {
    addHead(family)
    let name = family.sampleName
    for sample in samples { addSample(name, sample.labels, "\(sample.value)") }
  }

  /// Adds a family of histograms.
  /// - Parameters:
  ///   - bounds: of how many places of the histogram there is a bucket; what is larger is in none but the last.
  ///   - scale: what a size of 1 and a sum of 1 are in the family's unit.
  mutating func add(
    _ family: MetricFamily, bounds: Int, scale: (size: Double, sum: Double),
    _ samples: [(labels: MetricLabels, value: Histogram)]
  ) {
    addHead(family)
    for (labels, value) in samples {
      var count: UInt64 = 0
      for place in 0..<bounds {
        count += place < value.counts.count ? value.counts[place] : 0
        let bound = "\(Double(UInt64(1) << UInt64(place)) * scale.size)"
        addSample("\(family.name)_bucket", labels.with("le", bound), "\(count)")
      }
      count += value.counts.dropFirst(bounds).reduce(0, +)
      addSample("\(family.name)_bucket", labels.with("le", "+Inf"), "\(count)")
      addSample("\(family.name)_sum", labels, "\(Double(value.sum) * scale.sum)")
      addSample("\(family.name)_count", labels, "\(count)")
    }
  }

  private mutating func addHead(_ family: MetricFamily) {
    switch format {
    case .openMetrics:
      text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
      if let unit = family.unit { text += "# UNIT \(family.name) \(unit)\n" }
      text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: true))\n"
    case .plain:
      // There a family is called as its samples, and constants are gauges.
      let kind = family.kind == .info ? .gauge : family.kind
      text += "# HELP \(family.sampleName) \(Self.escaped(family.help, quotes: false))\n"
      text += "# TYPE \(family.sampleName) \(kind.rawValue)\n"
    }
  }

  private mutating func addSample(_ name: String, _ labels: MetricLabels, _ value: String) {
    text += name
    if !labels.text.isEmpty {
      text += "{"
      text += labels.text
      text += "}"
    }
    text += " "
    text += value
    text += "\n"
  }

  /// - Parameter quotes: they are escaped too, as in labels.
  static func escaped(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
    let escaped = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    return quotes ? escaped.replacing("\"", with: "\\\"") : escaped
  }
}
