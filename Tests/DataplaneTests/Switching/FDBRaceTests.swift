import Frames
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// Readers beside writers: what a reader finds is the station's own, whatever is going on.
///
/// Key and value encode each other, so that each reader can judge what it finds by itself. The table is much smaller than
/// the stations are many: places change hands all the time. `tools/check-races` runs this under the thread sanitizer.
@Suite struct FDBRaceTests {
  static let stationCount = 48
  static let portCount = 64

  static func key(_ station: Int) -> UInt64 {
    FDB.key(vlan: UInt16(1 + station % 3), MACAddress(bits: UInt64(station) &* 0x0101_0103 << 8 | 0x02))
  }

  /// One of two ports, and a time, that this station alone has.
  static func port(_ station: Int, moved: Bool) -> Int { station + (moved ? 16 : 0) }
  static func tick(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 38) | 1 }

  static func isOwn(_ key: UInt64, _ value: FDBValue, _ stations: [UInt64: Int]) -> Bool {
    guard let station = stations[key], value.tick == tick(key) else { return false }
    return [port(station, moved: false), port(station, moved: true)].contains(value.port)
  }

  /// What readers saw.
  final class Tally: Sendable {
    let isOver = Atomic<Bool>(false)
    let found = Atomic<Int>(0)
    let listed = Atomic<Int>(0)
    let wrong = Atomic<Int>(0)

    var counts: (found: Int, listed: Int, wrong: Int) {
      (found.load(ordering: .relaxed), listed.load(ordering: .relaxed), wrong.load(ordering: .relaxed))
    }

    func note(_ isRight: Bool, isListed: Bool) {
      if !isRight {
        wrong.add(1, ordering: .relaxed)
      } else if isListed {
        listed.add(1, ordering: .relaxed)
      } else {
        found.add(1, ordering: .relaxed)
      }
    }
  }

  private static func read(_ fdb: FDB, _ tally: Tally, _ stations: [UInt64: Int], lists: Bool) {
    while !tally.isOver.load(ordering: .relaxed) {
      for (key, _) in stations {
        guard let value = fdb.lookup(key) else { continue }
        tally.note(isOwn(key, value, stations), isListed: false)
      }
      guard lists else { continue }
      fdb.forEach { vlan, address, value in
        tally.note(isOwn(FDB.key(vlan: UInt16(vlan), address), value, stations), isListed: true)
      }
    }
  }

  /// Two readers, a worker that learns without waiting, and a control side that flushes.
  @Test func noReaderFindsAnotherStationsPort() throws {
    let fdb = try FDB(limit: 8, portCapacity: Self.portCount)
    let stations = Dictionary(uniqueKeysWithValues: (0..<Self.stationCount).map { (Self.key($0), $0) })
    let tally = Tally()
    let readers = try [false, true].map { lists in
      try HostThread.start(name: "reader", cpu: nil) { Self.read(fdb, tally, stations, lists: lists) }
    }
    let flusher = try HostThread.start(name: "flusher", cpu: nil) {
      var random = SeededRandom(seed: 2)
      while !tally.isOver.load(ordering: .relaxed) {
        let station = Int.random(in: 0..<Self.stationCount, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: fdb.coldFlush(port: nil, vlan: 1 + station % 3)
        case 1: fdb.coldFlush(port: Self.port(station, moved: false), vlan: nil)
        default: fdb.coldFlush(port: Self.port(station, moved: true))
        }
      }
    }
    var random = SeededRandom(seed: 1)
    var learnt = 0
    let deadline = ContinuousClock.now + .seconds(60)
    // As long as it takes all of them to have seen something, on machines of any speed.
    while learnt < 300_000 || tally.counts.found < 1000 || tally.counts.listed < 1000,
      ContinuousClock.now < deadline
    {
      for _ in 0..<1000 {
        let station = Int.random(in: 0..<Self.stationCount, using: &random)
        let key = Self.key(station)
        if fdb.learn(key, port: Self.port(station, moved: Bool.random(using: &random)), tick: Self.tick(key)) != nil {
          learnt += 1
        }
      }
    }
    tally.isOver.store(true, ordering: .relaxed)
    for thread in readers + [flusher] { thread.join() }
    #expect(tally.counts.wrong == 0)
    #expect(tally.counts.found >= 1000)
    #expect(tally.counts.listed >= 1000)
    #expect(learnt > 0)
    // Nothing was lost or doubled either.
    var keys: Set<UInt64> = []
    fdb.forEach { vlan, address, _ in #expect(keys.insert(FDB.key(vlan: UInt16(vlan), address)).inserted) }
    #expect(keys.count == fdb.count)
    #expect(keys.allSatisfy { fdb.lookup($0) != nil })
    #expect(fdb.longestHold <= FDB.pieceCount)
  }

  /// Who remembers what a lookup found, and the generation from before it, keeps nothing that was flushed by then.
  ///
  /// The station is learnt in second `n` while the generation is `n`, and flushed, which makes it `n + 1`.
  @Test func nothingIsFoundThatWasGoneBeforeItsGeneration() throws {
    let fdb = try FDB(limit: 8, portCapacity: Self.portCount)
    let key = Self.key(1)
    let tally = Tally()
    let reader = try HostThread.start(name: "reader", cpu: nil) {
      while !tally.isOver.load(ordering: .relaxed) {
        let generation = fdb.generation
        guard let found = fdb.lookup(key) else { continue }
        tally.note(found.tick >= generation, isListed: false)
      }
    }
    let deadline = ContinuousClock.now + .seconds(60)
    var tick: UInt32 = 0
    while tick < 20_000 || tally.counts.found < 1000, ContinuousClock.now < deadline {
      tick += 1
      _ = fdb.learn(key, port: Int(tick) % Self.portCount, tick: tick)
      fdb.coldFlush(port: nil, vlan: nil)
    }
    tally.isOver.store(true, ordering: .relaxed)
    reader.join()
    #expect(fdb.generation == tick + 1)
    #expect(tally.counts.wrong == 0)
    #expect(tally.counts.found >= 1000)
  }
}
