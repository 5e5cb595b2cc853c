import FoundationEssentials
import Testing

@testable import Dataplane
@testable import Lab

/// Events of a lab: numbered, kept, and heard by several readers, none of which holds up another.
@Suite struct EventHubTests {
  /// What is heard of events that are there, as `id type subject`.
  private func words(
    _ hub: EventHub, _ start: EventHub.Start, _ filter: EventFilter = .all
  ) async -> [String] {
    let events = hub.subscribe(start, filter, isFollowing: false)
    var words: [String] = []
    while case .event(let event)? = await events.next() { words.append(Self.word(event)) }
    return words
  }

  private static func word(_ event: LabEvent) -> String {
    guard event.type == .lost else { return "\(event.id) \(event.type.rawValue) \(event.subject)" }
    let restart = event.detail["restart"] == true ? " restart" : ""
    guard case .integer(let count)? = event.detail["count"] else { return "lost without a count" }
    return "\(event.id) lost \(count)\(restart)"
  }

  private func noted(_ count: Int, limit: Int = 10_000, base: Int = 100) -> EventHub {
    let hub = EventHub(lab: "two", limit: limit, base: base)
    for number in 0..<count { hub.note(.nodeReady, subject: "n\(number)") }
    return hub
  }

  @Test func eventsAreNumberedInOrderAndBearTheLabsName() async {
    let hub = noted(2)
    hub.note(.labUp)
    #expect(await words(hub, .after(99)) == ["100 node.ready n0", "101 node.ready n1", "102 lab.up two"])
    #expect(await words(hub, .after(101)) == ["102 lab.up two"])
    #expect(await words(hub, .after(102)) == [])
    #expect(await words(hub, .now) == [])
  }

  @Test func theLastOnesAreKeptAndTheRestIsToldOf() async {
    let hub = noted(1000, limit: 10)
    let kept = (1090..<1100).map { "\($0) node.ready n\($0 - 100)" }
    #expect(await words(hub, .after(150)) == ["1089 lost 939"] + kept)
    #expect(await words(hub, .after(1088)) == ["1089 lost 1"] + kept)
    // Who goes on behind a record of what was lost loses nothing twice.
    #expect(await words(hub, .after(1089)) == kept)
    #expect(await words(hub, .since(.distantPast)) == ["1089 lost 990"] + kept)
  }

  @Test func anIdOfAnotherDaemonGetsAllThatIsKeptAndIsToldSo() async {
    let hub = noted(3)
    let all = (0..<3).map { "\(100 + $0) node.ready n\($0)" }
    // Before, and above: a clock that was set back.
    for id in [0, 42, 98, 103, 5000, Int.max] {
      #expect(await words(hub, .after(id)) == ["99 lost 0 restart"] + all, "\(id)")
    }
    #expect(await words(hub, .after(99)) == all)
  }

  @Test func aLaterHubBeginsAboveAllNumbersOfAnEarlierOne() {
    let (first, second) = (EventHub.newBase, EventHub.newBase)
    #expect(second >= first)
    #expect(first > 1_700_000_000_000_000)
    // Numbers of JavaScript are exact below this.
    #expect(first < 1 << 53)
  }

  @Test func timeBeginsWhereItIsAskedTo() async throws {
    let hub = noted(2)
    try await Task.sleep(for: .milliseconds(5))
    let time = Date()
    hub.note(.labUp)
    #expect(await words(hub, .since(time)) == ["102 lab.up two"])
    #expect(await words(hub, .since(time - 3600)).count == 3)
    #expect(await words(hub, .since(time + 3600)) == [])
  }

  /// What is not kept any more was not lost to who does not ask for it.
  @Test func onlyWhatIsAskedForIsLost() async throws {
    let hub = noted(12, limit: 10)
    try await Task.sleep(for: .milliseconds(5))
    let time = Date()
    for _ in 0..<10 { hub.note(.labUp) }
    let all = (112..<125).map { "\($0) lab.up two" }
    #expect(await words(hub, .since(time)) == Array(all[..<10]))
    // Kept for a moment longer, and then not even that: it may have been any of those before.
    hub.note(.labUp)
    #expect(await words(hub, .since(time)) == ["112 lost 1"] + Array(all[1..<11]))
    hub.note(.labUp)
    #expect(await words(hub, .since(time)) == ["113 lost 14"] + Array(all[2..<12]))
  }

  @Test func whatIsVeryLongIsKeptInPart() async {
    let hub = noted(0)
    let long = String(repeating: "é", count: 600)
    hub.note(.testResult, subject: long, detail: ["detail": .text(long), "passed": true])
    let items = (0..<100).map { EventValue.integer($0) }
    hub.note(.captureStarted, detail: ["targets": .list(items), "file": "short"])
    let events = hub.subscribe(.after(99), isFollowing: false)
    let cut = String(repeating: "é", count: 256) + "…"
    guard case .event(let test)? = await events.next(), case .event(let capture)? = await events.next() else {
      Issue.record("two events are missing")
      return
    }
    #expect(test.subject == cut && test.detail == ["detail": .text(cut), "passed": true])
    #expect(capture.detail == ["targets": .list(Array(items[..<64])), "file": "short"])
  }

  @Test func timesNeverGoBack() async throws {
    let hub = noted(500)
    let events = hub.subscribe(.after(99), isFollowing: false)
    var last = Date.distantPast
    while case .event(let event)? = await events.next() {
      #expect(event.time >= last)
      last = event.time
    }
  }

