import Control
import Lab
import Synchronization

/// A person, or a script, at a node's console.
struct ConsoleVisit: Sendable {
  /// Time that the daemon may be away for.
  private static let patience = Duration.seconds(30)
  /// Time within which the daemon says that it has let go of the console.
  private static let farewell = Duration.seconds(2)

  let node: String
  let client: ControlClient
  /// The terminal; nil: standard input is none, and passed on to its end.
  let typed: TerminalInput?

  /// Stays until the client leaves, the machine ends or another client takes over; also while the daemon is away and
  /// comes back, if there is a terminal.
  /// - Returns: why it ended.
  /// - Throws: `UserError`: no such node, in use, or the daemon stays away.
  func stay(stealing: Bool) async throws -> ConsoleEnd {
    var (steals, goneSince) = (stealing, ContinuousClock.Instant?.none)
    while true {
      let (end, wasThere, failure) = try await visit(stealing: steals)
      if let end { return say(end) }
      guard let failure else { return say(.left) }
      if wasThere { (steals, goneSince) = (false, nil) }
      // Its machine may go on without it.
      guard typed != nil, failure.code == .unreachable, wasThere || goneSince != nil else { throw failure }
      if goneSince == nil {
        say("the daemon is gone; waiting for another one for \(Self.patience.components.seconds) s")
      }
      let since = goneSince ?? .now
      goneSince = since
      guard .now - since < Self.patience else { throw failure }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  /// One connection.
  private func visit(
    stealing: Bool
  ) async throws -> (end: ConsoleEnd?, wasThere: Bool, failure: UserError?) {
    let presence = Presence()
    do {
      let end = try await withThrowingTaskGroup(of: ConsoleEnd?.self) { group in
        group.addTask { try await exchange(stealing, presence) }
        if let typed {
          group.addTask {
            await typed.waitForEnd()
            try await Task.sleep(for: Self.farewell)
            return .left
          }
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
      }
      return (end, presence.wasThere, nil)
    } catch let error as UserError {
      return (nil, presence.wasThere, error)
    }
  }

  /// Passes bytes both ways.
  private func exchange(_ stealing: Bool, _ presence: Presence) async throws -> ConsoleEnd? {
    var end: ConsoleEnd?
    let upload = Upload.lines(first: nil) { [typed] in
      if let typed { return try await typed.next().map { try JSON.bytes($0) } }
      return try await StandardInput.next().map { try JSON.bytes(InputLine.input($0)) }
    }
    try await client.stream(API.console, of: node, query: ConsoleQuery(steal: stealing), upload) { line in
      switch line {
      case .event(.begun):
        presence.note()
        if typed != nil { say("console of \(node); Ctrl-] leaves") }
      case .event(.output(let bytes)): await Output.written(bytes)
      case .event(.lost(let count)): say("[\(count) bytes of the console were not read in time and are lost]")
      case .event(.ended(let reason)): end = reason
      }
    }
    return end
  }

  private func say(_ end: ConsoleEnd) -> ConsoleEnd {
    switch end {
    case .closed: say("console of \(node): the machine has ended")
    case .left: if typed != nil { say("") }
    case .taken: break
    }
    return end
  }

  /// A line for the person; where the terminal is raw it begins and ends with both characters.
  private func say(_ text: String) {
    let (start, end) = typed == nil ? ("", "\n") : ("\r\n", text.isEmpty ? "" : "\r\n")
    Output.bytes(Array((start + text + end).utf8), toError: true)
  }
}

/// Whether a client has had the console.
private final class Presence: Sendable {
  private let state = Mutex(false)
  var wasThere: Bool { state.withLock { $0 } }
  func note() { state.withLock { $0 = true } }
}
