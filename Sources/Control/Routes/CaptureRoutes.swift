import Capture
import Dataplane
import Hummingbird
import Lab
import NIOCore

extension API {
  package static let capture = Route<CaptureRequest, NoBody, Pcapng>(
    .post, "/v1/capture", "Captures: streams pcapng until the capture or the connection ends.",
    errors: [.notFound, .different])
  package static let captures = Route<NoQuery, NoBody, Single<[CaptureRow]>>(
    .get, "/v1/captures", "The captures that run.")
  package static let captureFilter = Route<NoQuery, Single<FilterRequest>, Nothing>(
    .patch, "/v1/captures/{capture}", "Changes the filter of a capture that runs.", errors: [.notFound])
  package static let captureStop = Route<NoQuery, NoBody, Nothing>(
    .delete, "/v1/captures/{capture}", "Ends a capture; what it has is still written.", errors: [.notFound])
  package static let recording = Route<RecordingQuery, NoBody, Pcapng>(
    .get, "/v1/recording", "What the flight recorder holds.", errors: [.notFound])
  package static let trace = Route<NoQuery, Single<TraceRequest>, Single<TraceRow>>(
    .post, "/v1/trace", "What the switch would do with a frame; nothing is sent.", errors: [.notFound])
  package static let replay = Route<NoQuery, Single<ReplayRequest>, Lines<ReplayLine>>(
    .post, "/v1/replay", "Sends the frames of a capture file of this host into a port; the answer comes at its end.",
    access: .socket)
  package static let replayUpload = Route<ReplayQuery, Bytes<CaptureUpload>, Lines<ReplayLine>>(
    .post, "/v1/ports/{port}/replay", "Sends the frames of the body into a port; the answer comes at its end.",
    errors: [.notFound])
}

/// What is wanted of the flight recorder.
package struct RecordingQuery: RouteQuery, Equatable {
  package var request = CaptureRequest()
  /// Seconds to look back; nil = as far as it goes.
  package var last: Double?

  package init() {}
  package init(_ request: CaptureRequest, last: Double) { (self.request, self.last) = (request, last) }

  private enum CodingKeys: String, CodingKey { case last }

  /// Its keys lie beside those of the request.
  package init(from decoder: any Decoder) throws {
    request = try CaptureRequest(from: decoder)
    last = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Double.self, forKey: .last)
  }

  package func encode(to encoder: any Encoder) throws {
    try request.encode(to: encoder)
    var query = encoder.container(keyedBy: CodingKeys.self)
    try query.encodeIfPresent(last, forKey: .last)
  }

  package static let shape = Shape.object(
    "RecordingQuery", "What is wanted of the flight recorder.",
    [Field(optional: "last", .number(above: 0, orEqual: false), "Seconds to look back; everything without it.")]
      + CaptureRequest.shape.fields)
}

/// Captures, and what else is about frames one by one.
struct CaptureRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.capture.responds { call in
        let sink = StreamSink()
        try await service.startCapture(call.query, to: sink)
        return Self.stream(sink, to: call.opener)
      },
      API.captures.answers { _ in await service.captures() },
      API.captureFilter.does { call in
        try await service.changeFilter(ofCapture: call.name, to: try await call.body().filter)
      },
      API.captureStop.does { call in try await service.stopCapture(call.name) },
      API.recording.responds { call in
        let pieces = try await service.recording(call.query.request, last: call.query.last)
        return Self.pcapng(Self.inPieces(pieces, to: call.channel))
      },
      API.trace.answers { call in
        let wanted = try await call.body()
        return TraceRow(try await service.trace(port: wanted.port, frame: wanted.frame))
      },
      API.replay.responds { call in replay(try await call.body(), nil, call.channel) },
      API.replayUpload.responds { call in
        let port = try await service.port(call.name)
        let file = try UploadedFile(called: "replay.pcapng", in: service.directories)
        guard try await call.request.save(in: file, limit: CaptureUpload.limit) > 0 else {
          throw UserError(.badInput, "there is no capture file in the body", hint: "curl --data-binary @FILE")
        }
        let query = call.query
        let wanted = ReplayRequest(
          file: file.path, port: port.name, speed: query.speed ?? 1, interface: query.interface,
          direction: query.direction)
        return replay(wanted, file, call.channel)
      },
    ]
  }

  /// - Parameter file: what was sent; it is there until the end.
  private func replay(_ wanted: ReplayRequest, _ file: UploadedFile?, _ channel: any Channel) -> Response {
    Answer.lines(to: channel, isCancelledByClose: true) { lines in
      do {
        lines.yield(ReplayLine.done(try await service.replay(wanted)))
      } catch {
        lines.yield(.failed(ErrorBody(error, hiding: file?.path)))
      }
      withExtendedLifetime(file) {}
    }
  }

  /// The pieces as they come; a client that goes away ends the capture.
  private static func stream(_ sink: StreamSink, to opener: StreamOpener) -> Response {
    // A connection that stays for many requests must not hold what each of them was about.
    opener.channel.closeFuture.whenComplete { [weak sink] _ in sink?.abandon() }
    // With the lab it ends by itself.
    let stream = opener.open { [weak sink] reason in if reason == .accessEnds { sink?.abandon() } }
    return pcapng(
      ResponseBody { writer in
        defer { withExtendedLifetime(stream) {} }
        var pace = WritePace(opener.channel)
        do {
          while let piece = await sink.next() { try await writer.write(ByteBuffer(bytes: piece), &pace) }
          try await writer.finish(nil)
        } catch {
          sink.abandon()
          throw error
        }
      })
  }

  /// Each piece is made when the one before is in the socket: for a client that does not read none is.
  private static func inPieces(
    _ pieces: any IteratorProtocol<[UInt8]> & Sendable, to channel: any Channel
  ) -> ResponseBody {
    ResponseBody { writer in
      var (pieces, pace) = (pieces, WritePace(channel))
      while let piece = pieces.next() { try await writer.write(ByteBuffer(bytes: piece), &pace) }
      try await writer.finish(nil)
    }
  }

  private static func pcapng(_ body: ResponseBody) -> Response {
    Response(status: .ok, headers: [.contentType: Pcapng.type], body: body)
  }
}
