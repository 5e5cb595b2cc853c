import FoundationEssentials
import Hummingbird
import Lab
import NIOCore
import NIOWebSocket

extension API {
  package static let consolePath = Route<ConsoleQuery, NoBody, Single<PathRow>>(
    .get, "/v1/nodes/{node}/console", "Uses a node's serial console over a WebSocket; else tells where its socket is.",
    errors: [.notFound, .unreachable]
  ).over(
    SocketWire(
      client: SocketRequest.shape, server: SocketNotice.shape,
      text: "Binary messages: what is typed, and what the console prints. One client at a time. The last text says "
        + "why it ended; then the connection is closed, with 1000, or 1011 after an error."))
  package static let execSocket = Route<ExecQuery, NoBody, Nothing>(
    .get, "/v1/nodes/{node}/exec", "Runs a command in a node over a WebSocket; it ends when the connection does.",
    errors: [.unreachable]
  ).over(
    SocketWire(
      client: SocketRequest.shape, server: SocketNotice.shape,
      text: "Binary messages: standard input, and what the command writes to standard output and standard error. The "
        + "last text tells its exit status; then the connection is closed, with 1000, or 1011 after an error."))
}

/// A command that is run over a WebSocket.
package struct ExecQuery: RouteQuery {
  /// Program and arguments; at least the program.
  package var command: [String] = []
  /// It gets a terminal.
  package var tty: Bool?
  /// Nil: false is an empty standard input.
  package var input: Bool?
  package var columns: UInt16?
  package var rows: UInt16?

  package init() {}

  package static let shape = Shape.object(
    "ExecQuery", "A command.",
    [
      Field(repeated: "command", .text, "Program and arguments, the key once for each."),
      Field(optional: "tty", .boolean, "It gets a terminal, of kind xterm-256color."),
      Field(optional: "input", .boolean, "Its standard input comes over the WebSocket; true if it is left out."),
      Field(optional: "columns", .integer(1...65535), "Of the terminal: characters of a line; 80 if it is left out."),
      Field(optional: "rows", .integer(1...65535), "Of the terminal: lines; 24 if it is left out."),
    ])

  /// Variables that a command gets from the daemon's own.
  private static let inherited = ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TZ", "USER"]

  /// What the lab is asked for.
  var commandRequest: CommandRequest {
    var request = CommandRequest(command)
    let own = ProcessInfo.processInfo.environment
    // Not all of them: the daemon's may hold secrets.
    var variables = Dictionary(uniqueKeysWithValues: Self.inherited.compactMap { name in own[name].map { (name, $0) } })
    variables["TERM"] = tty == true ? "xterm-256color" : "dumb"
    request.environment = variables
    request.takesInput = input ?? true
    if tty == true { request.terminal = TerminalSize(rows: rows ?? 24, columns: columns ?? 80) }
    return request
  }
}

/// Consoles and commands over WebSockets.
struct NodeSockets: Routes {
  let service: any LabService
  let desk: WebSocketDesk

  /// Time in which what a client sent before it went may still be taken.
  private static let patience = Duration.seconds(2)

  var routes: [ServedRoute] {
    [
      API.consolePath.responds { call in
        guard WebSocketHandshake.isAsked(by: call.request) else {
          guard !call.isTCP else { throw HTTPRefusal.onSocketOnly(API.consolePath.row.title) }
          return try Answer.json(PathRow(path: try await service.consolePath(node: call.name)))
        }
        let (node, steals) = (call.name, call.query.steal ?? false)
        return try await desk.answer(call.request, to: call.opener) { await console(node, steals, $0) }
      },
      API.execSocket.responds { call in
        guard WebSocketHandshake.isAsked(by: call.request) else {
          return WebSocketHandshake.required(by: API.execSocket.row)
        }
        let (node, request) = (call.name, call.query.commandRequest)
        guard request.command.first?.isEmpty == false else { throw UserError(.badInput, "exec needs a command") }
        return try await desk.answer(call.request, to: call.opener) { await execute(node, request, $0) }
      },
    ]
  }

  // MARK: - Consoles

  private func console(_ node: String, _ steals: Bool, _ socket: WebSocketConnection) async -> WebSocketFault {
    do {
      let session = try await service.console(node: node, steals: steals)
      defer { session.end(.left) }
      return await Self.serve(socket) {
        await Self.type(from: socket, into: session)
      } output: {
        await Self.show(session, on: socket)
      }
    } catch {
      return await Self.tell(error, socket)
    }
  }

