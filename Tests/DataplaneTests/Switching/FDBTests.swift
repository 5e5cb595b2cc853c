import Frames
import TestSupport
import Testing

@testable import Dataplane

/// The table by itself: what it knows, whom it forgets, and who waits for whom.
@Suite struct FDBTests {
  private func key(_ station: Int, vlan: UInt16 = 1) -> UInt64 {
    FDB.key(vlan: vlan, MACAddress(bits: UInt64(station) << 8 | 0x02))
  }

  /// Entries as `key: value`, by listing; each of them is found by lookup too.
  private func contents(_ fdb: FDB) -> [UInt64: FDBValue] {
    var found: [UInt64: FDBValue] = [:]
    fdb.forEach { vlan, address, value in
      let key = FDB.key(vlan: UInt16(vlan), address)
      #expect(found.updateValue(value, forKey: key) == nil)
      #expect(fdb.lookup(key)?.bits == value.bits)
    }
    #expect(found.count == fdb.count)
    return found
  }

  @Test func aStationIsWhereItWasSeenLast() throws {
    let fdb = try FDB(limit: 4, portCapacity: 8)
    #expect(fdb.lookup(key(1)) == nil)
    #expect(fdb.learn(key(1), port: 3, tick: 1) == 1)
    #expect(fdb.learn(key(1, vlan: 2), port: 4, tick: 1) == 1)
    #expect(fdb.lookup(key(1))?.port == 3)
    #expect(fdb.lookup(key(1, vlan: 2))?.port == 4)
    #expect(fdb.lookup(key(2)) == nil)
    // Seen again: younger, no news to anybody.
    #expect(fdb.learn(key(1), port: 3, tick: 9) == 1)
    #expect(fdb.lookup(key(1))?.tick == 9)
    #expect((fdb.count, fdb.moveCount) == (2, 0))
    // A move is.
    #expect(fdb.learn(key(1), port: 7, tick: 9) == 2)
    #expect(fdb.lookup(key(1))?.port == 7)
    #expect((fdb.count, fdb.moveCount, fdb.generation) == (2, 1, 2))
  }

  @Test func aPortWithoutRoomIsNotLearnt() throws {
    let fdb = try FDB(limit: 4, portCapacity: 2)
    _ = fdb.learn(key(1), port: 2, tick: 1)
    #expect(fdb.lookup(key(1)) == nil)
    fdb.coldReservePorts(3)
    _ = fdb.learn(key(1), port: 2, tick: 1)
    #expect(fdb.lookup(key(1))?.port == 2)
    fdb.coldFlush(port: 60_000)
    #expect(fdb.flush(port: 60_000))
    #expect(fdb.count == 1)
  }

  @Test func aTableWithoutRoomKnowsNobody() throws {
    let fdb = try FDB(limit: 0, portCapacity: 2)
    _ = fdb.learn(key(1), port: 1, tick: 1)
    fdb.coldFlush(port: nil, vlan: nil)
    #expect(fdb.age(before: 9))
    #expect(contents(fdb).isEmpty)
  }

  // What is gone raises the generation, once a piece at least, and only then.

  @Test func forgettingIsNoticed() throws {
    let fdb = try FDB(limit: 200, portCapacity: 4)
    for station in 0..<150 { _ = fdb.learn(key(station), port: station % 3, tick: UInt32(1 + station / 50)) }
    var last = fdb.generation
    #expect(last == 1)
    func expectNews(_ isNew: Bool, _ location: SourceLocation = #_sourceLocation) {
      #expect((fdb.generation != last) == isNew, sourceLocation: location)
      last = fdb.generation
    }
    #expect(fdb.age(before: 1))
    expectNews(false)
    #expect(fdb.age(before: 2))
    #expect(fdb.count == 100)
    expectNews(true)
    fdb.coldFlush(port: 3, vlan: nil)
    fdb.coldFlush(port: nil, vlan: 2)
    #expect(fdb.flush(port: 3))
    expectNews(false)
    fdb.coldFlush(port: 2, vlan: 1)
    #expect(contents(fdb).values.allSatisfy { $0.port != 2 })
    expectNews(true)
    #expect(fdb.flush(port: 1))
    #expect(contents(fdb).values.allSatisfy { $0.port == 0 })
    expectNews(true)
    fdb.coldFlush(port: nil, vlan: nil)
    expectNews(true)
    #expect(contents(fdb).isEmpty)
  }

