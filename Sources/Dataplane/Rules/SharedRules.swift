/// The rules of all ports that have some, as workers share them.
///
/// What is touched while frames move, and by whom, is said at `PortRuleSet`; sets come and go while all workers stand still.
final class SharedRules: @unchecked Sendable {
  private let store = SharedStore<PortRuleSet>()

  /// By `PortSlot.rules`; this must outlive it.
  var view: SharedView<PortRuleSet> { store.view }

  /// A place that no port has.
  func coldTake() -> Int {
    for place in 0..<store.count where view[place].port < 0 { return place }
    let place = store.count
    store.grow(to: max(2 * place, 4)) { _ in PortRuleSet() }
    return place
  }

  /// Takes back the place of a port that has no rules any more.
  func coldPut(_ place: Int) { view[place] = PortRuleSet() }
}

/// Where a port's rules are asked, a bit each; 0 of a port without any.
struct RuleUse: OptionSet, BitwiseCopyable {
  var rawValue: UInt8
  /// Where a frame comes from its node.
  static var arrivals: RuleUse { RuleUse(rawValue: 1) }
  /// Where one leaves for its node.
  static var departures: RuleUse { RuleUse(rawValue: 2) }
  /// It has nothing to do with others that are isolated.
  static var isolated: RuleUse { RuleUse(rawValue: 4) }
  /// It may have only so many stations.
  static var limited: RuleUse { RuleUse(rawValue: 8) }

  @inline(__always) var judgesArrivals: Bool { rawValue & 1 != 0 }
  /// Also where it is isolated.
  @inline(__always) var judgesDepartures: Bool { rawValue & (2 | 4) != 0 }
  @inline(__always) var isLimited: Bool { rawValue & 8 != 0 }
  /// Frames are judged.
  @inline(__always) var isAsked: Bool { rawValue & (1 | 2) != 0 }

  func isIsolated(from other: RuleUse) -> Bool { contains(.isolated) && other.contains(.isolated) }
}