  /// Types what comes, until the client leaves.
  private static func type(from socket: WebSocketConnection, into session: ConsoleSession) async -> WebSocketFault? {
    while let message = await socket.next() {
      switch message {
      case .bytes(let bytes): guard await session.write(bytes) else { return nil }
      case .text(let text):
        do throws(WebSocketFault) {
          // A serial line knows no size.
          guard case .end = try request(text) else { continue }
          session.end(.left)
        } catch {
          return error
        }
      }
    }
    return nil
  }

  private static func show(_ session: ConsoleSession, on socket: WebSocketConnection) async -> WebSocketFault {
    while let event = await session.next() {
      let isSent =
        switch event {
        case .begun: true
        case .output(let bytes): await socket.send(.bytes(bytes))
        case .lost(let count): await tell(.lost(count), socket)
        case .ended(let end): await tell(.ended(end), socket)
        }
      guard isSent else { break }
    }
    return .done
  }

  // MARK: - Commands

  private func execute(
    _ node: String, _ request: CommandRequest, _ socket: WebSocketConnection
  ) async -> WebSocketFault {
    do {
      // Processes are to have the priority of the daemon, not that of the threads that serve clients.
      let command = try await withTaskExecutorPreference(globalConcurrentExecutor) {
        try await service.execute(node: node, request)
      }
      return await Self.serve(socket) {
        await Self.feed(from: socket, command.input, isTerminal: request.terminal != nil)
      } output: {
        await Self.show(command.events, on: socket)
      }
    } catch {
      return await Self.tell(error, socket)
    }
  }

  /// Passes input on, as fast as the command takes it.
  private static func feed(
    from socket: WebSocketConnection, _ input: any CommandInput, isTerminal: Bool
  ) async -> WebSocketFault? {
    while let message = await socket.next() {
      switch message {
      case .bytes(let bytes):
        // What nobody reads stays with the client; a terminal's size may change all the same.
        guard await input.write(bytes) || isTerminal else { return nil }
      case .text(let text):
        do throws(WebSocketFault) {
          switch try request(text) {
          case .resize(let size): input.resize(to: size)
          case .end: await input.end()
          }
        } catch {
          return error
        }
      }
    }
    return nil
  }

  private static func show(_ events: StartedCommand.Events, on socket: WebSocketConnection) async -> WebSocketFault {
    do {
      for try await event in events {
        let isSent =
          switch event {
          case .output(let bytes), .error(let bytes): await socket.send(.bytes(bytes))
          case .exit(let code): await tell(.exit(code), socket)
          }
        guard isSent else { break }
      }
      return .done
    } catch {
      return await tell(error, socket)
    }
  }

  // MARK: - Both

  /// Moves both ways until the output ends, the client breaks the rules, or is gone.
  private static func serve(
    _ socket: WebSocketConnection, input: @escaping @Sendable () async -> WebSocketFault?,
    output: @escaping @Sendable () async -> WebSocketFault
  ) async -> WebSocketFault {
    await withTaskGroup(of: WebSocketFault?.self) { group in
      group.addTask {
        guard let fault = await input() else { return nil }
        _ = await tell(.error(ErrorBody(UserError(.badInput, fault.reason))), socket)
        return fault
      }
      group.addTask { await output() }
      group.addTask {
        await socket.waitForEnd()
        // What was sent before is typed, unless nobody takes it.
        try? await Task.sleep(for: patience)
        return .done
      }
      defer { group.cancelAll() }
      for await fault in group {
        if let fault { return fault }
        if socket.isOver { break }
      }
      return .done
    }
  }

  /// A text of the client's.
  private static func request(_ text: String) throws(WebSocketFault) -> SocketRequest {
    do {
      let bytes = Array(text.utf8)
      try SocketRequest.shape.check(try JSON.decode(JSONValue.self, from: bytes))
      return try JSON.decode(SocketRequest.self, from: bytes)
    } catch {
      throw WebSocketFault(code: .unacceptableData, reason: "the text is neither a resize nor an end, as JSON")
    }
  }

  private static func tell(_ notice: SocketNotice, _ socket: WebSocketConnection) async -> Bool {
    guard let text = try? JSON.text(notice) else { return false }
    return await socket.send(.text(text))
  }

  private static func tell(_ error: any Error, _ socket: WebSocketConnection) async -> WebSocketFault {
    _ = await tell(.error(ErrorBody(error)), socket)
    return .failed
  }
}

extension WebSocketFault {
  /// All is told.
  fileprivate static let done = Self(code: .normalClosure, reason: "")
  /// The last text says what is wrong.
  fileprivate static let failed = Self(code: .unexpectedServerError, reason: "see the last message")
}
