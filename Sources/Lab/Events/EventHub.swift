import FoundationEssentials
import Synchronization

/// What happens in the lab of a daemon: noted by whoever sees it, heard by everybody who listens.
///
/// The last `limit` events are kept, once for all. Each reader has a place of its own among them and takes them at its own
/// speed: who is more than `limit` behind loses the oldest and is told how many. Nobody who notes ever waits for a reader,
/// and no reader for another.
///
/// Numbers rise by one. The first is the time at which the hub was made, in microseconds since 1970: a daemon that follows
/// one that has died begins above all numbers that the dead one gave, so that no number means two things.
package final class EventHub: Sendable {
  /// Events that are kept.
  package static let limit = 10_000

  private struct State {
    var lab: String
    /// The newest ones; a quarter more than `limit` at most, so that forgetting moves an event a few times.
    var kept: [LabEvent] = []
    /// Number of the first in `kept`, or of the one that comes.
    var first: Int
    /// Time of the newest that is not kept any more.
    var lastForgotten = Date.distantPast
    var time = Date.distantPast
    var wakes: [Int: AsyncStream<Void>.Continuation] = [:]
    var lastReader = 0
    /// Events that readers were too slow for, of all readers together.
    var lostCount = 0
    var isFinished = false

    var end: Int { first + kept.count }
  }

  private let limit: Int
  /// The number that the first event has, or would have.
  private let base: Int
  private let clock: @Sendable () -> Date
  private let state: Mutex<State>

  /// - Parameters:
  ///   - lab: name that events have until `setLab`.
  ///   - limit: events that are kept, 1 or more.
  ///   - base: number of the first event.
  ///   - clock: what time it is, which may be set at any time, forward and back.
  package init(
    lab: String = "", limit: Int = EventHub.limit, base: Int = EventHub.newBase,
    clock: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.clock = clock
    self.limit = max(1, limit)
    self.base = base
    state = Mutex(State(lab: lab, first: base))
  }

  /// Microseconds since 1970: exact in JavaScript's numbers for two hundred years.
  package static var newBase: Int { Int(max(0, Date().timeIntervalSince1970) * 1e6) }

  /// The name that events have from now on.
  func setLab(_ name: String) { state.withLock { $0.lab = name } }

  /// Notes that something happened; from any thread, without waiting for anybody.
  ///
  /// Of texts and lists that are very long the beginning is kept.
  /// - Parameter subject: nil = the lab.
  package func note(_ type: LabEventType, subject: String? = nil, detail: [String: EventValue] = [:]) {
    let (subject, detail) = (subject.map(EventValue.bounded), detail.mapValues(\.bounded))
    state.withLock { state in
      guard !state.isFinished else { return }
      // A clock that is set back does not turn events round.
      state.time = max(state.time, clock())
      state.kept.append(
        LabEvent(
          id: state.end, time: state.time, type: type, lab: state.lab, subject: subject ?? state.lab, detail: detail))
      if state.kept.count >= limit + max(limit / 4, 1) {
        let surplus = state.kept.count - limit
        state.lastForgotten = state.kept[surplus - 1].time
        state.kept.removeFirst(surplus)
        state.first += surplus
      }
      for wake in state.wakes.values { wake.yield() }
    }
  }

  // MARK: - Reading

  /// Where a reader begins.
  package enum Start: Sendable, Equatable {
    /// With what comes from now on.
    case now
    /// With the first that is kept and not before that time.
    case since(Date)
    /// Behind the event of that number, of this hub or one before it.
    case after(Int)
  }

  /// A place among the events, for one reader.
  /// - Parameters:
  ///   - isFollowing: it goes on with what comes; otherwise it ends with what is there now.
  ///   - patience: time after which a reader to whom nothing has happened is told so; nil = never.
  package func subscribe(
    _ start: Start, _ filter: EventFilter = .all, isFollowing: Bool = true, patience: Duration? = nil
  ) -> EventSubscription {
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    return state.withLock { state in
      state.lastReader += 1
      let number = state.lastReader
      if state.isFinished { wake.finish() } else { state.wakes[number] = wake }
      let place = place(of: start, state)
      return EventSubscription(
        self, number, wakes, wake, place, filter, end: isFollowing ? nil : state.end, patience: patience)
    }
  }

  /// The number that a reader begins with, and what it has lost before.
  private func place(of start: Start, _ state: State) -> EventSubscription.Place {
    let oldest = oldest(state)
    switch start {
    case .now: return EventSubscription.Place(next: state.end)
    case .since(let time):
      let behind = state.kept[(oldest - state.first)...].firstIndex { $0.time >= time }
      let hidden = state.kept[..<(oldest - state.first)].count { $0.time >= time }
      // Of these nobody knows when the others were: all of them, at most.
      let forgotten = state.lastForgotten >= time ? state.first - base : 0
      return EventSubscription.Place(
        next: behind.map { state.first + $0 } ?? state.end, lost: forgotten + hidden)
    case .after(let id):
      // Of another daemon: nobody knows how many came behind it there.
      guard id >= base - 1, id < state.end else {
        return EventSubscription.Place(next: oldest, lost: oldest - base, isOfOther: true)
      }
      return EventSubscription.Place(next: id + 1)
    }
  }

  private func oldest(_ state: State) -> Int { max(state.first, state.end - limit) }

  /// What a reader takes at a time.
  enum Batch {
    /// So many from its place on were forgotten before they were taken; and then these.
    case events(lost: Int, [LabEvent])
    case nothingYet
    case end
  }

  /// At most `count` events from `next` on; moves it behind them.
  func take(_ count: Int, from next: inout Int) -> Batch {
    state.withLock { state in
      let lost = max(0, oldest(state) - next)
      next += lost
      state.lostCount += lost
      guard next < state.end else { return state.isFinished ? .end : .nothingYet }
      let events = Array(state.kept[(next - state.first)...].prefix(count))
      next += events.count
      return .events(lost: lost, events)
    }
  }

  /// A record of what a reader has lost, before the event of number `next`.
  func lostRecord(_ place: EventSubscription.Place) -> LabEvent {
    state.withLock { state in
      var detail: [String: EventValue] = ["count": .integer(place.lost)]
      if place.isOfOther { detail["restart"] = true }
      // Between the events around it: who goes on behind its number misses nothing, and loses nothing twice.
      let index = place.next - state.first
      let time = state.kept.indices.contains(index) ? state.kept[index].time : max(state.time, clock())
      return LabEvent(
        id: place.next - 1, time: time, type: .lost, lab: state.lab, subject: state.lab, detail: detail)
    }
  }

  /// Events that there were, those that readers were too slow for, and how many read now.
  package var counts: (noted: Int, lost: Int, readers: Int) {
    state.withLock { ($0.end - base, $0.lostCount, $0.wakes.count) }
  }

  // MARK: - The end

  /// Nothing more will be noted; readers end once they have heard what is kept.
  package func finish() {
    let wakes = state.withLock { state in
      state.isFinished = true
      return state.wakes.values.map { $0 }
    }
    // Not under the lock: a stream that ends may call back.
    for wake in wakes { wake.finish() }
  }

  /// Returns when all readers have ended, or after `seconds`: one that does not read is not waited for.
  package func waitForReaders(seconds: Double) async {
    let end = ContinuousClock.now + .seconds(seconds)
    while state.withLock({ !$0.wakes.isEmpty }), ContinuousClock.now < end {
      guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
    }
  }

  /// For tests: how many read.
  var readerCount: Int { state.withLock { $0.wakes.count } }

  fileprivate func leave(_ number: Int) { _ = state.withLock { $0.wakes.removeValue(forKey: number) } }
}

