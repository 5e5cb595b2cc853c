import Hummingbird
import Lab
import NIOCore
import Synchronization

extension API {
  package static let nodes = Route<NoQuery, NoBody, Single<[NodeRow]>>(
    .get, "/v1/nodes", "The nodes of the lab.")
  package static let nodeStart = Route<NoQuery, NoBody, Lines<LabLine>>(
    .post, "/v1/nodes/{node}/start", "Starts a node that was stopped or has ended.", errors: [.notFound])
  package static let nodeStop = Route<NoQuery, NoBody, Lines<LabLine>>(
    .post, "/v1/nodes/{node}/stop", "Stops a node; its links stay.", errors: [.notFound])
  package static let exec = Route<NoQuery, Followed<ExecuteRequest, InputLine>, Lines<ExecuteLine>>(
    .post, "/v1/nodes/{node}/exec", "Runs a command in a node; it ends when its reader goes away.",
    errors: [.notFound, .different])
  package static let console = Route<ConsoleQuery, LinesIn<InputLine>, Lines<ConsoleLine>>(
    .post, "/v1/nodes/{node}/console", "Uses a node's serial console; what the body says is typed, its end leaves.",
    errors: [.notFound])
  package static let log = Route<NoQuery, NoBody, Single<PathRow>>(
    .get, "/v1/nodes/{node}/log", "Where the log of its console is.", errors: [.notFound], access: .socket)
}

/// How a console is taken.
package struct ConsoleQuery: RouteQuery {
  package var steal: Bool?

  package init() {}
  package init(steal: Bool) { self.steal = steal }

  package static let shape = Shape.object(
    "ConsoleQuery", "How a console is taken.", [Field(optional: "steal", .boolean, "Also from who has it.")])
}

/// Nodes: what runs, and ways into it.
struct NodeRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.nodes.answers { _ in await service.nodes().map { NodeRow($0) } },
      API.log.answers { call in PathRow(path: try await service.logPath(node: call.name)) },
      API.nodeStart.responds { call in
        _ = try await service.node(call.name)
        return change(call.channel) { try await service.start(node: call.name, progress: $0) }
      },
      API.nodeStop.responds { call in
        _ = try await service.node(call.name)
        return change(call.channel) { try await service.stop(node: call.name, progress: $0) }
      },
      API.exec.responds { call in try await execute(call) },
      API.node.answers { call in NodeRow(try await service.node(call.name)) },
      API.logText.responds { call in try await logText(call) },
      API.nodeRestart.responds { call in
        _ = try await service.node(call.name)
        return change(call.channel) { progress in
          try await service.stop(node: call.name, progress: progress)
          try await service.start(node: call.name, progress: progress)
        }
      },
      API.console.responds { call in
        let session = try await service.console(node: call.name, steals: call.query.steal ?? false)
        let lines = call.request.hasLines ? RequestLines(call) : nil
        let feeder = lines.map { lines in { @Sendable in await Self.feed(lines, to: session) } }
        return Answer.asking(to: call.opener, feeder: feeder) { await session.next().map { ConsoleLine.event($0) } }
      },
    ]
  }

  /// Progress as it comes, then how it ended.
  func change(
    _ channel: any Channel,
    _ body: @escaping @Sendable (@escaping @Sendable (String) -> Void) async throws -> Void
  ) -> Response {
    Answer.lines(to: channel) { lines in
      do {
        try await body { lines.yield(LabLine.progress($0)) }
        lines.yield(.done)
      } catch {
        lines.yield(.failed(ErrorBody(error)))
      }
    }
  }

  private func execute(_ call: Call<NoQuery, Followed<ExecuteRequest, InputLine>>) async throws -> Response {
    guard call.request.hasLines else {
      let wanted = try await call.decoded(ExecuteRequest.self).commandRequest(isFollowed: false)
      return relay(try await execute(wanted, call.name), nil, to: call.opener)
    }
    let lines = RequestLines(call)
    guard let first = try await lines.first(ExecuteRequest.self) else {
      throw UserError(.badInput, "the first line of the body must say the command")
    }
    let wanted = first.commandRequest(isFollowed: true)
    let command = try await execute(wanted, call.name)
    let feeder = { @Sendable in await Self.feed(lines, to: command.input, wanted) }
    return relay(command, feeder, to: call.opener)
  }

  private func execute(_ request: CommandRequest, _ node: String) async throws -> StartedCommand {
    guard !request.command.isEmpty else { throw UserError(.badInput, "exec needs a command") }
    return try await service.execute(node: node, request)
  }

  /// Passes the rest of a body on, as fast as the command takes it.
  /// - Returns: what ends the command: a line that is none. Else it would take half its input for all of it.
  private static func feed(
    _ lines: RequestLines, to input: any CommandInput, _ request: CommandRequest
  ) async -> ExecuteLine? {
    do {
      while let line = try await lines.next(InputLine.self) {
        switch line {
        case .input(let bytes):
          // What nobody reads stays with the client; a terminal's size may change all the same.
          guard await input.write(bytes) || request.terminal != nil else { return nil }
        case .size(let size): input.resize(to: size)
        }
      }
      await input.end()
    } catch let error as UserError {
      return .failed(ErrorBody(error))
    } catch {
      // The connection is gone, and the command goes with it; or the command has ended.
    }
    return nil
  }

  /// Types what comes, until the body ends, with which the client leaves.
  private static func feed(_ lines: RequestLines, to session: ConsoleSession) async -> ConsoleLine? {
    while let line = try? await lines.next(InputLine.self) {
      guard case .input(let bytes) = line else { continue }
      guard await session.write(bytes) else { return nil }
    }
    session.end(.left)
    return nil
  }

  /// The command ends when its reader goes away.
  private func relay(
    _ command: StartedCommand, _ feeder: (@Sendable () async -> ExecuteLine?)?, to opener: StreamOpener
  ) -> Response {
    let events = command.events
    let hasFailed = Atomic(false)
    return Answer.asking(to: opener, feeder: feeder) { () -> ExecuteLine? in
      guard !hasFailed.load(ordering: .relaxed) else { return nil }
      var iterator = events.makeAsyncIterator()
      do {
        return try await iterator.next().map { .event($0) }
      } catch is CancellationError {
        return nil
      } catch {
        hasFailed.store(true, ordering: .relaxed)
        return .failed(ErrorBody(error))
      }
    }
  }
}
