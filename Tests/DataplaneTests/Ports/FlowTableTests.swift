import TestSupport
import Testing

@testable import Dataplane

/// Which ring each flow goes to while rings are opened and closed.
@Suite struct FlowTableTests {
  /// A hash for each entry.
  private static let hashes = (0..<FlowTable.count).map { UInt64($0) << 56 | 0x1234 }

  private func pairs(_ table: borrowing FlowTable, _ open: UInt16, _ now: UInt64) -> [Int] {
    var pairs: [Int] = []
    for hash in Self.hashes { pairs.append(table.pair(of: hash, open: open, now: now)) }
    return pairs
  }

  /// A table that was spread over these rings long ago.
  private func table(_ open: UInt16, now: UInt64) -> FlowTable {
    var table = FlowTable()
    table.coldGather(at: open.trailingZeroBitCount, now: now)
    table.coldSpread(over: open)
    return table
  }

  @Test(arguments: [2, 3, 5, 15, 16])
  func flowsAreSpreadEvenly(count: Int) {
    let open = UInt16(truncatingIfNeeded: (1 << count) - 1)
    let table = table(open, now: 0)
    let found = pairs(table, open, 2 * FlowTable.silence)
    let shares = (0..<count).map { pair in found.count { $0 == pair } }
    #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
    #expect(shares.reduce(0, +) == FlowTable.count)
  }

  /// Nothing moves before it was silent, however often it is asked for.
  @Test func anOpenedRingGetsFlowsThatWereSilent() {
    var table = FlowTable()
    table.coldGather(at: 3, now: 1000)
    table.coldSpread(over: 0b1001)
    var now: UInt64 = 1000
    for _ in 0..<40 {
      now += FlowTable.silence / 4
      #expect(pairs(table, 0b1001, now).allSatisfy { $0 == 3 })
    }
    now += FlowTable.silence + 512
    #expect(pairs(table, 0b1001, now).count { $0 == 0 } == FlowTable.count / 2)
  }

  /// One that is closed is left at once, by its own flows alone.
  @Test func aClosedRingIsLeftAtOnce() {
    let table = table(0b1111, now: 0)
    let now = 2 * FlowTable.silence
    let before = pairs(table, 0b1111, now)
    table.coldSpread(over: 0b1011)
    let after = pairs(table, 0b1011, now + 1)
    for (old, new) in zip(before, after) { #expect(old == 2 ? new != 2 : new == old) }
    // And nobody else moves later.
    #expect(pairs(table, 0b1011, now + 5 * FlowTable.silence) == after)
    for pair in [0, 1, 3] { #expect(after.count { $0 == pair } >= FlowTable.count / 3) }
  }

  /// Another worker's clock may be ahead.
  @Test func aTimeInTheFutureIsNoSilence() {
    let table = table(0b11, now: 10_000_000)
    #expect(pairs(table, 0b11, 9_000_000).allSatisfy { $0 == 0 })
    #expect(pairs(table, 0b11, 10_000_000 + FlowTable.silence / 2).allSatisfy { $0 == 0 })
  }

  /// Several at once agree on each flow, and no entry goes back.
  @Test func workersAgree() async {
    let shared = SharedTable(table(0b1111_1111, now: 0))
    await withTaskGroup(of: [[Int]].self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<200).map { turn in
            Self.hashes.map {
              shared.table.pair(of: $0, open: 0xFF, now: 2 * FlowTable.silence + UInt64(turn) * 50_000)
            }
          }
        }
      }
      var first: [Int]?
      for await turns in group {
        for turn in turns {
          #expect(turn == first ?? turn)
          first = turn
        }
      }
    }
  }

  /// Entries may be asked for by several threads.
  private final class SharedTable: @unchecked Sendable {
    let table: FlowTable
    init(_ table: consuming FlowTable) { self.table = table }
  }
}
