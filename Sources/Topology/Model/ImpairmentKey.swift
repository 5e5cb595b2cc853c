/// The keys of an impairment, in the lab file and wherever else one is set.
package enum ImpairmentKey: String, CaseIterable, Sendable {
  case delay, jitter, loss, duplicate, reorder, corrupt, rate, queue

  /// What its value must be, as messages say it.
  var wanted: String {
    switch self {
    case .delay, .jitter: "a time such as 40ms"
    case .loss, .duplicate, .reorder, .corrupt: "a ratio such as 0.5%"
    case .rate: "a rate such as 8Mbit"
    case .queue: "a whole number"
    }
  }

  /// Its limits, as messages say them.
  var limits: String {
    switch self {
    case .delay, .jitter: "0s..\(Int(Limits.delay.upperBound))s"
    case .loss, .duplicate, .reorder, .corrupt: "0%..100%"
    case .rate: "1kbit..1Tbit, or 0 for no limit"
    case .queue: "\(Limits.impairmentQueue.lowerBound)..\(Limits.impairmentQueue.upperBound)"
    }
  }

  var type: ValueType {
    switch self {
    case .delay, .jitter: .time
    case .loss, .duplicate, .reorder, .corrupt: .ratio
    case .rate: .rate
    case .queue: .integer(Limits.impairmentQueue)
    }
  }

  /// What it does, for editors.
  var text: String {
    switch self {
    case .delay: "Time that every frame is held back."
    case .jitter: "The delay varies by up to this much, either way; at most the delay."
    case .loss: "Ratio of frames that are lost."
    case .duplicate: "Ratio of frames that arrive twice."
    case .reorder: "Ratio of frames that are not held back, so that they overtake others."
    case .corrupt: "Ratio of frames in which a bit is turned over."
    case .rate: "Bits per second, decimal; 0 = no limit."
    case .queue: "Most frames that wait; those that come when it is full are lost. 1000 without it."
    }
  }
}

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

  /// Two keys that do not fit together.
  package enum Contradiction: Sendable, Equatable {
    case jitterAboveDelay, reorderWithoutDelay

    /// What is wrong, as messages say it.
    package var message: String {
      switch self {
      case .jitterAboveDelay: "\"jitter\" is larger than \"delay\", so frames would arrive before they were sent"
      case .reorderWithoutDelay: "\"reorder\" needs \"delay\": a frame overtakes those that are held back"
      }
    }

    /// The key to change.
    package var key: ImpairmentKey { self == .jitterAboveDelay ? .jitter : .reorder }
  }

  /// Keys that do not fit together; nil when all is well.
  package var contradiction: Contradiction? {
    if jitter > delay { return .jitterAboveDelay }
    return reorder > 0 && delay == 0 ? .reorderWithoutDelay : nil
  }

  /// Whether frames pass as if it were not there.
  package var isNeutral: Bool {
    delay == 0 && loss == 0 && duplicate == 0 && reorder == 0 && corrupt == 0 && rate == 0
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
