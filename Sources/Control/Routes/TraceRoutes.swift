import Hummingbird
import Lab

/// `/v1/trace`: what the switch would do with a frame; `/v1/replay`: frames of a file, sent into a port.
struct TraceRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.post("/v1/trace") { request, _ in
      let wanted = try await request.decoded(TraceRequest.self)
      return try Answer.json(TraceRow(try await service.trace(port: wanted.port, frame: wanted.frame)))
    }
    router.post("/v1/replay") { request, context in
      let wanted = try await request.decoded(ReplayRequest.self)
      return Answer.lines(to: context.channel, isCancelledByClose: true) { lines in
        do {
          lines.yield(ReplayLine.done(try await service.replay(wanted)))
        } catch {
          lines.yield(.failed(ErrorBody(error)))
        }
      }
    }
  }
}
