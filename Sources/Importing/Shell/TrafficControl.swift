import Topology

/// `tc qdisc add dev NIC root netem|tbf ...`: what a machine does to the frames that it sends.
struct TrafficControl {
  private var words: ArraySlice<String>

  init(_ words: [String]) { self.words = words[...] }

  /// Nil = it is not understood.
  var fact: ShellLines.Fact? {
    var reader = self
    return reader.read()
  }

  private mutating func read() -> ShellLines.Fact? {
    guard words.popFirst() == "qdisc", let action = words.popFirst(), ["add", "change", "replace"].contains(action)
    else { return nil }
    var nic: String?
    while let word = words.popFirst() {
      switch word {
      case "dev": nic = words.popFirst()
      case "root": break
      case "handle", "parent", "limit": _ = words.popFirst()
      case "netem": return settings(of: nic) { $0.netem() }
      case "tbf": return settings(of: nic) { $0.tbf() }
      default: return nil
      }
    }
    return nil
  }

  private mutating func settings(
    of nic: String?, _ read: (inout TrafficControl) -> ForeignImpairment?
  ) -> ShellLines.Fact? {
    guard let nic, let impairment = read(&self), !impairment.isEmpty else { return nil }
    return .impairment(nic: nic, impairment)
  }

  private mutating func netem() -> ForeignImpairment? {
    var result = ForeignImpairment()
    while let word = words.popFirst() {
      switch word {
      case "delay", "latency":
        guard let delay = words.popFirst().flatMap({ Self.microseconds($0) }) else { return nil }
        result.delayMicroseconds = delay
        guard let jitter = words.first.flatMap({ Self.microseconds($0) }) else { continue }
        words.removeFirst()
        result.jitterMicroseconds = jitter
        skipCorrelation()
      case "loss", "drop":
        if words.first == "random" { words.removeFirst() }
        guard let value = percent() else { return nil }
        result.lossPercent = value
      case "duplicate":
        guard let value = percent() else { return nil }
        result.duplicatePercent = value
      case "corrupt":
        guard let value = percent() else { return nil }
        result.corruptPercent = value
      case "rate":
        guard let rate = words.popFirst().flatMap({ Self.rate($0) }) else { return nil }
        result.rate = rate
      case "limit", "distribution": _ = words.popFirst()
      default: return nil
      }
    }
    return result
  }

  private mutating func tbf() -> ForeignImpairment? {
    var result = ForeignImpairment()
    while let word = words.popFirst() {
      let value = words.popFirst()
      switch word {
      case "rate":
        guard let rate = value.flatMap({ Self.rate($0) }) else { return nil }
        result.rate = rate
      case "burst", "buffer", "maxburst", "limit", "latency", "peakrate", "minburst", "mtu", "mpu": continue
      default: return nil
      }
    }
    return result
  }

  private mutating func percent() -> Double? {
    guard let text = words.popFirst(), let value = Self.number(text.hasSuffix("%") ? text.dropLast() : text[...]),
      value <= 100
    else { return nil }
    skipCorrelation()
    return value
  }

  /// A second ratio says how much one frame's fate is like the last one's, which has no equal here.
  private mutating func skipCorrelation() {
    if let next = words.first, next.hasSuffix("%") { words.removeFirst() }
  }

  private static func number(_ text: Substring) -> Double? {
    guard let value = Double(text), value.isFinite, value >= 0 else { return nil }
    return value
  }

  /// tc's units of time; microseconds without one.
  static func microseconds(_ text: String) -> UInt64? {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    let factors: [String: Double] = [
      "": 1, "us": 1, "usec": 1, "usecs": 1, "ms": 1000, "msec": 1000, "msecs": 1000, "s": 1e6, "sec": 1e6, "secs": 1e6,
    ]
    guard let value = number(digits), let factor = factors[text.dropFirst(digits.count).lowercased()],
      value * factor < 1e12
    else { return nil }
    return UInt64((value * factor).rounded())
  }

  /// tc's units of rates: `bit` decimal, `bps` is bytes a second; bits without one.
  static func rate(_ text: String) -> UInt64? {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    var unit = text.dropFirst(digits.count).lowercased()
    guard let value = number(digits) else { return nil }
    var factor = 1.0
    if unit.hasSuffix("bps") {
      factor = 8
      unit.removeLast(3)
    } else if unit.hasSuffix("bit") {
      unit.removeLast(3)
    }
    let prefixes: [String: Double] = [
      "": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 1024, "mi": 1_048_576, "gi": 1_073_741_824,
    ]
    guard let scale = prefixes[unit], value * factor * scale < 1e15 else { return nil }
    return UInt64((value * factor * scale).rounded())
  }
}
