import Capture
import Lab
import NIOCore

extension API {
  package static let frames = Route<FramesQuery, NoBody, Lines<FrameLine>>(
    .post, "/v1/frames", "Tells frames in words as they pass, until the capture behind it or the connection ends.",
    errors: [.notFound, .different])
}

/// Frames in words, for who looks on.
struct FrameRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.frames.responds { call in
        let sink = SummarySink(rate: call.query.rate ?? FramesQuery.usualRate, count: call.query.request.count)
        try await service.startCapture(call.query.capture, to: sink)
        // A connection that stays for many requests must not hold what each of them was about.
        call.channel.closeFuture.whenComplete { [weak sink] _ in sink?.abandon() }
        return Answer.asking(to: call.opener) { await sink.next().map { FrameLine($0) } }
      }
    ]
  }
}
