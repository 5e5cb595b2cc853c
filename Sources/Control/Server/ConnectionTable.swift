import NIOCore
import Synchronization

/// The connections over TCP: how many there are, and which of them can give way to another one.
final class ConnectionTable: Sendable {
  /// What a connection is about.
  enum Business: Sendable {
    /// It has no request that is not answered.
    case idle
    /// It has one of which not all has come, and of which no answer is on its way.
    case asking
    case answering
  }

  private struct Entry {
    var channel: any Channel
    var business: Business
    /// Counts changes, over all connections: the lower, the longer ago.
    var since: Int
  }

  private struct State {
    var entries: [ObjectIdentifier: Entry] = [:]
    var changes = 0
    var isEnding = false
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  var count: Int { state.withLock(\.entries.count) }
  var isAsked: Bool { state.withLock { $0.entries.values.contains { $0.business != .idle } } }
  /// Nothing new is begun.
  var isEnding: Bool { state.withLock(\.isEnding) }

  /// Takes a connection in; the one that has been idle for longest gives way to it, or one that is still asking.
  /// - Returns: false when all the others are being answered.
  func add(_ channel: any Channel) -> Bool {
    let (isTaken, victim) = state.withLock { state -> (Bool, (any Channel)?) in
      guard !state.isEnding else { return (false, nil) }
      var victim: (any Channel)?
      if state.entries.count >= limit {
        guard let (key, entry) = Self.leastUrgent(state.entries) else { return (false, nil) }
        victim = entry.channel
        state.entries[key] = nil
      }
      state.changes += 1
      state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, business: .idle, since: state.changes)
      return (true, victim)
    }
    victim?.close(promise: nil)
    return isTaken
  }

  private static func leastUrgent(_ entries: [ObjectIdentifier: Entry]) -> (ObjectIdentifier, Entry)? {
    func oldest(_ business: Business) -> (ObjectIdentifier, Entry)? {
      entries.filter { $0.value.business == business }.min { $0.value.since < $1.value.since }.map {
        ($0.key, $0.value)
      }
    }
    return oldest(.idle) ?? oldest(.asking)
  }

  func note(_ business: Business, of channel: any Channel) {
    state.withLock { state in
      state.changes += 1
      state.entries[ObjectIdentifier(channel)]?.business = business
      state.entries[ObjectIdentifier(channel)]?.since = state.changes
    }
  }

  func remove(_ channel: any Channel) {
    state.withLock { $0.entries[ObjectIdentifier(channel)] = nil }
  }

  func closeAll() {
    for entry in state.withLock(\.entries.values) { entry.channel.close(promise: nil) }
  }

  /// Closes what is idle; from now on nothing new is begun.
  /// - Parameter others: connections that are not waited for.
  /// - Returns: when what is being answered has been, or some time has passed.
  func drain(within limit: Duration, but others: Set<ObjectIdentifier> = []) async {
    let entries = state.withLock { state in
      state.isEnding = true
      return Array(state.entries.values)
    }
    for entry in entries {
      if entry.business == .idle {
        entry.channel.close(promise: nil)
      } else {
        // They would go on for ever.
        entry.channel.pipeline.fireUserInboundEventTriggered(WebSocketEndpoint.ServerEnds())
      }
    }
    let end = ContinuousClock.now + limit
    while state.withLock({ !others.isSuperset(of: $0.entries.keys) }), ContinuousClock.now < end {
      guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { return }
    }
  }
}
