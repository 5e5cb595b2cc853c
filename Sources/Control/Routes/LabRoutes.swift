import Hummingbird
import Lab
import Logging
import NIOCore
import Topology

/// `/v1/lab`: the lab itself.
struct LabRoutes: Routes {
  let service: any LabService
  let logger: Logger
  /// Returns when everything written so far is in the sockets.
  let settle: @Sendable () async -> Void
  /// Called after the answer, when the lab is gone or never came up.
  let onEnd: @Sendable (LabEnd) -> Void
  private let door = LabDoor()

  init(
    service: any LabService, logger: Logger, settle: @escaping @Sendable () async -> Void,
    onEnd: @escaping @Sendable (LabEnd) -> Void
  ) {
    self.service = service
    self.logger = logger
    self.settle = settle
    self.onEnd = onEnd
  }

  func add(to router: ControlRouter) {
    router.get("/v1/lab") { _, _ in
      guard let lab = await service.lab() else { throw UserError(.notFound, "no lab is up") }
      return try Answer.json(lab)
    }
    router.put("/v1/lab") { request, context in
      let lab = try await request.decoded(CanonicalLab.self)
      var options = BringUpOptions()
      options.allowsRestart = request.query("allow-restart") == "true"
      options.parallel = request.query("parallel").flatMap { Int($0) }.map { max(1, $0) }
      options.isReset = request.query("reset") == "true"
      try await door.enter()
      return bringUp(lab, options, endingWith: context.channel)
    }
    router.delete("/v1/lab") { request, context in
      if request.query("if-unused") == "true" { return try await endUnused() }
      await door.close()
      return takeDown(to: context.channel)
    }
  }

  /// The daemon ends unless a lab was ever asked for: what runs of one that another daemon brought up runs on.
  private func endUnused() async throws -> Response {
    guard await service.lab() == nil, await door.closeIfUnused() else {
      throw UserError(.different, "a lab has been asked for")
    }
    onEnd(.neverAskedFor)
    return Response(status: .noContent)
  }

  /// Who goes away while it is under way (Ctrl-C) wants it no more: it is rolled back.
  private func bringUp(
    _ lab: CanonicalLab, _ options: BringUpOptions, endingWith channel: any Channel
  ) -> Response {
    let end = EndNote()
    return Answer.lines(to: channel, isCancelledByClose: true, afterwards: { await tell(end) }) { lines in
      do {
        let plan = try await service.bringUp(lab, options: options) { text in
          logger.info("\(text)")
          lines.yield(LabLine.progress(text))
        }
        lines.yield(.plan(plan))
      } catch {
        let body = ErrorBody(error)
        logger.error("up: \(body.message)")
        lines.yield(.failed(body))
      }
      if await door.leave({ await service.lab() == nil }) { await end.set(.neverCameUp) }
    }
  }

  /// Who goes away while it is under way wants it all the same.
  private func takeDown(to channel: any Channel) -> Response {
    let end = EndNote()
    return Answer.lines(to: channel, afterwards: { await tell(end) }) { lines in
      do {
        try await service.takeDown { text in
          logger.info("\(text)")
          lines.yield(LabLine.progress(text))
        }
        lines.yield(.done)
        await end.set(.takenDown)
      } catch {
        let body = ErrorBody(error)
        logger.error("down: \(body.message)")
        lines.yield(.failed(body))
        await door.reopen()
      }
    }
  }

  private func tell(_ end: EndNote) async {
    guard let value = await end.value else { return }
    await settle()
    onEnd(value)
  }
}

/// Why a daemon has nothing left to do.
package enum LabEnd: Sendable, Equatable {
  case takenDown
  /// The first `up` failed and left nothing.
  case neverCameUp
  /// No `up` has begun.
  case neverAskedFor
}

/// Remembers an end until the answer that tells of it is written.
private actor EndNote {
  private(set) var value: LabEnd?
  func set(_ end: LabEnd) { value = end }
}
