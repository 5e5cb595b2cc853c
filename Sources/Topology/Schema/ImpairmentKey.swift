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

extension ImpairmentDefinition.Contradiction {
  /// The key to change.
  package var key: ImpairmentKey { self == .jitterAboveDelay ? .jitter : .reorder }
}
