import Hummingbird
import Lab

/// `/v1/nodes/NODE/console`: where it is, and a way to use it.
struct ConsoleRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/nodes/{node}/console") { _, context in
      let node = try context.parameter("node")
      return try Answer.json(PathRow(path: try await service.consolePath(node: node)))
    }
    router.post("/v1/nodes/{node}/console") { request, context in
      let node = try context.parameter("node")
      let session = try await service.console(node: node, steals: request.query("steal") == "true")
      let lines = request.hasLines ? RequestLines(request) : nil
      let feeder = lines.map { lines in { @Sendable in await Self.feed(lines, to: session) } }
      return Answer.asking(to: context.channel, feeder: feeder) { await session.next().map { ConsoleLine.event($0) } }
    }
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
}
