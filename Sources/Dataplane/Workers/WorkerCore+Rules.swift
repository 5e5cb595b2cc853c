/// Rules of ports, as the control side sets and asks them between breaths.
extension WorkerCore {
  /// Replaces what a port lets through; nothing happens to a port that is not there, or the end of a patch.
  ///
  /// A conversation asks for them anew with each burst, and frames that were noted to leave have left: there is nothing else
  /// that remembers.
  mutating func coldSetRules(_ port: Int, _ rules: PortRules) {
    guard port < state.ports.capacity, ![.none, .patch].contains(state.ports[port].kind) else { return }
    guard !rules.isEmpty else { return coldRemoveRules(of: port) }
    let place = state.ports[port].rules >= 0 ? state.ports[port].rules : state.rules.coldTake()
    let workers = team?.with(\.workerCount) ?? 1
    state.ruleSets[place].coldSet(rules, workers: workers, tick: state.tick)
    state.ruleSets[place].port = port
    var use: RuleUse = []
    if !state.ruleSets[place].arrivalChecks.isEmpty { use.insert(.arrivals) }
    if !state.ruleSets[place].departureChecks.isEmpty { use.insert(.departures) }
    // They are of switches: the ends of a wire have one station each, and nobody else.
    if state.ports[port].switchIndex >= 0 {
      if rules.isIsolated { use.insert(.isolated) }
      if rules.learnLimit != nil { use.insert(.limited) }
    }
    state.ports[port].rules = place
    state.ports[port].ruleUse = use
    state.ports[port].learnLimit = Int32(clamping: rules.learnLimit ?? 0)
    state.ports.coldNote(port)
  }

  /// A port lets everything through.
  mutating func coldRemoveRules(of port: Int) {
    let place = state.ports[port].rules
    guard place >= 0 else { return }
    state.ports[port].rules = -1
    state.ports[port].ruleUse = []
    state.ports[port].learnLimit = 0
    state.rules.coldPut(place)
    state.ports.coldNote(port)
  }

  /// What a port's rules are and did; nil = it has none.
  func coldRuleStatus(_ port: Int) -> RuleStatus? {
    guard port < state.ports.capacity, state.ports[port].rules >= 0 else { return nil }
    return state.ruleSets[state.ports[port].rules].coldStatus(state.tick)
  }

  /// What the rules of some ports have come to.
  func coldRuleStates(of ports: [(index: Int, name: String)]) -> [RuleState] {
    ports.compactMap { port in
      guard port.index < state.ports.capacity, state.ports[port.index].rules >= 0 else { return nil }
      return state.ruleSets[state.ports[port.index].rules].coldState(port.name, state.tick)
    }
  }

  /// Has a port's rules go on from what they had come to elsewhere, as far as they are the same.
  mutating func coldRestoreRules(_ port: Int, _ saved: RuleState) {
    guard port < state.ports.capacity, state.ports[port].rules >= 0 else { return }
    state.ruleSets[state.ports[port].rules].coldRestore(saved, state.tick)
  }
}
