import Frames

/// What switches tell of their stations: coalesced, so that none of them can flood who listens.
extension Dataplane {
  /// Seconds between two looks at what switches have to tell, while there always is something: doubled from the first to
  /// the second.
  static let stationPauses = (first: 0.2, longest: 5.0)

  /// Tells, as events, what happens to stations, from one wake-up of the reactor to the next.
  ///
  /// The first news is told at once; what follows waits for a pause, which grows while something always follows.
  static func tellStations(_ wakes: AsyncStream<Void>, of plane: @escaping @Sendable () -> Dataplane?) async {
    var pause = stationPauses.first
    var last = ContinuousClock.now - .seconds(stationPauses.longest)
    for await _ in wakes {
      let now = ContinuousClock.now
      pause = now - last > .seconds(2 * pause) ? stationPauses.first : min(2 * pause, stationPauses.longest)
      await plane()?.tellStations()
      last = .now
      guard (try? await Task.sleep(for: .seconds(pause))) != nil else { return }
    }
  }

  /// Tells what happened to the stations of all switches since the last call.
  func tellStations() {
    for record in switchRecords { tellStations(of: record) }
  }

  /// The same of one switch: of a port or switch that goes nobody could tell later how it was called.
  func tellStations(of record: SwitchRecords.Record) {
    for news in stationNews(record) { events.send(.stations(news)) }
  }

  private func stationNews(_ record: SwitchRecords.Record) -> [StationNews] {
    let (name, fdb) = (record.configuration.name, record.table.fdb)
    let taken = fdb.coldTakeNotes()
    var news: [StationNews] = []
    func add(_ what: StationNews.What, _ count: UInt64 = 1) {
      news.append(StationNews(switchName: name, what: what, count: count))
    }
    for move in taken.moves {
      let (from, to) = (portTable.name(of: move.from), portTable.name(of: move.to))
      add(.moved(StationNews.Station(key: move.key), from: from, to: to), move.count)
    }
    if taken.otherMoves > 0 { add(.moved(nil, from: nil, to: nil), taken.otherMoves) }
    if taken.isFull { add(.full(port: nil, limit: fdb.limit)) }
    for port in taken.fullPorts {
      if let port = portTable.name(of: port) { add(.full(port: port, limit: fdb.portLimit)) }
    }
    if taken.otherFullPorts > 0 { add(.full(port: nil, limit: fdb.portLimit), taken.otherFullPorts) }
    for eviction in taken.evictions {
      add(
        .evicted(
          StationNews.Station(key: eviction.key), port: portTable.name(of: eviction.port), isOfPort: eviction.isOfPort),
        eviction.count)
    }
    if taken.otherEvictions > 0 { add(.evicted(nil, port: nil, isOfPort: false), taken.otherEvictions) }
    return news
  }
}

extension StationNews.Station {
  /// - Parameter key: as `FDB.key` makes it.
  fileprivate init(key: UInt64) {
    self.init(address: MACAddress(bits: key & 0xFFFF_FFFF_FFFF), vlan: Int(key >> 48))
  }
}
