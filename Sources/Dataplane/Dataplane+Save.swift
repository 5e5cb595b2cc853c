/// The data plane as plain values: what it has come to, taken out while it goes on, and put in again.
extension Dataplane {
  /// All that it has come to and that no configuration says: stations with their ages, states of ports, frames that
  /// impairments hold, or that wait for nodes in switch-over, counters, flows that rules let through.
  ///
  /// It goes on meanwhile: whoever wants one instant of it has its nodes stand still and its lines too (`freezeLines`).
  package func save() async -> PlaneState {
    var state = PlaneState()
    for record in switchRecords { state.switches.append(await snapshot(of: record)) }
    let records = records
    let ports = records.map { (index: $0.index, name: $0.name) }
    (state.lines, state.held, state.rules) = await worker.run { core in
      (core.coldLines(of: ports), core.coldHeldStores(of: ports), core.coldRuleStates(of: ports))
    }
    state.counters = records.map { PortCounters($0.name, $0.block) }.filter(\.hasCounted)
    return state
  }

  /// Takes in what another data plane had come to, once switches, ports and impairments have been made as they were; what
  /// is not there is left out.
  ///
  /// Frames keep the time that they had left, the oldest first as far as the line's queue has room; those of a direction
  /// that is not impaired any more go on at once.
  package func restore(_ state: PlaneState) async {
    for snapshot in state.switches where switchTable.find(snapshot.configuration.name) != nil {
      try? await restoreStates(snapshot)
      _ = try? restoreEntries(snapshot)
      table(of: snapshot.configuration.name)?.fdb.coldAddCounts(of: snapshot)
    }
    let counters = state.counters.compactMap { item in portTable.find(item.port).map { ($0.index, item) } }
    let lines = state.lines.compactMap { line in portTable.find(line.port).map { ($0.index, line) } }
    let held = state.held.compactMap { item in portTable.find(item.port).map { ($0.index, item) } }
    let rules = (state.rules ?? []).compactMap { item in portTable.find(item.port).map { ($0.index, item) } }
    // Nobody here has asked for it, but in a hand-over.
    let isHandOver = state.takenAt != nil
    await worker.run { core in
      for (port, item) in rules { core.coldRestoreRules(port, item) }
      for (port, item) in counters { core.coldAddCounters(port, item) }
      for (port, item) in held { core.coldRestoreHeld(port, item, isAsked: isHandOver && item.isAsked) }
      for (port, line) in lines { core.coldRestoreLine(port, line) }
    }
  }

  /// Has all lines stand still: what impairments hold stays held, and what comes to them is held as if it had come at this
  /// moment.
  package func freezeLines() async { await worker.run { core in core.coldEach { $0.state.delays.coldFreeze() } } }

  /// Has all lines go on: what they hold leaves later by the length of the freeze.
  package func thawLines() async { await worker.run { core in core.coldEach { $0.state.delays.coldThaw() } } }
}
