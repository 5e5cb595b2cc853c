import Hummingbird
import Lab
import NIOCore
import Topology

extension API {
  package static let live = Route<LiveQuery, NoBody, Lines<LiveRow>>(
    .get, "/v1/live",
    "What is live, at first all of it, then once a second what changed. A line each, or server-sent events where "
      + "`Accept` asks for text/event-stream.",
    others: [ServerSentEvents.content(of: LiveRow.shape)])
}

/// How long it is looked at.
package struct LiveQuery: RouteQuery {
  /// Nil = until the client goes.
  package var count: Int?

  package init() {}

  package static let shape = Shape.object(
    "LiveQuery", "How long it is looked at.",
    [Field(optional: "count", .integer(1...Int.max), "Messages after which it ends.")])
}

/// What the live page looks at.
struct LiveRoutes: Routes {
  let service: any LabService
  private let feed: LiveFeed

  init(service: any LabService) {
    self.service = service
    feed = LiveFeed(service: service)
  }

  var routes: [ServedRoute] {
    [
      API.live.responds { call in
        await stream(call.request, count: call.query.count, to: call.opener)
      }
    ]
  }

  private func stream(_ request: Request, count: Int?, to opener: StreamOpener) async -> Response {
    let isEvents = ServerSentEvents.areAsked(for: request.headers)
    let viewer = await feed.join()
    // A connection that stays for many requests must not hold what each of them was about.
    opener.channel.closeFuture.whenComplete { [weak viewer] _ in viewer?.end() }
    let stream = opener.open { [weak viewer] _ in viewer?.end() }
    let body = ResponseBody { writer in
      defer { withExtendedLifetime(stream) { viewer.end() } }
      var left = count ?? Int.max
      for await message in viewer.messages {
        try await writer.write(isEvents ? Self.event(message) : Self.line(message))
        left -= 1
        if left == 0 { break }
      }
      try await writer.finish(nil)
    }
    let type = isEvents ? ServerSentEvents.type : Content.linesType
    return Response(status: .ok, headers: [.contentType: type, .cacheControl: "no-store"], body: body)
  }

  private static func line(_ message: ByteBuffer) -> ByteBuffer {
    var line = message
    line.writeInteger(UInt8(ascii: "\n"))
    return line
  }

  private static func event(_ message: ByteBuffer) -> ByteBuffer {
    var event = ByteBuffer(string: "data: ")
    event.writeImmutableBuffer(message)
    event.writeString("\n\n")
    return event
  }
}

extension LabGraph {
  /// Of a lab that is up.
  package init(_ lab: CanonicalLab, nodes: [NodeRow], links: [LinkRow], ports: [PortRow]) {
    self.init(
      lab, states: Dictionary(nodes.map { ($0.node, $0.state) }, uniquingKeysWith: { first, _ in first }),
      carriers: Dictionary(links.map { ($0.name, $0.carrier) }, uniquingKeysWith: { first, _ in first }),
      ports: ports.compactMap(\.graphPort))
  }
}
