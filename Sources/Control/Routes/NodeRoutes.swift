import Hummingbird
import Lab
import NIOCore
import Synchronization

/// `/v1/nodes`: what runs, and ways into it.
struct NodeRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/nodes") { _, _ in
      try Answer.json(await service.nodes().map { NodeRow($0) })
    }
    router.get("/v1/nodes/{node}/log") { _, context in
      let node = try context.parameter("node")
      return try Answer.json(PathRow(path: try await service.logPath(node: node)))
    }
    router.post("/v1/nodes/{node}/start") { _, context in
      let node = try context.parameter("node")
      return change(context.channel) { try await service.start(node: node, progress: $0) }
    }
    router.post("/v1/nodes/{node}/stop") { _, context in
      let node = try context.parameter("node")
      return change(context.channel) { try await service.stop(node: node, progress: $0) }
    }
    router.post("/v1/nodes/{node}/exec") { request, context in
      let node = try context.parameter("node")
      guard request.hasLines else {
        let wanted = try await request.decoded(ExecuteRequest.self).commandRequest(isFollowed: false)
        return relay(try await execute(wanted, node), nil, endingWith: context.channel)
      }
      let lines = RequestLines(request)
      guard let first = try await lines.next(ExecuteRequest.self) else {
        throw UserError(.badInput, "the first line of the body must say the command")
      }
      let wanted = first.commandRequest(isFollowed: true)
      let command = try await execute(wanted, node)
      let feeder = { @Sendable in await Self.feed(lines, to: command.input, wanted) }
      return relay(command, feeder, endingWith: context.channel)
    }
  }

  /// Progress as it comes, then how it ended.
  private func change(
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

  /// The command ends when its reader goes away.
  private func relay(
    _ command: StartedCommand, _ feeder: (@Sendable () async -> ExecuteLine?)?, endingWith channel: any Channel
  ) -> Response {
    let events = command.events
    let hasFailed = Atomic(false)
    return Answer.asking(to: channel, feeder: feeder) { () -> ExecuteLine? in
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
