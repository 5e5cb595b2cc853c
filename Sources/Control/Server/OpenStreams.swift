import NIOCore
import Synchronization

/// Answers and WebSockets that go on until somebody ends them: whoever else they end with is written down here.
final class OpenStreams: Sendable {
  /// Why one ends that could go on.
  enum Reason: Sendable {
    case daemonEnds
    /// The session, or the token, by which it was opened counts no more.
    case accessEnds
  }

  private struct Entry {
    var channel: ObjectIdentifier
    /// Nil = it came on the control socket, or needs none.
    var credential: Credential?
    var end: @Sendable (Reason) -> Void
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    var last = 0
    var isEnding = false
  }

  private let state = Mutex(State())

  /// Connections that one is on.
  var channels: Set<ObjectIdentifier> { state.withLock { Set($0.entries.values.map(\.channel)) } }

  fileprivate func add(
    _ channel: any Channel, _ credential: Credential?, _ end: @escaping @Sendable (Reason) -> Void
  ) -> OpenStream {
    let (number, isEnding) = state.withLock { state in
      state.last += 1
      state.entries[state.last] = Entry(channel: ObjectIdentifier(channel), credential: credential, end: end)
      return (state.last, state.isEnding)
    }
    // Whoever ended since the request was let in has not found it.
    if isEnding { end(.daemonEnds) }
    if let credential, !credential.counts { end(.accessEnds) }
    return OpenStream(self, number)
  }

  fileprivate func remove(_ number: Int) { _ = state.withLock { $0.entries.removeValue(forKey: number) } }

  /// The daemon ends: all of them, and those that are opened from now on.
  func endAll() {
    let entries = state.withLock { state in
      state.isEnding = true
      return Array(state.entries.values)
    }
    for entry in entries { entry.end(.daemonEnds) }
  }

  /// Returns when none is left, so that the last word of each is written, or some time has passed.
  func waitForEnd(within limit: Duration) async {
    let end = ContinuousClock.now + limit
    while state.withLock({ !$0.entries.isEmpty }), ContinuousClock.now < end {
      guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return }
    }
  }

  /// Ends those whose credential counts no more.
  func endStrangers() {
    for entry in state.withLock({ Array($0.entries.values) }) {
      if let credential = entry.credential, !credential.counts { entry.end(.accessEnds) }
    }
  }
}

/// One of them, for as long as somebody holds it.
final class OpenStream: Sendable {
  private let streams: OpenStreams
  private let number: Int

  fileprivate init(_ streams: OpenStreams, _ number: Int) { (self.streams, self.number) = (streams, number) }

  deinit { streams.remove(number) }
}

/// Who opens one: a request's connection, and what let the request in.
struct StreamOpener: Sendable {
  let streams: OpenStreams
  /// Closed when the client goes away.
  let channel: any Channel
  let credential: Credential?

  /// - Parameter end: ends it; called once or more, from any thread. It must not hold what it ends.
  /// - Returns: to be held until it has ended.
  func open(_ end: @escaping @Sendable (OpenStreams.Reason) -> Void) -> OpenStream {
    streams.add(channel, credential, end)
  }
}

/// By what a request over TCP was let in.
struct Credential: Sendable {
  enum Kind: Sendable {
    case token(String)
    case session(String)
  }

  let access: HTTPAccess
  let kind: Kind

  /// It would be let in now.
  var counts: Bool { access.counts(kind) }
}