  @Test func typesAreNamedWholeOrByTheirFirstPart() async throws {
    let hub = EventHub(lab: "two", base: 1)
    for type in LabEventType.allCases { hub.note(type, detail: ["count": 1]) }
    let nodes = [
      "node.started", "node.ready", "node.stopped", "node.failed", "node.migrating", "node.migrated",
      "node.not-migrated",
    ]
    let heard = await words(hub, .after(0), try EventFilter(["node", "fdb.full"]))
    #expect(heard.map { String($0.split(separator: " ")[1]) } == nodes + ["fdb.full", "lost"])
    for word in ["", "nod", "node.", "node.r", "Node", "lab.up.x", "*"] {
      #expect(throws: UserError.self, "\(word)") { try EventFilter([word]) }
    }
  }

  @Test func readersHearTheSameEachAtItsOwnSpeed() async {
    let hub = EventHub(lab: "two", limit: 100, base: 0)
    let subscriptions = (0..<8).map { _ in hub.subscribe(.now) }
    #expect(hub.readerCount == 8)
    let heard = await withTaskGroup(of: [String].self) { group in
      for (number, events) in subscriptions.enumerated() {
        group.addTask {
          var words: [String] = []
          while case .event(let event)? = await events.next() {
            words.append(Self.word(event))
            if number % 2 == 1 { await Task.yield() }
          }
          return words
        }
      }
      for number in 0..<90 { hub.note(.portUp, subject: "p\(number)") }
      hub.finish()
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(heard == Array(repeating: (0..<90).map { "\($0) port.up p\($0)" }, count: 8))
  }

  /// One that never reads costs nothing but what is kept anyway, and hears what it missed.
  @Test func aReaderThatDoesNotReadHoldsNobody() async {
    let hub = EventHub(lab: "two", limit: 100, base: 0)
    let (idle, quick) = (hub.subscribe(.now), hub.subscribe(.now))
    var count = 0
    for number in 0..<100_000 {
      hub.note(.portUp, subject: "p\(number)")
      guard case .event(let event)? = await quick.next(), event.id == number else { break }
      count += 1
    }
    #expect(count == 100_000)
    hub.finish()
    var sum = 0
    while case .event(let event)? = await idle.next() {
      if event.type == .lost, case .integer(let lost)? = event.detail["count"] { sum += lost } else { sum += 1 }
    }
    #expect(sum == 100_000)
  }

  /// However a reader and those who note meet: what it hears and what it is told it lost are all that there was.
  @Test func nothingIsLostWithoutARecord() async {
    let hub = EventHub(lab: "two", limit: 50, base: 0)
    let subscriptions = (0..<3).map { _ in hub.subscribe(.now) }
    let sums = await withTaskGroup(of: Int.self) { group in
      for (number, events) in subscriptions.enumerated() {
        group.addTask {
          var (sum, last) = (0, -1)
          while case .event(let event)? = await events.next() {
            if event.type == .lost, case .integer(let lost)? = event.detail["count"] {
              sum += lost
              if event.id != last + lost { return -1 }
            } else {
              sum += 1
              if event.id != last + 1 { return -2 }
            }
            last = event.id
            if number > 0, event.id % 100 == 0 { try? await Task.sleep(for: .milliseconds(number)) }
          }
          return sum
        }
      }
      let writers = (0..<4).map { writer in
        Task.detached {
          for number in 0..<5000 {
            hub.note(.portUp, subject: "w\(writer)")
            if number % 500 == 0 { await Task.yield() }
          }
        }
      }
      for writer in writers { await writer.value }
      hub.finish()
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(sums == [20_000, 20_000, 20_000])
  }

  @Test func aReaderOfRareTypesIsNotBehind() async throws {
    let hub = EventHub(lab: "two", limit: 10_000, base: 0)
    let events = hub.subscribe(.now, try EventFilter(["lab"]))
    let task = Task { await events.next() }
    for number in 0..<9000 { hub.note(.portUp, subject: "p\(number)") }
    hub.note(.labDown)
    guard case .event(let event)? = await task.value else {
      Issue.record("nothing was heard")
      return
    }
    #expect(Self.word(event) == "9000 lab.down two")
  }

  @Test func silenceIsToldToWhoWantsToKnow() async {
    let hub = noted(0)
    let events = hub.subscribe(.now, patience: .milliseconds(20))
    #expect(await events.next() == .nothing)
    hub.note(.labUp)
    guard case .event? = await events.next() else {
      Issue.record("the event after the silence is missing")
      return
    }
    #expect(await events.next() == .nothing)
  }

  @Test func aReaderEndsWithItsTaskAndWithTheHub() async {
    let hub = noted(1)
    let events = hub.subscribe(.now)
    let task = Task { await events.next() }
    task.cancel()
    #expect(await task.value == nil)
    let other = hub.subscribe(.after(99))
    hub.finish()
    hub.note(.labDown)
    guard case .event? = await other.next() else {
      Issue.record("what is kept is heard behind the end")
      return
    }
    #expect(await other.next() == nil)
  }

  @Test func whoHasGoneIsNotWaitedFor() async {
    let hub = noted(1)
    var events: EventSubscription? = hub.subscribe(.now)
    #expect(hub.readerCount == 1)
    _ = events
    events = nil
    #expect(hub.readerCount == 0)
    let other = hub.subscribe(.now)
    hub.finish()
    await hub.waitForReaders(seconds: 0.02)
    #expect(hub.readerCount == 1)
    withExtendedLifetime(other) {}
  }
}
