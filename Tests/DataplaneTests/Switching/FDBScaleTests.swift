import Foundation
import Frames
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// Tables of many stations: they grow while they are read, take no more memory than they need, and are forgotten in pieces.
@Suite struct FDBScaleTests {
  private func key(_ station: Int, vlan: UInt16 = 1) -> UInt64 {
    FDB.key(vlan: vlan, MACAddress(bits: UInt64(station) << 8 | 0x02))
  }

  @Test func aTableThatGrowsLosesNobody() throws {
    let (count, fdb) = try (60_000, FDB(limit: 1 << 20, portCapacity: 4))
    for station in 0..<count {
      _ = fdb.learn(key(station), port: station % 3, tick: 1)
      if station % 997 == 0 {
        #expect((0...station).allSatisfy { $0 % 61 != 0 || fdb.lookup(key($0))?.port == $0 % 3 })
      }
    }
    #expect(fdb.count == count)
    #expect((0..<count).allSatisfy { fdb.lookup(key($0))?.port == $0 % 3 })
    #expect((count..<2 * count).allSatisfy { fdb.lookup(key($0)) == nil })
    var listed: Set<UInt64> = []
    fdb.forEach { vlan, address, value in
      #expect(listed.insert(FDB.key(vlan: UInt16(vlan), address)).inserted)
    }
    #expect(listed.count == count)
    fdb.coldFlush(port: 1, vlan: nil)
    #expect((0..<count).allSatisfy { fdb.lookup(key($0)).map(\.port) == ($0 % 3 == 1 ? nil : $0 % 3) })
    for station in 0..<count { _ = fdb.learn(key(station, vlan: 2), port: 1, tick: 2) }
    #expect(fdb.count == count + count * 2 / 3)
    #expect((0..<count).allSatisfy { fdb.lookup(key($0, vlan: 2))?.port == 1 })
    #expect(fdb.longestHold <= FDB.pieceCount)
  }

  /// As `ports` of a lab with the largest table of all: nothing is taken that nobody was put into.
  @Test func aLargeTableThatIsNearlyEmptyIsSmall() throws {
    let before = try residentKibibytes()
    let fdb = try FDB(limit: 1 << 20, portCapacity: 1024)
    for station in 0..<600 { _ = fdb.learn(key(station), port: station, tick: 1) }
    let taken = try residentKibibytes() - before
    #expect(taken < 1024, "\(taken) KiB")
    #expect(fdb.count == 600)
  }

  private func residentKibibytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
    return try #require(line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) })
  }

  // Seen again.

  @Test func aStationThatIsSeenAgainNeedsNoLock() throws {
    let fdb = try FDB(limit: 100, portCapacity: 4)
    fdb.setSpan(shift: 4)
    for station in 0..<90 { _ = fdb.learn(key(station), port: 1, tick: 16) }
    let generation = fdb.generation
    fdb.writer.coldWithLock { _ in
      for station in 0..<90 {
        #expect(fdb.learn(key(station), port: 1, tick: 31) == generation)
        #expect(fdb.lookup(key(station))?.tick == 31)
      }
      // In the next span its place in the list is another one; on another port too.
      #expect(fdb.learn(key(1), port: 1, tick: 32) == nil)
      #expect(fdb.learn(key(1), port: 2, tick: 31) == nil)
    }
    #expect(fdb.learn(key(1), port: 1, tick: 32) == generation)
    #expect(fdb.age(before: 32))
    #expect(fdb.count == 1)
  }

  /// Nobody is forgotten before time, nor much later.
  @Test func agesAreTrueToASpan() throws {
    let (fdb, aging, span) = try (FDB(limit: 1000, portCapacity: 4), 64, 4)
    fdb.setSpan(shift: 2)
    var random = SeededRandom(seed: 5)
    var seen: [Int: Int] = [:]
    for tick in 1...2000 {
      for _ in 0..<3 {
        let station = Int.random(in: 0..<300, using: &random)
        _ = fdb.learn(key(station), port: station % 3, tick: UInt32(tick))
        seen[station] = tick
      }
      if tick > aging { #expect(fdb.age(before: UInt32(tick - aging))) }
      guard tick % 7 == 0 else { continue }
      for (station, last) in seen {
        let found = fdb.lookup(key(station))
        if last >= tick - aging { #expect(found?.tick == UInt32(last)) }
        if last < tick - aging - span { #expect(found == nil) }
      }
    }
  }

  // Beside readers.

  /// A table grows and shrinks under those who look up and list: what stays in it is found at every look.
  @Test func whatStaysIsAlwaysFound() throws {
    let fdb = try FDB(limit: 1 << 20, portCapacity: 4)
    for station in 0..<500 { _ = fdb.learn(key(station), port: 1, tick: 1) }
    let keys = (0..<500).map { key($0) }
    let looks = Looks()
    let reader = try HostThread.start(name: "reader", cpu: nil) {
      while !looks.isOver.load(ordering: .relaxed) {
        for key in keys { looks.look(for: key, in: fdb) }
      }
    }
    for round in 0..<3 {
      for station in 1000..<9000 { _ = fdb.learn(key(station), port: 2, tick: UInt32(2 + round)) }
      fdb.coldFlush(port: 2)
    }
    #expect(poll { looks.count.load(ordering: .relaxed) > 500 })
    looks.isOver.store(true, ordering: .relaxed)
    reader.join()
    #expect(looks.lost.load(ordering: .relaxed) == 0)
  }

  private func poll(_ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
      guard ContinuousClock.now < deadline else { return false }
      HostClock.pause(microseconds: 1000)
    }
    return true
  }

  /// What a reader found.
  private final class Looks: Sendable {
    let isOver = Atomic(false)
    let count = Atomic(0)
    let lost = Atomic(0)

    /// A look that meets the writer may miss; the ones after it must not.
    func look(for key: UInt64, in fdb: FDB) {
      count.add(1, ordering: .relaxed)
      let deadline = ContinuousClock.now + .seconds(30)
      while fdb.lookup(key) == nil {
        guard ContinuousClock.now < deadline else { return _ = lost.add(1, ordering: .relaxed) }
        HostClock.pause(microseconds: 100)
      }
    }
  }
}
