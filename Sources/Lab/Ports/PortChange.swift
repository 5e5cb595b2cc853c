import Topology

/// What `port set` changes of a port; nil stays as it is.
package struct PortChange: Sendable, Equatable {
  /// A VLAN's name or number: an access port of it from now on.
  package var vlan: String?
  /// Names, numbers and ranges, or `all` alone: a trunk from now on.
  package var trunk: [String]?
  /// VLAN of a trunk's untagged frames; `none` = there is none.
  package var native: String?
  /// Bytes.
  package var mtu: Int?
  /// `on`, `checksum` or `off`.
  package var offload: String?
  /// What its rules are to say from now on, in the words of `RulesDefinition.set`.
  package var rules: [RuleKey: String] = [:]

  package init() {}

  /// Nothing is asked for.
  package var isEmpty: Bool { self == PortChange() }

  /// The keys of `port set`.
  package static let keys = ["vlan", "trunk", "native", "mtu", "offload"] + RuleKey.allCases.map(\.rawValue)

  /// What is said elsewhere, or once for all: what people try, and what to do instead.
  private static let otherKeys = [
    "carrier": "a carrier is its link's: `apus link set PORT up|down`",
    "queues": "the queues of a port are said once, when it is made",
    "role": "the role of a socket is said once, when its port is made",
    "switch": "a port stays on its switch: remove it and add it there, or change the lab file",
    "socket": "what is behind a port is said once, when it is made",
    "tap": "what is behind a port is said once, when it is made",
    "vhost-user": "what is behind a port is said once, when it is made",
    "name": "a port keeps its name",
    "mac": "the address is the node's",
    "storm": "say of which frames: storm.broadcast=, storm.multicast= or storm.unknown=",
    "rate": "say rate.to-node= or rate.from-node=, beyond which frames are dropped; `apus link set` makes them wait",
  ]

  /// The rules that `KEY=VALUE` say.
  ///
  /// - Throws: `UserError` (`badInput`), for other settings of a port too.
  package static func rules(_ settings: [String]) throws(UserError) -> [RuleKey: String] {
    var change = PortChange()
    for setting in settings { try change.read(setting) }
    var others = change
    others.rules = [:]
    guard others.isEmpty else {
      throw UserError(
        .badInput, "\(settings.joined(separator: " ")): only rules are said as KEY=VALUE here",
        hint: "options say the rest: --vlan, --trunk, --native, --mtu")
    }
    return change.rules
  }

  /// Reads `KEY=VALUE`.
  /// - Throws: `UserError` (`badInput`).
  package mutating func read(_ setting: String) throws(UserError) {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
    let known = "known: \(Self.keys.map { "\($0)=" }.joined(separator: ", "))"
    guard parts.count == 2 else {
      throw UserError(.badInput, "\"\(setting)\" is no setting of a port", hint: known)
    }
    let (key, text) = (parts[0], parts[1])
    if let rule = RuleKey(rawValue: key) {
      rules[rule] = text
      return try Self.check(rules)
    }
    switch key {
    case "vlan": vlan = text
    case "trunk": trunk = Self.list(text)
    case "native": native = text
    case "offload": offload = text
    case "mtu":
      guard let number = Int(text) else { throw UserError(.badInput, "mtu must be a whole number, found \"\(text)\"") }
      mtu = number
    default:
      if let words = Self.otherKeys[key] {
        throw UserError(.badInput, "\"\(key)\" of a port cannot be set", hint: words)
      }
      if ImpairmentKey(rawValue: key) != nil {
        throw UserError(.badInput, "\"\(key)\" is a setting of a link", hint: "`apus link set PORT \(setting)`")
      }
      throw UserError(.badInput, "unknown setting \"\(key)\" of a port", hint: known)
    }
  }

  /// The words of a list with commas.
  package static func list(_ text: String) -> [String] {
    text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
  }

  // MARK: - What the words mean

  /// Judges the words of rules by themselves.
  static func check(_ rules: [RuleKey: String]) throws(UserError) { _ = try RulesDefinition().changed(by: rules) }

  static func check(mtu: Int?) throws(UserError) {
    guard let mtu, !Limits.mtu.contains(mtu) else { return }
    throw UserError(.badInput, "mtu must be \(Limits.mtu.lowerBound)..\(Limits.mtu.upperBound), found \(mtu)")
  }

  /// A port of a switch without VLANs has no other mode.
  private func checkAwareness(_ old: VLANMode, of port: String, on switchName: String) throws(UserError) {
    guard old == .transparent else { return }
    let keys = [("vlan", vlan != nil), ("trunk", trunk != nil), ("native", native != nil)]
    guard let (key, _) = keys.first(where: \.1) else { return }
    throw UserError(
      .badInput, "port \(port): \(VLANMistake.ofUnaware(key, on: switchName).message)",
      hint: "for VLANs say `vlan-aware: on` of the switch in the lab file and `apus up`")
  }

  var changesMode: Bool { vlan != nil || trunk != nil || native != nil }

  /// The mode that a port has then.
  /// - Parameters:
  ///   - old: the one that it has.
  ///   - switchName: the switch that it is on.
  func mode(
    from old: VLANMode, in lab: CanonicalLab, of port: String, on switchName: String
  ) throws(UserError) -> VLANMode {
    guard vlan == nil || (trunk == nil && native == nil) else {
      throw UserError(
        .badInput, "port \(port): \"vlan\" makes an access port, \"trunk\" and \"native\" a trunk",
        hint: "say one or the other")
    }
    try checkAwareness(old, of: port, on: switchName)
    do {
      if let vlan { return .access(try lab.vlan(vlan)) }
      guard changesMode else { return old }
      var (allowed, untagged): ([ClosedRange<Int>]?, Int?) = (nil, nil)
      if case .trunk(let ranges, let id) = old { (allowed, untagged) = (ranges, id) }
      if let trunk { allowed = try lab.trunk(trunk) }
      if let native { untagged = native == "none" ? nil : try lab.vlan(native) }
      guard let allowed else {
        throw UserError(
          .badInput, "port \(port) is an access port, which has no native VLAN", hint: "say trunk= too, or vlan=")
      }
      if let untagged, !allowed.contains(where: { $0.contains(untagged) }) {
        let trunk = VLANMode.trunk(allowed: allowed, native: nil).words
        throw UserError(
          .badInput, "port \(port): native \(untagged) is not in \(trunk)", hint: "say another native=, or native=none")
      }
      return .trunk(allowed: allowed, native: untagged)
    } catch let error as VLANMistake {
      throw UserError(.badInput, "port \(port): \(error.message)", hint: error.hint)
    } catch let error as UserError {
      throw error
    } catch {
      throw UserError.wrapping(error, "port \(port)")
    }
  }

  /// The level that is asked for; nil = as it is.
  func offloadLevel() throws(UserError) -> NICDefinition.Offload? {
    guard let offload else { return nil }
    if let level = NICDefinition.Offload(rawValue: offload) { return level }
    let known = NICDefinition.Offload.allCases.map(\.rawValue).joined(separator: ", ")
    throw UserError(.badInput, "offload must be one of \(known), found \"\(offload)\"")
  }
}
