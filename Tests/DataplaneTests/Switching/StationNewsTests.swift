import Frames
import GuestKit
import LinuxHost
import TestSupport
import Testing

@testable import Dataplane

/// What switches tell of their stations: everything counts, and nothing floods.
@Suite struct StationNewsTests {
  private static let vlan: UInt16 = 7

  private func key(_ station: Int) -> UInt64 { FDB.key(vlan: Self.vlan, MACAddress(bits: UInt64(station) << 8 | 2)) }

  // MARK: - The table's notes

  private func table(_ limit: Int, portLimit: Int? = nil) throws -> FDB {
    try FDB(limit: limit, portLimit: portLimit, portCapacity: 16)
  }

  @Test func aStationThatFlapsIsOneNoteWithACount() throws {
    let fdb = try table(64)
    for round in 0...100_000 { _ = fdb.learn(key(1), port: round % 2, tick: 1) }
    #expect(fdb.isUntold)
    let taken = fdb.coldTakeNotes()
    #expect(taken.moves.count == 1)
    #expect(taken.moves.first?.key == key(1))
    #expect(taken.moves.first?.from == 0)
    #expect(taken.moves.first?.to == 0)
    #expect(taken.moves.first?.count == 100_000)
    #expect(taken.otherMoves == 0)
    #expect(!fdb.isUntold)
    #expect(fdb.coldTakeNotes().moves.isEmpty)
  }

  @Test func movesOfManyStationsAreAllCounted() throws {
    let fdb = try table(1000)
    for port in 0..<3 {
      for station in 1...500 { _ = fdb.learn(key(station), port: port, tick: 1) }
    }
    let taken = fdb.coldTakeNotes()
    #expect(taken.moves.count <= FDBNotes.movePlaces)
    #expect(taken.moves.count > FDBNotes.movePlaces / 2)
    #expect(taken.moves.reduce(0) { $0 + $1.count } + taken.otherMoves == 1000)
    #expect(taken.moves.allSatisfy { $0.from == 0 && $0.to == 2 && $0.count == 2 })
  }

  @Test func whatHasToGoIsCountedByPort() throws {
    let fdb = try table(8)
    for station in 1...8 { _ = fdb.learn(key(station), port: 3, tick: 1) }
    #expect(!fdb.isUntold)
    for station in 9...1008 { _ = fdb.learn(key(station), port: 3, tick: 1) }
    let taken = fdb.coldTakeNotes()
    #expect(taken.evictions.count == 1)
    #expect(taken.evictions.first?.port == 3)
    #expect(taken.evictions.first?.count == 1000)
    #expect(taken.evictions.first?.key == key(1000))
    #expect(taken.evictions.first?.isOfPort == true)
    // As many as all may have; a port's own limit comes first.
    #expect(taken.fullPorts == [3])
  }

  @Test func fullIsToldOnceUntilThereWasRoomAgain() throws {
    let fdb = try table(20, portLimit: 20)
    for station in 1...10 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    for station in 11...20 { _ = fdb.learn(key(station), port: 2, tick: 1) }
    #expect(!fdb.isUntold)
    for station in 21...100 { _ = fdb.learn(key(station), port: 2, tick: 1) }
    var taken = fdb.coldTakeNotes()
    #expect(taken.isFull)
    #expect(taken.evictions.reduce(0) { $0 + $1.count } == 80)
    #expect(taken.evictions.allSatisfy { !$0.isOfPort })
    // Full still, and told.
    for station in 101...200 { _ = fdb.learn(key(station), port: 2, tick: 1) }
    taken = fdb.coldTakeNotes()
    #expect(!taken.isFull)
    #expect(taken.evictions.reduce(0) { $0 + $1.count } == 100)
    #expect(fdb.flush(port: 2))
    #expect(!fdb.isUntold)
    for station in 201...300 { _ = fdb.learn(key(station), port: 2, tick: 1) }
    #expect(fdb.coldTakeNotes().isFull)
  }

  /// Where a single station is allowed there is no tenth; a port that lost its carrier, or another one of that number,
  /// is told of all the same.
  @Test func aPortThatWasEmptiedIsFullAnew() throws {
    let fdb = try table(64, portLimit: 1)
    for _ in 0..<2 {
      for station in 1...3 { _ = fdb.learn(key(station), port: 4, tick: 1) }
      #expect(fdb.coldTakeNotes().fullPorts == [4])
      for station in 4...6 { _ = fdb.learn(key(station), port: 4, tick: 1) }
      #expect(fdb.coldTakeNotes().fullPorts == [])
      fdb.coldForget(port: 4)
    }
  }

  /// Not only by stations that are new: those that move to a port fill it as well.
  @Test func aPortThatIsFilledByMovesIsFull() throws {
    let fdb = try table(64, portLimit: 5)
    for station in 1...5 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    for station in 6...8 { _ = fdb.learn(key(station), port: 2, tick: 1) }
    for station in 1...2 { _ = fdb.learn(key(station), port: 2, tick: 1) }
    #expect(fdb.coldTakeNotes().fullPorts == [])
    for station in 3...4 { _ = fdb.learn(key(station), port: 2, tick: 1) }
    let taken = fdb.coldTakeNotes()
    #expect(taken.fullPorts == [2])
    #expect(taken.evictions.first?.port == 2 && taken.evictions.first?.count == 2)
    // Told once, until there was room again.
    _ = fdb.learn(key(5), port: 2, tick: 1)
    #expect(fdb.coldTakeNotes().fullPorts == [])
  }

