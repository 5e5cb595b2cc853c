import Capture
import Hummingbird
import Lab
import NIOCore

/// `/v1/capture` streams pcapng; `/v1/captures` is what runs; `/v1/recording` is what the flight recorder holds.
struct CaptureRoutes: Routes {
  let service: any LabService
  private static let type = "application/x-pcapng"

  func add(to router: ControlRouter) {
    router.get("/v1/capture") { request, context in
      let sink = StreamSink()
      try await service.startCapture(try CaptureRequest { request.query($0) }, to: sink)
      return stream(sink, endingWith: context.channel)
    }
    router.get("/v1/captures") { _, _ in try Answer.json(await service.captures()) }
    router.delete("/v1/captures/{id}") { _, context in
      try await service.stopCapture(try context.parameter("id"))
      return Response(status: .noContent)
    }
    router.patch("/v1/captures/{id}") { request, context in
      let change = try await request.decoded(FilterChange.self)
      try await service.changeFilter(ofCapture: try context.parameter("id"), to: change.filter)
      return Response(status: .noContent)
    }
    router.get("/v1/recording") { request, _ in
      var last: Double?
      if let text = request.query("last") {
        guard let seconds = Double(text), seconds > 0 else {
          throw UserError(.badInput, "last must be a number of seconds above 0, found \"\(text)\"")
        }
        last = seconds
      }
      let bytes = try await service.recording(try CaptureRequest { request.query($0) }, last: last)
      return Response(
        status: .ok, headers: [.contentType: Self.type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
  }

  /// The pieces as they come; a client that goes away ends the capture.
  private func stream(_ sink: StreamSink, endingWith channel: any Channel) -> Response {
    channel.closeFuture.whenComplete { _ in sink.abandon() }
    let body = ResponseBody { writer in
      do {
        while let piece = await sink.next() { try await writer.write(ByteBuffer(bytes: piece)) }
        try await writer.finish(nil)
      } catch {
        sink.abandon()
        throw error
      }
    }
    return Response(status: .ok, headers: [.contentType: Self.type], body: body)
  }
}

/// What `PATCH /v1/captures/ID` takes.
private struct FilterChange: Decodable {
  var filter: String
}
