/// What a link does to the frames that one of its ends sends.
///
/// The default does nothing.
package struct ImpairmentDefinition: Codable, Sendable, Equatable {
  /// Seconds that every frame is held back.
  package var delay: Double = 0
  /// Most seconds by which the delay of a frame differs from `delay`, either way; at most `delay`.
  package var jitter: Double = 0
  /// Ratio of frames that are lost, 0 to 1.
  package var loss: Double = 0
  /// Ratio of frames that arrive twice, 0 to 1.
  package var duplicate: Double = 0
  /// Ratio of frames that overtake those before them, 0 to 1.
  package var reorder: Double = 0
  /// Ratio of frames in which one bit is turned over, 0 to 1.
  package var corrupt: Double = 0
  /// Bits per second; 0 = unlimited.
  package var rate: Int = 0
  /// Most frames that wait, for the delay to pass or for the rate to let them go; those that find it full are lost.
  package var queue: Int = 1000

  package init() {}
}

extension ImpairmentDefinition {
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

/// The impairments of a link, one for each of its ends that sends.
package struct ImpairmentPair: Codable, Sendable, Equatable {
  /// Of frames that the first end sends: the first of `ends`, or the node of a NIC on a switch.
  package var fromFirst: ImpairmentDefinition?
  /// Of frames that the second end sends: the second of `ends`, or the switch that a NIC is on.
  package var fromSecond: ImpairmentDefinition?

  package init(fromFirst: ImpairmentDefinition? = nil, fromSecond: ImpairmentDefinition? = nil) {
    self.fromFirst = fromFirst
    self.fromSecond = fromSecond
  }
}
