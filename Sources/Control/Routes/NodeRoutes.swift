import Hummingbird
import Lab
import NIOCore

/// `/v1/nodes`: what runs, and ways into it.
struct NodeRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/nodes") { _, _ in
      try Answer.json(await service.nodes().map { NodeRow($0) })
    }
    router.get("/v1/nodes/{node}/console") { _, context in
      let node = try context.parameter("node")
      return try Answer.json(PathRow(path: try await service.consolePath(node: node)))
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
      let command = try await request.decoded(ExecuteRequest.self).command
      guard !command.isEmpty else { throw UserError(.badInput, "exec needs a command") }
      return relay(try await service.execute(node: node, command: command), endingWith: context.channel)
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

  /// The command ends when its reader goes away.
  private func relay(
    _ events: AsyncThrowingStream<ExecuteEvent, any Error>, endingWith channel: any Channel
  ) -> Response {
    Answer.lines(to: channel, isCancelledByClose: true) { lines in
      do {
        for try await event in events { lines.yield(ExecuteLine.event(event)) }
      } catch {
        lines.yield(.failed(ErrorBody(error)))
      }
    }
  }
}
