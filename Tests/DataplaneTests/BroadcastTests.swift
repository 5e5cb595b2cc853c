import Testing

@testable import Dataplane

/// One source, many listeners.
@Suite struct BroadcastTests {
  /// All that a listener hears to the end: numbers, and how many it lost in between.
  private func heard(_ subscription: Broadcast<Int>.Subscription) async -> [String] {
    var all: [String] = []
    for await heard in subscription {
      switch heard {
      case .element(let number): all.append("\(number)")
      case .lost(let count): all.append("lost \(count)")
      }
    }
    return all
  }

  @Test func everyListenerHearsAll() async {
    let source = Broadcast<Int>(limit: 8)
    let (first, second) = (source.subscribe(), source.subscribe())
    for number in 1...3 { source.send(number) }
    let late = source.subscribe()
    source.send(4)
    source.finish()
    source.send(5)
    #expect(await heard(first) == ["1", "2", "3", "4"])
    #expect(await heard(second) == ["1", "2", "3", "4"])
    #expect(await heard(late) == ["4"])
    #expect(await heard(source.subscribe()) == [])
    #expect(await heard(source.subscribe(fromStart: true)) == ["1", "2", "3", "4"])
  }

  @Test func whoIsSlowLosesTheOldestAndIsTold() async {
    let source = Broadcast<Int>(limit: 4)
    let slow = source.subscribe()
    var quick = source.subscribe().makeAsyncIterator()
    for number in 1...10 {
      source.send(number)
      guard case .element(number)? = await quick.next() else {
        Issue.record("the quick one did not hear \(number)")
        return
      }
    }
    var iterator = slow.makeAsyncIterator()
    guard case .lost(6)? = await iterator.next(), case .element(7)? = await iterator.next() else {
      Issue.record("the slow one was not told that it lost 6")
      return
    }
    for number in 11...12 { source.send(number) }
    source.finish()
    var rest: [String] = []
    while let heard = await iterator.next() { rest.append("\(heard)") }
    #expect(rest == ["lost(1)", "element(9)", "element(10)", "element(11)", "element(12)"])
    #expect(await heard(source.subscribe(fromStart: true)) == ["9", "10", "11", "12"])
  }

  @Test func aListenerWaitsAndCanBeCancelled() async {
    let source = Broadcast<Int>(limit: 4)
    let subscription = source.subscribe()
    let (began, begin) = AsyncStream.makeStream(of: Void.self)
    let listener = Task { () -> Int in
      var count = 0
      for await _ in subscription {
        count += 1
        begin.yield()
      }
      return count
    }
    source.send(1)
    for await _ in began { break }
    listener.cancel()
    #expect(await listener.value == 1)
    // Who has gone holds nothing up.
    for number in 0..<100 { source.send(number) }
  }

  /// Each of many listeners has every number once, or is told that it lost it, whoever sends.
  @Test func nothingIsLostUntoldBetweenThreads() async {
    let (source, senders, each) = (Broadcast<Int>(limit: 64), 4, 2000)
    let counts = await withTaskGroup(of: Int.self, returning: [Int].self) { group in
      for _ in 0..<4 {
        let subscription = source.subscribe()
        group.addTask {
          var count = 0
          for await heard in subscription {
            switch heard {
            case .element: count += 1
            case .lost(let lost): count += lost
            }
          }
          return count
        }
      }
      await withTaskGroup(of: Void.self) { sending in
        for _ in 0..<senders { sending.addTask { for number in 0..<each { source.send(number) } } }
      }
      source.finish()
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(counts == Array(repeating: senders * each, count: 4))
  }
}
