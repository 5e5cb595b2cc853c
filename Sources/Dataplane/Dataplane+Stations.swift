import Frames

/// What switches know of stations: read and forgotten without the worker, which goes on moving frames.
extension Dataplane {
  /// A switch's table, and what its rows are called.
  private struct NamedTable: Sendable {
    var name: String
    var table: SwitchTable
  }

  /// What each switch counts.
  package func switchStatus() -> [SwitchStatus] {
    switchRecords.map { record in
      let fdb = record.table.fdb
      var status = SwitchStatus(
        name: record.configuration.name, fdbEntries: UInt64(fdb.count), fdbMoves: fdb.moveCount)
      status.fdbStaticEntries = UInt64(fdb.staticCount)
      status.fdbEvictions = fdb.evictionCount
      status.fdbLimit = UInt64(fdb.limit)
      return status
    }
  }

  /// Entries of one switch or of all; those that come or go meanwhile are among them or not.
  package func fdb(switchName: String?) async -> [FDBEntry] {
    let records = records
    var names: [Int: String] = [:]
    for record in records { names[record.index] = record.name }
    let entries = await Self.entries(of: tables(switchName), portNames: names, now: clock.tick)
    // Another port may have had the number of one that went meanwhile.
    let gone = Set(records.lazy.filter { self.portTable.find($0.name)?.block !== $0.block }.map(\.name))
    return gone.isEmpty ? entries : entries.filter { !gone.contains($0.port) }
  }

  /// Not the actor's: a large table must not keep others from it either.
  private nonisolated static func entries(
    of tables: [NamedTable], portNames: [Int: String], now: UInt32
  ) async -> [FDBEntry] {
    var entries: [FDBEntry] = []
    for item in tables {
      item.table.fdb.forEach { vlan, address, value in
        // A port that has come or gone meanwhile has no name here.
        guard let port = portNames[value.port] else { return }
        entries.append(
          FDBEntry(
            switchName: item.name, vlan: vlan, address: address, port: port,
            ageSeconds: Double(now > value.tick ? now - value.tick : 0), isStatic: value.isStatic))
      }
    }
    return entries
  }

  /// Forgets what was learnt, and not what is learnt meanwhile; nil = any.
  package func flushFDB(switchName: String?, port: String?, vlan: Int?) async {
    let index = port.flatMap { name in portTable.find(name)?.index }
    guard port == nil || index != nil else { return }
    await Self.flush(tables(switchName), port: index, vlan: vlan)
  }

  private nonisolated static func flush(_ tables: [NamedTable], port: Int?, vlan: Int?) async {
    for item in tables { item.table.fdb.coldFlush(port: port, vlan: vlan) }
  }

  private func tables(_ switchName: String?) -> [NamedTable] {
    switchRecords.filter { switchName == nil || $0.configuration.name == switchName }
      .map { NamedTable(name: $0.configuration.name, table: $0.table) }
  }

  func table(of switchName: String?) -> SwitchTable? {
    switchName.flatMap { switchTable.find($0)?.table }
  }

  /// Forgets what is left of a port's stations after the worker has done its part; nothing as a rule.
  ///
  /// To be called before the port's number is free: who gets it must not inherit them.
  func forgetStations(of record: PortRecord) { table(of: record.switchName)?.fdb.coldForget(port: record.index) }

  /// Has a switch know for good that a station is behind a port.
  ///
  /// Nothing that is learnt changes it, and it goes with the port alone, or by `removeStation`; another one for that station
  /// takes its place.
  /// - Parameter vlan: 1 to 4094; on a switch without VLANs 0.
  /// - Throws: `unknownPort` also for a port of another switch; `invalid` for what is no station, or where the table is
  ///   full of such entries.
  package func addStation(_ address: MACAddress, vlan: Int, behind port: String, on switchName: String)
    throws(DataplaneError)
  {
    _ = try switchIndex(switchName)
    let record = try record(port)
    guard record.switchName == switchName, let table = table(of: switchName) else { throw .unknownPort(port) }
    guard !address.isGroup, !address.isZero else { throw .invalid("\(address) is not the address of a station") }
    let isTransparent = record.mode == .transparent
    guard isTransparent ? vlan == 0 : (1...4094).contains(vlan) else {
      let range = isTransparent ? "not 0, as on all switches without VLANs" : "outside 1...4094"
      throw .invalid("VLAN \(vlan) is \(range)")
    }
    let isFixed = table.fdb.coldFix(FDB.key(vlan: UInt16(vlan), address), port: record.index, tick: clock.tick)
    // No worker has to see it: there may be no frame for long.
    if table.fdb.isUntold { stationSource.yield() }
    guard isFixed else {
      throw .invalid("switch \(switchName) has no room for another static entry: \(table.fdb.limit) stations are known")
    }
  }

  /// Takes back `addStation`.
  /// - Returns: false if there is no such entry.
  package func removeStation(_ address: MACAddress, vlan: Int, on switchName: String) throws(DataplaneError) -> Bool {
    _ = try switchIndex(switchName)
    guard (0...4094).contains(vlan), let table = table(of: switchName) else { return false }
    return table.fdb.coldUnfix(FDB.key(vlan: UInt16(vlan), address))
  }
}