  @Test func whatMayHaveMoreIsFullAnew() throws {
    let fdb = try table(40, portLimit: 10)
    for station in 1...20 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    #expect(fdb.coldTakeNotes().fullPorts == [1])
    fdb.coldSetLimits { (all: 40, ofPort: 20) }
    for station in 21...50 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    #expect(fdb.coldTakeNotes().fullPorts == [1])
    // Just as many as it has: nothing is new.
    fdb.coldSetLimits { (all: 40, ofPort: 20) }
    for station in 51...60 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    #expect(fdb.coldTakeNotes().fullPorts == [])
  }

  @Test func portsBeyondThePlacesAreCountedWithoutAName() throws {
    let fdb = try table(1000, portLimit: 2)
    for port in 0..<12 {
      for station in 0..<4 { _ = fdb.learn(key(100 * port + station + 1), port: port, tick: 1) }
    }
    let taken = fdb.coldTakeNotes()
    #expect(taken.fullPorts == Array(0..<FDBNotes.fullPortPlaces))
    #expect(taken.otherFullPorts == 4)
    #expect(taken.evictions.count == FDBNotes.evictionPlaces)
    #expect(taken.evictions.reduce(0) { $0 + $1.count } + taken.otherEvictions == 24)
  }

  /// One wake-up from taking notes to taking notes, whatever happens between.
  @Test func theControlSideIsWokenOnceATime() throws {
    let bell = try EventDescriptor()
    let faults = FaultQueue(bell: bell)
    let fdb = try table(64)
    for time in 1...3 {
      for round in 0..<1000 {
        _ = fdb.learn(key(1), port: (round + time) % 2, tick: 1)
        if fdb.isUntold, fdb.takeUntold() { faults.wakeForStations() }
      }
      #expect(bell.drain() == 1)
      #expect(faults.takeStations())
      #expect(!faults.takeStations())
      _ = fdb.coldTakeNotes()
    }
  }

  // MARK: - Of a switch that forwards

  private func frame(_ source: Int) -> [UInt8] { GuestKit.frame(source, to: 0xFFFF, size: 60) }

  private static func news(_ event: DataplaneEvent) -> StationNews? {
    if case .stations(let news) = event { news } else { nil }
  }

  /// Events until one that `isLast` takes for the last.
  private func news(
    _ events: Broadcast<DataplaneEvent>.Subscription, until isLast: ([StationNews]) -> Bool
  ) async -> [StationNews] {
    var all: [StationNews] = []
    for await case .element(let event) in events {
      guard let news = Self.news(event) else { continue }
      all.append(news)
      if isLast(all) { break }
    }
    return all
  }

  /// What the one switch has counted: a worker that finds the table's lock taken learns of a frame with the next one.
  private func counts(_ bench: Bench) async throws -> SwitchStatus {
    let all = await bench.dataplane.switchStatus()
    return try #require(all.first)
  }

  @Test(.timeLimit(.minutes(2))) func aSwitchTellsOfAStationThatFlaps() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: Self.vlan)) }
      let events = bench.dataplane.events.subscribe()
      let rounds = 2000
      for round in 0...rounds { try bench.exchange(frame(1), from: round % 2 == 0 ? "a" : "b") }
      let moves = try await counts(bench).fdbMoves
      #expect(moves > UInt64(rounds / 2) && moves <= UInt64(rounds))
      let all = await news(events) { all in all.reduce(0) { $0 + $1.count } >= moves }
      #expect(all.reduce(0) { $0 + $1.count } == moves)
      // The first at once, then after pauses that grow: however long it takes here, not one a move.
      #expect(all.count < 50)
      let station = StationNews.Station(
        address: try #require(MACAddress(bytes: FrameBuilder.station(1))), vlan: Int(Self.vlan))
      for news in all {
        #expect(news.switchName == "sw")
        guard case .moved(station, let from, let to) = news.what else {
          Issue.record("\(news)")
          continue
        }
        #expect(["a", "b"].contains(from) && ["a", "b"].contains(to))
      }
      let place = await bench.stations()[Station(Int(Self.vlan), 1)]
      guard case .moved(_, _, let told)? = all.last?.what, told != nil, told == place else {
        Issue.record("what is told last is where the station is: \(all)")
        return
      }
    }
  }

  @Test(.timeLimit(.minutes(2))) func aSwitchTellsThatItIsFull() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("sw") {
        $0.fdbLimit = 16
        $0.fdbPerPort = 8
      }
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) { $0.ringSize = 256 } }
      let events = bench.dataplane.events.subscribe()
      for source in 1...20 { try bench.exchange(frame(source), from: "a") }
      let ofPort = try await counts(bench).fdbEvictions
      for source in 101...108 { try bench.exchange(frame(source), from: "b") }
      for source in 201...202 { try bench.exchange(frame(source), from: "c") }
      let evictions = try await counts(bench).fdbEvictions
      #expect(ofPort > 0 && evictions > ofPort)
      let all = await news(events) { all in
        all.reduce(0) { if case .evicted = $1.what { $0 + $1.count } else { $0 } } >= evictions
      }
      #expect(all.contains { $0.what == .full(port: "a", limit: 8) })
      #expect(all.contains { $0.what == .full(port: nil, limit: 16) })
      #expect(!all.contains { $0.what == .full(port: "b", limit: 8) })
      var evicted: UInt64 = 0
      for news in all {
        guard case .evicted(_, let port, let isOfPort) = news.what, port == "a", isOfPort else { continue }
        evicted += news.count
      }
      #expect(evicted == ofPort, "\(all)")
    }
  }
}