/// One reader's place among the events of a hub, and the few of them that it has taken out.
///
/// For one task at a time.
package final class EventSubscription: Sendable {
  /// Events that are taken from the hub at a time.
  private static let batchSize = 64

  /// What a reader hears.
  package enum Heard: Sendable, Equatable {
    case event(LabEvent)
    /// Nothing has happened for as long as it wanted to wait.
    case nothing
  }

  struct Place: Sendable {
    /// Number of the event that comes next.
    var next: Int
    /// Those before it that were lost and are not told yet.
    var lost = 0
    /// The reader was at an event of another hub.
    var isOfOther = false
  }

  private struct State {
    var place: Place
    /// Taken from the hub, the next one last.
    var taken: [LabEvent] = []
    var lastHeard = ContinuousClock.now
  }

  private let hub: EventHub
  private let number: Int
  private let wakes: AsyncStream<Void>
  private let filter: EventFilter
  /// Number of the first event that it does not hear; nil = it goes on.
  private let end: Int?
  private let patience: Duration?
  private let ticker: Task<Void, Never>?
  private let state: Mutex<State>

  fileprivate init(
    _ hub: EventHub, _ number: Int, _ wakes: AsyncStream<Void>, _ wake: AsyncStream<Void>.Continuation, _ place: Place,
    _ filter: EventFilter, end: Int?, patience: Duration?
  ) {
    (self.hub, self.number, self.wakes, self.filter, self.end) = (hub, number, wakes, filter, end)
    self.patience = patience
    state = Mutex(State(place: place))
    ticker = patience.map { pause in
      Task { while (try? await Task.sleep(for: pause)) != nil { wake.yield() } }
    }
  }

  deinit {
    ticker?.cancel()
    hub.leave(number)
  }

  /// The next event that the filter lets through, or a record of those that were lost before it.
  /// - Returns: nil when there will be no more, or the task is cancelled.
  package func next() async -> Heard? {
    var isLastLook = false
    while true {
      switch look() {
      case .heard(let event):
        state.withLock { $0.lastHeard = .now }
        return .event(event)
      case .end: return nil
      case .nothingYet:
        if isLastLook { return nil }
        if isPatienceOver() { return .nothing }
        var wakes = wakes.makeAsyncIterator()
        isLastLook = await wakes.next() == nil
      }
    }
  }

  private func isPatienceOver() -> Bool {
    guard let patience else { return false }
    return state.withLock { state in
      // The ticker's pauses are not exact.
      guard ContinuousClock.now - state.lastHeard >= patience * 0.9 else { return false }
      state.lastHeard = .now
      return true
    }
  }

  private enum Look {
    case heard(LabEvent)
    case nothingYet
    case end
  }

  private func look() -> Look {
    state.withLock { state in
      while true {
        if state.place.lost > 0 || state.place.isOfOther {
          let record = hub.lostRecord(state.place)
          (state.place.lost, state.place.isOfOther) = (0, false)
          return .heard(record)
        }
        if let event = state.taken.popLast() {
          if let end, event.id >= end { return .end }
          guard filter.passes(event.type) else { continue }
          return .heard(event)
        }
        if let end, state.place.next >= end { return .end }
        switch hub.take(Self.batchSize, from: &state.place.next) {
        case .events(let lost, let events):
          state.taken = events.reversed()
          guard lost > 0 else { continue }
          // Told before them.
          return .heard(hub.lostRecord(Place(next: state.place.next - events.count, lost: lost)))
        case .nothingYet: return .nothingYet
        case .end: return .end
        }
      }
    }
  }
}
