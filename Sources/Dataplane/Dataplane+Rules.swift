/// Rules of ports.
extension Dataplane {
  /// Replaces what a port lets through.
  ///
  /// Counters of an access list that stays the same go on, and so do flows that it let through, what a rate or a storm has
  /// used up, and addresses that were learnt. When it returns, no frame passes that the rules forbid.
  /// - Throws: `invalid` for rules out of range, and for the end of a patch; `unknownPort` for a name that is not there.
  package func setRules(port name: String, _ rules: PortRules) async throws(DataplaneError) {
    let record = try record(name)
    guard record.kind != .patch else { throw .invalid("port \(name): a link between switches has no rules") }
    if let problem = rules.problem { throw .invalid("port \(name): \(problem)") }
    portTable.setRules(record, rules)
    let (index, block) = (record.index, record.block)
    await worker.run { core in
      // The port may have gone meanwhile, and another one have its number.
      guard index < core.state.ports.capacity, core.state.ports[index].block === block else { return }
      core.coldSetRules(index, rules)
    }
  }

  /// What a port's rules are and did; nil = it has none.
  package func ruleStatus(port name: String) async throws(DataplaneError) -> RuleStatus? {
    let index = try record(name).index
    return await worker.run { $0.coldRuleStatus(index) }
  }
}
