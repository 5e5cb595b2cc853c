/// What can be said of a port's rules, in the words of `port set`; in the lab file those with a dot are keys of a mapping.
package enum RuleKey: String, CaseIterable, Sendable, Codable {
  case access
  case macLock = "mac-lock"
  case ipLock = "ip-lock"
  case learnLimit = "learn-limit"
  case isolated
  case broadcastStorm = "storm.broadcast"
  case multicastStorm = "storm.multicast"
  case unknownStorm = "storm.unknown"
  case rateToNode = "rate.to-node"
  case rateFromNode = "rate.from-node"

  /// The last part: the key in its mapping of the lab file.
  var shortName: String { rawValue.split(separator: ".").last.map { String($0) } ?? rawValue }

  package static let storms: [RuleKey] = [.broadcastStorm, .multicastStorm, .unknownStorm]
  package static let rates: [RuleKey] = [.rateToNode, .rateFromNode]

  /// What its value must be, as messages say it.
  var wanted: String {
    switch self {
    case .access: "the name of an access list, or none"
    case .macLock, .isolated: "on or off"
    case .ipLock: "on, off, or addresses and prefixes"
    case .learnLimit: "a number of stations, or none"
    case .broadcastStorm, .multicastStorm, .unknownStorm: "a number of frames such as 100/s, or none"
    case .rateToNode, .rateFromNode: "a rate such as 10Mbit, or none"
    }
  }

  /// Its limits, as messages say them.
  var limits: String {
    switch self {
    case .access, .macLock, .isolated: wanted
    case .ipLock: "\(Limits.lockedAddresses.lowerBound)..\(Limits.lockedAddresses.upperBound) addresses and prefixes"
    case .learnLimit: "\(Limits.learnLimit.lowerBound)..\(Limits.learnLimit.upperBound)"
    case .broadcastStorm, .multicastStorm, .unknownStorm:
      "\(Limits.storm.lowerBound)/s..\(Limits.storm.upperBound)/s"
    case .rateToNode, .rateFromNode: "1kbit..1Tbit"
    }
  }

  /// What there is without it, as `port set` says it.
  package var neutralWord: String {
    switch self {
    case .macLock, .ipLock, .isolated: "off"
    default: AccessDefinition.noneWord
    }
  }
}