  /// Thousands of changes of all kinds beside the plainest table that does the same.
  @Test(arguments: [(1, 1), (7, 7), (7, 3), (100, 100), (300, 300), (300, 70)])
  func itDoesWhatAPlainTableDoes(limit: Int, portLimit: Int) throws {
    let fdb = try FDB(limit: limit, portLimit: portLimit, portCapacity: 5)
    var plain = PlainTable(limit: limit, portLimit: portLimit, portCount: 5)
    var random = SeededRandom(seed: UInt64(limit))
    for step in 0..<6000 {
      let tick = UInt32(1 + step / 50)
      switch Int.random(in: 0..<200, using: &random) {
      case 0:
        let (port, vlan) = (Int.random(in: 0..<5, using: &random), Int.random(in: 1...3, using: &random))
        let all: [(port: Int?, vlan: Int?)] = [(nil, nil), (port, nil), (nil, vlan), (port, vlan)]
        let filters = all[Int.random(in: 0..<4, using: &random)]
        fdb.coldFlush(port: filters.port, vlan: filters.vlan)
        plain.stations.removeAll {
          (filters.port ?? $0.port) == $0.port && (filters.vlan ?? Int($0.key >> 48)) == Int($0.key >> 48)
        }
      case 1:
        let port = Int.random(in: 0..<5, using: &random)
        if step % 2 == 0 { fdb.coldFlush(port: port) } else { #expect(fdb.flush(port: port)) }
        plain.stations.removeAll { $0.port == port }
      case 2:
        let deadline = UInt32(Int.random(in: max(0, Int(tick) - 8)...Int(tick), using: &random))
        #expect(fdb.age(before: deadline))
        plain.stations.removeAll { $0.tick < deadline }
      default:
        let key = key(
          Int.random(in: 0..<(limit + limit / 2 + 2), using: &random), vlan: UInt16.random(in: 1...3, using: &random))
        let port = Int.random(in: 0..<5, using: &random)
        #expect(fdb.learn(key, port: port, tick: tick) != nil)
        plain.learn(key, port: port, tick: tick)
      }
      if step % 100 == 0 || limit < 10 {
        #expect(
          contents(fdb).mapValues { Seen(port: $0.port, tick: $0.tick) }
            == Dictionary(
              uniqueKeysWithValues: plain.stations.map {
                ($0.key, Seen(port: $0.port, tick: $0.tick))
              }))
      }
    }
    #expect(fdb.moveCount == plain.moveCount)
    #expect((1...FDB.pieceCount).contains(fdb.longestHold))
  }

  /// Nobody waits for a writer but the control side; and readers go on.
  @Test func whoCannotHaveTheLockDoesNotWait() throws {
    let fdb = try FDB(limit: 100, portCapacity: 4)
    for station in 0..<50 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    fdb.writer.coldWithLock { _ in
      #expect(fdb.learn(key(77), port: 1, tick: 1) == nil)
      #expect(fdb.learn(key(1), port: 2, tick: 1) == nil)
      // Nothing to write, nothing to wait for.
      #expect(fdb.learn(key(1), port: 1, tick: 1) == 1)
      #expect(fdb.lookup(key(1))?.port == 1)
      #expect(!fdb.flush(port: 1))
      #expect(!fdb.age(before: 9))
      #expect(contents(fdb).count == 50)
      // Nothing to forget: no lock either.
      fdb.coldFlush(port: 2, vlan: nil)
      fdb.coldFlush(port: nil, vlan: 7)
    }
    #expect(fdb.learn(key(77), port: 1, tick: 1) == 1)
    #expect(fdb.flush(port: 1))
    #expect(fdb.count == 0)
  }

