import Hummingbird
import Lab
import Logging
import Topology

/// `/v1/lab`: the lab itself.
struct LabRoutes: Routes {
  let service: any LabService
  let logger: Logger
  /// Called after the answer, when the lab is gone or never came up.
  let onEnd: @Sendable (LabEnd) -> Void

  func add(to router: ControlRouter) {
    router.get("/v1/lab") { _, _ in
      guard let lab = await service.lab() else { throw UserError(.notFound, "no lab is up") }
      return try Answer.json(lab)
    }
    router.put("/v1/lab") { request, _ in
      bringUp(try await request.decoded(CanonicalLab.self))
    }
    router.delete("/v1/lab") { _, _ in takeDown() }
  }

  private func bringUp(_ lab: CanonicalLab) -> Response {
    let end = EndNote()
    return Answer.lines(afterwards: { await end.report(to: onEnd) }) { lines in
      let isNew = await service.lab() == nil
      do {
        let plan = try await service.bringUp(lab) { text in
          logger.info("\(text)")
          lines.yield(LabLine.progress(text))
        }
        lines.yield(.plan(plan))
      } catch {
        let body = ErrorBody(error)
        logger.error("up: \(body.message)")
        lines.yield(.failed(body))
        if isNew { await end.set(.neverCameUp) }
      }
    }
  }

  private func takeDown() -> Response {
    let end = EndNote()
    return Answer.lines(afterwards: { await end.report(to: onEnd) }) { lines in
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
      }
    }
  }
}

/// Why a daemon has nothing left to do.
package enum LabEnd: Sendable, Equatable {
  case takenDown
  /// The first `up` failed and left nothing.
  case neverCameUp
}

/// Remembers an end until the answer that tells of it is written.
private actor EndNote {
  private var end: LabEnd?

  func set(_ end: LabEnd) { self.end = end }

  func report(to receiver: @Sendable (LabEnd) -> Void) {
    if let end { receiver(end) }
  }
}
