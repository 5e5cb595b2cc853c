import TestSupport
import Testing

@testable import Dataplane

/// Names, numbers and states of what comes and goes.
@Suite struct PortTableTests {
  @Test func whatComesIsTakenButNotThere() {
    var table = NameTable<String, Int>(numbers: 1..<10)
    #expect(table.reserve("a") { 10 * $0 } == 1)
    #expect(table.isTaken("a"))
    #expect(table.find("a") == nil)
    #expect(table.inOrder.isEmpty)
    #expect(table.record(at: 1) == 10)
    table.settle(1)
    #expect(table.find("a") == 10)
    #expect(table.inOrder == [10])
  }

  @Test func whatGoesGivesUpItsNameAtOnceAndItsNumberLast() {
    var table = NameTable<String, String>(numbers: 1..<10)
    for name in ["a", "b"] { if let number = table.reserve(name, { "\(name)\($0)" }) { table.settle(number) } }
    table.dismiss(1)
    #expect(table.find("a") == nil)
    #expect(!table.isTaken("a"))
    #expect(table.inOrder == ["b2"])
    // Who goes by numbers may still speak of it.
    #expect(table.record(at: 1) == "a1")
    // A second one of its name comes while it goes.
    #expect(table.reserve("a") { "a\($0)" } == 3)
    table.release(1)
    #expect(table.record(at: 1) == nil)
    #expect(table.isTaken("a"))
    table.settle(3)
    #expect(table.find("a") == "a3")
    #expect(table.reserve("c") { "c\($0)" } == 1)
  }

  @Test func whatCouldNotBeMadeLeavesNothing() {
    var table = NameTable<String, Int>(numbers: 5..<6)
    #expect(table.reserve("a") { $0 } == 5)
    #expect(table.reserve("b") { $0 } == nil)
    #expect(!table.isTaken("b"))
    table.release(5)
    #expect(!table.isTaken("a"))
    #expect(table.reserve("b") { $0 } == 5)
  }

  @Test func theListIsInOrderOfAdditionWhateverTheNumbers() {
    var table = NameTable<Int, Int>(numbers: 0..<100)
    func add(_ name: Int) { if let number = table.reserve(name, { _ in name }) { table.settle(number) } }
    func remove(_ name: Int, at number: Int) {
      table.dismiss(number)
      table.release(number)
    }
    for name in 0..<5 { add(name) }
    remove(1, at: 1)
    remove(3, at: 3)
    for name in [10, 11, 12] { add(name) }
    #expect(table.inOrder == [0, 2, 4, 10, 11, 12])
    #expect([1, 3, 5].map { table.record(at: $0) } == [10, 11, 12])
  }

  /// Against a plain list of what is free.
  @Test func theLowestNumberIsGivenFirst() {
    var random = SeededRandom(seed: 9)
    var numbers = FreeNumbers(3..<203)
    var free = Set(3..<203)
    var taken: [Int] = []
    for _ in 0..<20_000 {
      if !taken.isEmpty, Int.random(in: 0..<100, using: &random) < 49 {
        let number = taken.remove(at: Int.random(in: taken.indices, using: &random))
        numbers.put(number)
        free.insert(number)
      } else {
        let number = numbers.take()
        #expect(number == free.min())
        if let number {
          free.remove(number)
          taken.append(number)
        }
      }
    }
  }

  /// A name that counts how often it is compared.
  private struct CountedName: Hashable {
    nonisolated(unsafe) static var comparisons = 0
    let number: Int

    static func == (first: Self, second: Self) -> Bool {
      comparisons += 1
      return first.number == second.number
    }

    func hash(into hasher: inout Hasher) { hasher.combine(number) }
  }

  /// Comparisons of names while `count` things are added, found, and every second of them removed and added again.
  private static func comparisons(_ count: Int) -> Int {
    var table = NameTable<CountedName, Int>(numbers: 0..<count)
    CountedName.comparisons = 0
    for name in 0..<count {
      let name = CountedName(number: name)
      if !table.isTaken(name), let number = table.reserve(name, { $0 }) { table.settle(number) }
    }
    for name in 0..<count { _ = table.find(CountedName(number: name)) }
    for number in stride(from: 0, to: count, by: 2) {
      table.dismiss(number)
      table.release(number)
      if let again = table.reserve(CountedName(number: count + number), { $0 }) { table.settle(again) }
    }
    return CountedName.comparisons
  }

  /// A search over all would compare hundreds of times for each; a hash has a few collisions.
  @Test func noSearchGrowsWithWhatThereIs() {
    for count in [1000, 4000] { #expect(Self.comparisons(count) < 40 * count) }
  }
}

/// What a recorder's reader knows of ports that were.
@Suite struct RecordedPortsTests {
  private func port(_ name: String, _ index: Int, from: UInt64 = 0) -> RecordedPort {
    RecordedPort(
      name: name, switchName: "sw", kind: .tap, address: [2, 0, 0, 0, 0, 1], index: index, from: from, until: .max)
  }

  @Test func allAreListedInOrderOfAddition() {
    var ports = RecordedPorts()
    ports.note(port("a", 1))
    ports.note(port("b", 2))
    ports.noteGone(1, at: 5)
    ports.note(port("c", 1, from: 6))
    #expect(ports.all().map(\.name) == ["a", "b", "c"])
    #expect(ports.all().map(\.until) == [5, .max, .max])
    ports.noteGone(7, at: 8)
    #expect(ports.count == 3)
  }

  @Test func ofTooManyThoseThatWentFirstAreForgotten() {
    var ports = RecordedPorts()
    ports.note(port("stays", 0))
    for number in 1...2 * RecordedPorts.limit {
      ports.note(port("p\(number)", number))
      ports.noteGone(number, at: UInt64(number))
    }
    let all = ports.all()
    #expect(all.count <= RecordedPorts.limit)
    #expect(all.first?.name == "stays")
    #expect(all.last?.name == "p\(2 * RecordedPorts.limit)")
  }
}
