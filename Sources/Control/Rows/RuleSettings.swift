import Lab
import Topology

/// What is said of a port's rules, each value in the words of `port set`; what is left out stays, or is as usual.
package struct RuleSettings: Described, Equatable {
  struct Storm: Described, Equatable {
    var broadcast: String?
    var multicast: String?
    var unknown: String?
  }

  struct Rate: Described, Equatable {
    var toNode: String?
    var fromNode: String?

    enum CodingKeys: String, CodingKey {
      case toNode = "to_node"
      case fromNode = "from_node"
    }
  }

  var access: String?
  var macLock: String?
  var ipLock: String?
  var learnLimit: String?
  var isolated: String?
  var storm: Storm?
  var rate: Rate?

  enum CodingKeys: String, CodingKey {
    case access, isolated, storm, rate
    case macLock = "mac_lock"
    case ipLock = "ip_lock"
    case learnLimit = "learn_limit"
  }

  /// Nil where nothing is said.
  init?(_ settings: [RuleKey: String]) {
    guard !settings.isEmpty else { return nil }
    (access, macLock, ipLock) = (settings[.access], settings[.macLock], settings[.ipLock])
    (learnLimit, isolated) = (settings[.learnLimit], settings[.isolated])
    if RuleKey.storms.contains(where: { settings[$0] != nil }) {
      storm = Storm(
        broadcast: settings[.broadcastStorm], multicast: settings[.multicastStorm], unknown: settings[.unknownStorm])
    }
    if RuleKey.rates.contains(where: { settings[$0] != nil }) {
      rate = Rate(toNode: settings[.rateToNode], fromNode: settings[.rateFromNode])
    }
  }

  /// Nil where everything passes.
  init?(_ rules: RulesDefinition) {
    var settings: [RuleKey: String] = [:]
    for key in RuleKey.allCases { settings[key] = rules.text(of: key) }
    self.init(settings)
  }

  var settings: [RuleKey: String] {
    var settings: [RuleKey: String] = [:]
    (settings[.access], settings[.macLock], settings[.ipLock]) = (access, macLock, ipLock)
    (settings[.learnLimit], settings[.isolated]) = (learnLimit, isolated)
    (settings[.broadcastStorm], settings[.multicastStorm]) = (storm?.broadcast, storm?.multicast)
    settings[.unknownStorm] = storm?.unknown
    (settings[.rateToNode], settings[.rateFromNode]) = (rate?.toNode, rate?.fromNode)
    return settings
  }

  /// - Throws: `UserError` (`badInput`) for a value that is none.
  func definition(of owner: String) throws(UserError) -> RulesDefinition {
    do throws(UserError) {
      return try RulesDefinition().changed(by: settings)
    } catch {
      throw UserError(.badInput, "\(owner): \(error.message)", hint: error.hint)
    }
  }

  package static let shape = Shape.object(
    "RuleSettings", "Rules of a port, in the words of `port set`; what is left out stays, or is as usual.",
    [
      Field(optional: "access", .text, "Name of an access list, or `none`."),
      Field(optional: "mac_lock", .text, "`on`: frames from other stations than the node's own are dropped; or `off`."),
      Field(
        optional: "ip_lock", .text, "`on`: the node's own addresses pass; or these, with commas between; or `off`."),
      Field(optional: "learn_limit", .text, "Stations that it may have, or `none`."),
      Field(optional: "isolated", .text, "`on`: nothing passes between it and other isolated ports; or `off`."),
      Field(optional: "storm", Storm.shape, "Frames from the node that pass in a second."),
      Field(optional: "rate", Rate.shape, "Bits that pass in a second."),
    ])
}

extension RuleSettings.Storm {
  static let shape = Shape.object(
    "StormSettings", "Frames from a node that pass in a second, such as `100/s`, or `none`.",
    [
      Field(optional: "broadcast", .text, "To all."), Field(optional: "multicast", .text, "To groups."),
      Field(optional: "unknown", .text, "To stations that the switch does not know."),
    ])
}

extension RuleSettings.Rate {
  static let shape = Shape.object(
    "RateSettings", "Bits that pass in a second, such as `10Mbit`, or `none`.",
    [Field(optional: "to_node", .text, "To the node."), Field(optional: "from_node", .text, "From the node.")])
}
