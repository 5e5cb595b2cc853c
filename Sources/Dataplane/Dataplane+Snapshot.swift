/// What a switch has come to, taken out of one data plane and put into another.
extension Dataplane {
  /// What a switch is and knows.
  package func snapshot(switchName: String) async throws(DataplaneError) -> SwitchSnapshot {
    let index = try switchIndex(switchName)
    guard let item = switchRecords.first(where: { $0.index == index }) else { throw .unknownSwitch(switchName) }
    let entries = await fdb(switchName: switchName).compactMap(SwitchSnapshot.Entry.init)
    let states = records.compactMap { record -> SwitchSnapshot.PortStates? in
      guard record.switchName == switchName, let states = record.states else { return nil }
      return SwitchSnapshot.PortStates(
        port: record.name, discarding: states.discarding.ranges, learning: states.learning.ranges)
    }
    return SwitchSnapshot(item.configuration, entries, states)
  }

  /// Makes a switch as it was; `restoreStates` and `restoreEntries` follow when it has its ports.
  package func addSwitch(_ snapshot: SwitchSnapshot) async throws(DataplaneError) {
    try await addSwitch(snapshot.configuration)
  }

  /// Has a switch know the stations of a snapshot, with their ages; what it knows already stays.
  ///
  /// Stations of ports that are not there are left out, of VLANs and addresses that cannot be, and the oldest if there is
  /// no room for all.
  /// - Returns: how many stations it knows that it did not know before.
  @discardableResult
  package func restoreEntries(_ snapshot: SwitchSnapshot) throws(DataplaneError) -> Int {
    guard let table = table(of: snapshot.configuration.name) else {
      throw .unknownSwitch(snapshot.configuration.name)
    }
    var ports: [String: Int] = [:]
    var transparent: Set<Int> = []
    for record in records where record.switchName == snapshot.configuration.name {
      ports[record.name] = record.index
      if record.mode == .transparent { transparent.insert(record.index) }
    }
    let newest = snapshot.entries.compactMap { KnownStation($0, ports: ports, transparent: transparent) }
      .sorted { $0.age < $1.age }
    // The newest that there is room for; the table holds a port's stations in order of age.
    var counts: [Int: Int] = [:]
    let kept = newest.filter { station in
      counts[station.port, default: 0] += 1
      return counts[station.port, default: 0] <= table.fdb.portLimit
    }
    let stations = Array(kept.prefix(table.fdb.limit).reversed())
    // Without a pause: a port that goes is not done with its stations before this is.
    return table.fdb.coldRestore(stations, now: clock.tick)
  }
}
