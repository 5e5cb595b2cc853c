/// Impairments as people read them outside of a lab file: `delay 40ms loss 0.5%`.
package enum ImpairmentText {
  /// The values that differ from none at all, by key.
  package static func describe(_ definition: ImpairmentDefinition) -> [(key: String, text: String)] {
    let none = ImpairmentDefinition()
    var pairs: [(String, String)] = []
    for (key, value) in [("delay", definition.delay), ("jitter", definition.jitter)] where value > 0 {
      pairs.append((key, time(value)))
    }
    let shares = [
      ("loss", definition.loss), ("duplicate", definition.duplicate), ("reorder", definition.reorder),
      ("corrupt", definition.corrupt),
    ]
    for (key, value) in shares where value > 0 { pairs.append((key, "\(number(value * 100))%")) }
    if definition.rate > 0 { pairs.append(("rate", rate(definition.rate))) }
    if definition.queue != none.queue { pairs.append(("queue", "\(definition.queue)")) }
    return pairs
  }

  private static func time(_ seconds: Double) -> String {
    if seconds >= 1 { return "\(number(seconds))s" }
    return seconds >= 0.001 ? "\(number(seconds * 1000))ms" : "\(number(seconds * 1_000_000))us"
  }

  /// `10Mbit`: a rate in the largest unit of which it is a whole number.
  package static func rate(_ bits: Int) -> String {
    for (unit, scale) in [("Gbit", 1_000_000_000), ("Mbit", 1_000_000), ("kbit", 1000)] where bits % scale == 0 {
      return "\(bits / scale)\(unit)"
    }
    return "\(bits)bit"
  }

  /// At most six digits behind the point, none that say nothing.
  private static func number(_ value: Double) -> String {
    let scaled = Int((value * 1_000_000).rounded())
    var fraction = String(scaled % 1_000_000 + 1_000_000).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? "\(scaled / 1_000_000)" : "\(scaled / 1_000_000).\(fraction)"
  }
}
