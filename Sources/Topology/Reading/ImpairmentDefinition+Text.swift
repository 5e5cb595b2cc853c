extension ImpairmentDefinition {
  /// Why a value was not taken.
  package enum ValueFault: Error, Sendable, Equatable {
    /// It is no value of that type; the text says which it must be: `a ratio such as 0.5%`.
    case type(String)
    /// It is out of range; the text has the limits: `0%..100%`.
    case range(String)
  }

  /// Sets one key from its text in the lab file or on a command line.
  package mutating func set(_ key: ImpairmentKey, to text: String) throws(ValueFault) {
    switch key {
    case .delay: delay = try key.value(Units.seconds(text), in: Limits.delay)
    case .jitter: jitter = try key.value(Units.seconds(text), in: Limits.delay)
    case .loss: loss = try key.value(Units.ratio(text), in: 0...1)
    case .duplicate: duplicate = try key.value(Units.ratio(text), in: 0...1)
    case .reorder: reorder = try key.value(Units.ratio(text), in: 0...1)
    case .corrupt: corrupt = try key.value(Units.ratio(text), in: 0...1)
    case .rate:
      let bits = Units.bitsPerSecond(text)
      rate = bits == 0 ? 0 : try key.value(bits, in: Limits.rate)
    case .queue: queue = try key.value(ValueReader.integer(text), in: Limits.impairmentQueue)
    }
  }
}

extension ImpairmentKey {
  fileprivate func value<Value: Comparable>(
    _ value: Value?, in range: ClosedRange<Value>
  ) throws(ImpairmentDefinition.ValueFault) -> Value {
    guard let value else { throw .type(wanted) }
    guard range.contains(value) else { throw .range(limits) }
    return value
  }
}
