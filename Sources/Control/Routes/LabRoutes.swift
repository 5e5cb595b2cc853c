import Hummingbird
import Lab
import Logging
import NIOCore
import Topology

extension API {
  package static let lab = Route<NoQuery, NoBody, Single<LabDocument>>(
    .get, "/v1/lab", "The lab in its canonical form.", errors: [.notFound])
  package static let labUp = Route<UpQuery, Single<LabDocument>, Lines<LabLine>>(
    .put, "/v1/lab", "Makes a lab true; who goes away meanwhile wants it no more.", errors: [.unreachable],
    tcpBodyLimit: Answer.bodyLimit)
  package static let labDown = Route<DownQuery, NoBody, Lines<LabLine>>(
    .delete, "/v1/lab", "Takes the lab down, and goes on when the client has gone; then the daemon ends.",
    errors: [.different], mayAnswerNothing: true)
  package static let tests = Route<NoQuery, NoBody, Lines<TestLine>>(
    .post, "/v1/tests", "Runs the tests of the lab.", errors: [.notFound])
  package static let links = Route<NoQuery, NoBody, Single<[LinkRow]>>(
    .get, "/v1/links", "The links of the lab.")
  package static let link = Route<NoQuery, Single<LinkRequest>, Single<LinkRow>>(
    .post, "/v1/links/{link}", "Changes a link's carrier or impairments; answers how it is then.",
    errors: [.notFound])
  package static let version = Route<NoQuery, NoBody, Single<VersionRow>>(
    .get, "/v1/version", "Who answers.")
}

/// How `up` goes about it.
package struct UpQuery: RouteQuery {
  package var allowRestart: Bool?
  package var reset: Bool?
  package var parallel: Int?
  package var http: String?
  package var httpToken: String?

  package init() {}
  package init(_ options: BringUpOptions) {
    (allowRestart, reset, parallel) = (options.allowsRestart, options.isReset, options.parallel)
    (http, httpToken) = (options.http?.description, options.httpToken?.text)
  }

  /// - Throws: `badInput` for an address that is none, or a token that is not good enough.
  func options() throws(UserError) -> BringUpOptions {
    var options = BringUpOptions()
    options.allowsRestart = allowRestart ?? false
    options.isReset = reset ?? false
    options.parallel = parallel
    if let http {
      guard let said = HTTPOverride(http) else {
        throw UserError(.badInput, "http must be an address such as 127.0.0.1:8080, or off; found \"\(http)\"")
      }
      options.http = said
    }
    if let httpToken { options.httpToken = try HTTPToken(httpToken, from: "http-token") }
    return options
  }

  enum CodingKeys: String, CodingKey {
    case allowRestart = "allow-restart"
    case reset, parallel, http
    case httpToken = "http-token"
  }

  package static let shape = Shape.object(
    "UpQuery", "How `up` goes about it.",
    [
      Field(optional: "allow-restart", .boolean, "Machines that run may be started again."),
      Field(optional: "reset", .boolean, "What was said at run time is forgotten."),
      Field(optional: "parallel", .integer(1...Int.max), "Machines that boot at once."),
      Field(optional: "http", .text, "Where the API is served over TCP, whatever the lab says: an address, or `off`.")
        .onSocket(),
      Field(optional: "http-token", .text, "The token of it.").onSocket(),
    ])
}

/// When a lab is taken down.
package struct DownQuery: RouteQuery {
  package var ifUnused: Bool?

  package init() {}
  package init(ifUnused: Bool) { self.ifUnused = ifUnused }

  enum CodingKeys: String, CodingKey { case ifUnused = "if-unused" }

  package static let shape = Shape.object(
    "DownQuery", "When a lab is taken down.",
    [
      Field(
        optional: "if-unused", .boolean,
        "Only ends a daemon that was never asked for a lab, which answers 204 then, else 409.")
    ])
}

/// The lab itself, its links and tests.
struct LabRoutes: Routes {
  let service: any LabService
  let logger: Logger
  /// The API over TCP; nil = there is none.
  let tcp: TCPDoor?
  /// Returns when everything written so far is in the sockets.
  let settle: @Sendable () async -> Void
  /// Called after the answer, when the lab is gone or never came up.
  let onEnd: @Sendable (LabEnd) -> Void
  private let door = LabDoor()

  init(
    service: any LabService, logger: Logger, tcp: TCPDoor?, settle: @escaping @Sendable () async -> Void,
    onEnd: @escaping @Sendable (LabEnd) -> Void
  ) {
    self.service = service
    self.logger = logger
    self.tcp = tcp
    self.settle = settle
    self.onEnd = onEnd
  }

  var routes: [ServedRoute] {
    [
      API.lab.answers { _ in LabDocument(try await current()) },
      API.labUp.responds { call in
        let lab = try await lab(call)
        let options = try call.query.options()
        try await door.enter()
        return bringUp(lab, options, endingWith: call.channel)
      },
      API.labDown.responds { call in
        if call.query.ifUnused ?? false { return try await endUnused() }
        await door.close()
        return takeDown(to: call.channel)
      },
      API.tests.responds { call in
        _ = try await current()
        return Answer.lines(to: call.channel, isCancelledByClose: true) { lines in
          _ = await service.runTests(names: []) { lines.yield(TestLine.result(TestRow($0))) }
        }
      },
      API.links.answers { _ in await service.links().map { LinkRow($0) } },
      API.link.answers { call in
        LinkRow(try await service.setLink(call.name, try await call.body().change))
      },
      API.version.answers { _ in VersionRow() },
    ]
  }

  /// The lab that is asked for.
  private func lab(_ call: Call<UpQuery, Single<LabDocument>>) async throws -> CanonicalLab {
    do {
      let document = try await call.body()
      if call.isTCP { try document.refuseHostPaths(beside: await service.lab()) }
      return try document.lab()
    } catch var error as UserError {
      // A command of ours has made it of a file that it has checked.
      error.hint = error.hint ?? VersionMismatch.hint
      throw error
    }
  }

  private func current() async throws -> CanonicalLab {
    guard let lab = await service.lab() else { throw LabRuntime.noLab }
    return lab
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
        // No line of the log has it: it may have the token.
        if let row = await tcp?.takeNews() { lines.yield(.http(row)) }
        lines.yield(.plan(plan.map { PlanRow($0) }))
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
