/// How much text a terminal shows.
package struct TerminalSize: Sendable, Equatable {
  package var rows: UInt16
  package var columns: UInt16

  package init(rows: UInt16, columns: UInt16) {
    self.rows = rows
    self.columns = columns
  }
}

/// A command to be run in a node, and how.
package struct CommandRequest: Sendable, Equatable {
  /// Program and arguments.
  package var command: [String]
  /// Folder to run in, and variables, for nodes that share this host's files; nil: the daemon's.
  ///
  /// Of the variables, other nodes take `TERM` for a command with a terminal.
  package var directory: String?
  package var environment: [String: String]?
  /// Permission bits that are withheld from the files it makes (umask(2)); nil: 022.
  package var fileMask: UInt32?
  /// Something will be written to its standard input; else that is empty.
  package var takesInput = false
  /// Its standard streams are a terminal of this size.
  package var terminal: TerminalSize?

  package init(_ command: [String]) { self.command = command }

  /// The kind of terminal that the caller has, for a command that gets one.
  var terminalKind: String { environment?["TERM"].flatMap { $0.isEmpty ? nil : $0 } ?? "linux" }
}

/// What goes into a command while it runs.
package protocol CommandInput: Sendable {
  /// Writes to its standard input, as fast as it reads; one caller at a time.
  /// - Returns: false when it takes nothing more.
  func write(_ bytes: [UInt8]) async -> Bool
  /// Nothing more will be written: the command reads to the end.
  func end() async
  /// Tells its terminal a new size.
  func resize(to size: TerminalSize)
}

/// A command that runs in a node.
package struct StartedCommand: Sendable {
  package typealias Events = AsyncThrowingStream<ExecuteEvent, any Error>

  /// Its output as it comes, then its exit status.
  ///
  /// What is not asked for holds the command up. Who drops the stream, or is cancelled while it waits, ends the command.
  package var events: Events
  package var input: any CommandInput

  package init(events: Events, input: any CommandInput = NoInput()) {
    (self.events, self.input) = (events, input)
  }
}

/// The input of a command that reads none.
package struct NoInput: CommandInput {
  package init() {}
  package func write(_ bytes: [UInt8]) async -> Bool { false }
  package func end() async {}
  package func resize(to size: TerminalSize) {}
}

extension AsyncThrowingStream where Element == ExecuteEvent, Failure == any Error {
  /// A stream that asks for each event, and so never runs ahead of its reader.
  /// - Parameters:
  ///   - next: waits for the next event; nil = the end. Cancelled, it ends what it is about.
  ///   - onDrop: called when the stream has gone, read to its end or not.
  static func asking(
    _ next: @escaping @Sendable () async throws -> ExecuteEvent?, onDrop: @escaping @Sendable () -> Void
  ) -> Self {
    let guardian = DropGuard(onDrop)
    return Self(unfolding: {
      defer { withExtendedLifetime(guardian) {} }
      return try await next()
    })
  }
}

/// Notices that whatever holds it has gone.
private final class DropGuard: Sendable {
  private let onDrop: @Sendable () -> Void
  init(_ onDrop: @escaping @Sendable () -> Void) { self.onDrop = onDrop }
  deinit { onDrop() }
}
