import Frames

/// What a switch has come to, taken out of one data plane and put into another.
extension Dataplane {
  /// What a switch is and knows.
  package func snapshot(switchName: String) async throws(DataplaneError) -> SwitchSnapshot {
    let index = try switchIndex(switchName)
    guard let item = switchRecords.first(where: { $0.index == index }) else { throw .unknownSwitch(switchName) }
    return await snapshot(of: item)
  }

  /// What a switch that is there is and knows.
  func snapshot(of item: SwitchRecords.Record) async -> SwitchSnapshot {
    let switchName = item.configuration.name
    let ports = records.filter { $0.switchName == switchName }
    let stations = await Self.stations(
      of: item.table.fdb, ports: ports.map { (index: $0.index, name: $0.name) }, now: clock.tick)
    // Another port may have had the number of one that went meanwhile.
    let gone = Set(ports.lazy.filter { self.portTable.find($0.name)?.block !== $0.block }.map(\.name))
    let states = records.compactMap { record -> SwitchSnapshot.PortStates? in
      guard record.switchName == switchName, let states = record.states else { return nil }
      return SwitchSnapshot.PortStates(
        port: record.name, discarding: states.discarding.ranges, learning: states.learning.ranges)
    }
    var snapshot = SwitchSnapshot(item.configuration, stations.without(gone), states)
    (snapshot.moves, snapshot.evictions) = (item.table.fdb.moveCount, item.table.fdb.evictionCount)
    return snapshot
  }

  /// Not the actor's: a large table must not keep others from it.
  private nonisolated static func stations(
    of fdb: FDB, ports: [(index: Int, name: String)], now: UInt32
  ) async -> StationTable {
    var stations = StationTable()
    // Numbers of ports are small: an array is found in faster than a dictionary.
    var places = [Int32](repeating: -1, count: (ports.map(\.index).max() ?? -1) + 1)
    for port in ports { places[port.index] = Int32(truncatingIfNeeded: stations.addPort(port.name)) }
    stations.reserve(fdb.count)
    fdb.forEach { vlan, address, value in
      guard value.port < places.count, places[value.port] >= 0 else { return }
      stations.append(
        StationTable.Word(
          key: UInt64(truncatingIfNeeded: vlan) << 48 | address.bits, port: Int(places[value.port]),
          isStatic: value.isStatic, age: now > value.tick ? Double(now - value.tick) : 0))
    }
    return stations
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
    let home = snapshot.configuration.name
    let stations = snapshot.stations
    let ports = stations.ports.map { name in portTable.find(name).flatMap { $0.switchName == home ? $0 : nil } }
    let numbers = ports.map { (port: $0?.index ?? -1, isTransparent: $0?.mode == .transparent) }
    let newest = (0..<stations.count).compactMap { index -> KnownStation? in
      let station = stations[index]
      let (port, isTransparent) = numbers[station.port]
      return port < 0 ? nil : KnownStation(station, port: port, isTransparent: isTransparent)
    }
    .sorted { $0.age < $1.age }
    // The newest that there is room for; the table holds a port's stations in order of age.
    var counts: [Int: Int] = [:]
    let kept = newest.filter { station in
      counts[station.port, default: 0] += 1
      return counts[station.port, default: 0] <= table.fdb.portLimit
    }
    let known = Array(kept.prefix(table.fdb.limit).reversed())
    // Without a pause: a port that goes is not done with its stations before this is.
    return table.fdb.coldRestore(known, now: clock.tick)
  }
}