  /// Static entries take no room from what a port may have, and make none where all is theirs.
  @Test func staticEntriesTakeNoRoomOfTheirPort() throws {
    let fdb = try FDB(limit: 70, portLimit: 2, portCapacity: 4)
    for station in 0..<65 { #expect(fdb.coldFix(key(station), port: 1, tick: 1)) }
    for station in 100..<103 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    #expect(fdb.lookup(key(100)) == nil)
    #expect(fdb.lookup(key(102))?.port == 1)
    #expect(fdb.count == 67)
    // Learnt ones make room for them.
    for station in 65..<70 { #expect(fdb.coldFix(key(station), port: 2, tick: 1)) }
    #expect(!fdb.coldFix(key(70), port: 2, tick: 1))
    #expect(fdb.count == 70 && fdb.staticCount == 70)
    _ = fdb.learn(key(200), port: 3, tick: 1)
    #expect(fdb.lookup(key(200)) == nil)
    #expect(fdb.coldUnfix(key(3)))
    #expect(!fdb.coldUnfix(key(3)))
    _ = fdb.learn(key(200), port: 3, tick: 1)
    #expect(fdb.lookup(key(200))?.port == 3)
    #expect(!fdb.coldUnfix(key(200)))
  }

  /// They stay where they are, whatever is learnt and forgotten, and go with their port.
  @Test func staticEntriesStayUntilTheirPortGoes() throws {
    let fdb = try FDB(limit: 1000, portCapacity: 4)
    _ = fdb.learn(key(1), port: 2, tick: 1)
    let generation = fdb.generation
    #expect(fdb.coldFix(key(1), port: 1, tick: 1))
    #expect(fdb.generation != generation)
    #expect(fdb.coldFix(key(2), port: 2, tick: 1))
    // Said once more: the last one holds.
    #expect(fdb.coldFix(key(2), port: 1, tick: 1))
    #expect(fdb.coldFix(key(3), port: 2, tick: 1))
    _ = fdb.learn(key(1), port: 2, tick: 2)
    #expect(fdb.flush(port: 1))
    fdb.coldFlush(port: 1)
    fdb.coldFlush(port: nil, vlan: nil)
    #expect(fdb.age(before: 9))
    #expect(contents(fdb).count == 3)
    #expect([1, 2, 3].map { fdb.lookup(key($0))?.port } == [1, 1, 2])
    fdb.coldForget(port: 1)
    #expect(contents(fdb).count == 1)
    #expect(fdb.lookup(key(3))?.isStatic == true)
    #expect(fdb.count == 1 && fdb.staticCount == 1)
  }

  /// A station that is never forgotten keeps nobody behind it in the list.
  @Test func aStaticEntryDoesNotKeepOthers() throws {
    let fdb = try FDB(limit: 1000, portCapacity: 4)
    fdb.coldRestore(key(1), FDBValue(port: 1, isStatic: true, tick: 1))
    for station in 2..<300 { _ = fdb.learn(key(station), port: 1, tick: 2) }
    _ = fdb.learn(key(300), port: 1, tick: 9)
    _ = fdb.learn(key(301), port: 3, tick: 2)
    #expect(fdb.age(before: 5))
    #expect(Set(contents(fdb).keys) == [key(1), key(300)])
    #expect(fdb.longestHold <= FDB.pieceCount)
  }

  /// However much is forgotten, the lock is held for a few entries at a time.
  @Test func theLockIsHeldForAFewEntries() throws {
    let fdb = try FDB(limit: 20_000, portCapacity: 4)
    func fill() { for station in 0..<20_000 { _ = fdb.learn(key(station), port: station % 3, tick: 1) } }
    fill()
    // Itself, and those of the buckets that were split for it.
    #expect(fdb.longestHold < 40)
    #expect(fdb.age(before: 2))
    #expect(fdb.count == 0)
    for forget in [
      { fdb.coldFlush(port: nil, vlan: nil) }, { fdb.coldFlush(port: nil, vlan: 1) },
      { for port in 0..<3 { fdb.coldFlush(port: port, vlan: nil) } },
      { for port in 0..<3 { fdb.coldFlush(port: port) } },
      { for port in 0..<3 { #expect(fdb.flush(port: port)) } },
    ] {
      fill()
      #expect(fdb.count == 20_000)
      forget()
      #expect(fdb.count == 0)
    }
    #expect(fdb.longestHold <= FDB.pieceCount)
  }
}

/// Where and when a station was seen.
private struct Seen: Equatable {
  var port: Int
  var tick: UInt32
}

/// The plainest table with the same rules: stations in the order in which they were seen.
private struct PlainTable {
  struct Entry {
    var key: UInt64
    var port: Int
    var tick: UInt32
  }

  let limit: Int
  let portLimit: Int
  let portCount: Int
  var stations: [Entry] = []
  var moveCount: UInt64 = 0

  init(limit: Int, portLimit: Int, portCount: Int) {
    self.limit = limit
    self.portLimit = portLimit
    self.portCount = portCount
  }

  mutating func learn(_ key: UInt64, port: Int, tick: UInt32) {
    if let position = stations.firstIndex(where: { $0.key == key }) {
      guard stations[position].port != port || stations[position].tick != tick else { return }
      if stations[position].port != port {
        moveCount += 1
        makeRoom(port)
      }
      stations.removeAll { $0.key == key }
    } else if stations.count(where: { $0.port == port }) == portLimit {
      makeRoom(port)
    } else if stations.count == limit {
      // The oldest of the port that has most; of several, of the lowest number.
      var counts = [Int](repeating: 0, count: portCount)
      for station in stations { counts[station.port] += 1 }
      let fullest = counts.firstIndex(of: counts.max() ?? 0)
      stations.remove(at: stations.firstIndex { $0.port == fullest } ?? 0)
    }
    stations.append(Entry(key: key, port: port, tick: tick))
  }

  /// The oldest of a port that has as many as it may goes.
  private mutating func makeRoom(_ port: Int) {
    guard stations.count(where: { $0.port == port }) >= portLimit else { return }
    stations.remove(at: stations.firstIndex { $0.port == port } ?? 0)
  }
}
