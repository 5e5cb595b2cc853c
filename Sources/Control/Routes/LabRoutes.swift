import Hummingbird
import Lab
import Logging
import NIOCore
import Topology

extension API {
  package static let lab = Route<NoQuery, NoBody, Single<LabDocument>>(
    .get, "/v1/lab", "The lab in its canonical form.", errors: [.notFound], isTagged: true)
  package static let labUp = Route<UpQuery, Written<LabDocument>, Lines<LabLine>>(
    .put, "/v1/lab", "Makes a lab true; who goes away meanwhile wants it no more.", errors: [.unreachable, .different],
    isTagged: true, tcpBodyLimit: Answer.bodyLimit)
  package static let labDown = Route<DownQuery, NoBody, Lines<LabLine>>(
    .delete, "/v1/lab", "Takes the lab down, and goes on when the client has gone; then the daemon ends.",
    errors: [.different], mayAnswerNothing: true)
  package static let labSave = Route<SaveQuery, NoBody, Lines<SaveLine>>(
    .post, "/v1/lab/save",
    "Writes the lab into a folder, as it is at one instant; who goes away meanwhile wants it no more.",
    errors: [.notFound, .unreachable])
  package static let tests = Route<NoQuery, Perhaps<TestRequest>, Lines<TestLine>>(
    .post, "/v1/tests", "Runs the tests of the lab, or some of them.", errors: [.notFound])
  package static let testNames = Route<NoQuery, NoBody, Single<[TestNameRow]>>(
    .get, "/v1/tests", "The tests of the lab.", errors: [.notFound])
  package static let version = Route<NoQuery, NoBody, Single<VersionRow>>(
    .get, "/v1/version", "Who answers.")
}

/// How `up` goes about it.
package struct UpQuery: RouteQuery {
  package var allowRestart: Bool?
  package var reset: Bool?
  package var parallel: Int?
  package var replace: Bool?
  package var dryRun: Bool?
  package var directory: String?
  package var http: String?
  package var httpToken: String?
  package var from: String?

  package init() {}
  package init(_ options: BringUpOptions) {
    (allowRestart, reset, parallel) = (options.allowsRestart, options.isReset, options.parallel)
    from = options.from
    (http, httpToken) = (options.http?.description, options.httpToken?.text)
  }

  /// - Throws: `badInput` for an address that is none, a token that is not good enough, or what does not go together.
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
    if let from, !from.hasPrefix("/") { throw UserError(.badInput, "from must be an absolute path, found \"\(from)\"") }
    options.from = from
    if from != nil, options.isReset { throw UserError(.badInput, "reset and from do not go together") }
    return options
  }

  enum CodingKeys: String, CodingKey {
    case allowRestart = "allow-restart"
    case dryRun = "dry-run"
    case reset, parallel, replace, directory, http, from
    case httpToken = "http-token"
  }

  package static let shape = Shape.object(
    "UpQuery", "How `up` goes about it.",
    [
      Field(optional: "allow-restart", .boolean, "Machines that run may be started again."),
      Field(optional: "reset", .boolean, "What was said at run time is forgotten."),
      Field(optional: "parallel", .integer(1...Int.max), "Machines that boot at once."),
      Field(
        optional: "replace", .boolean,
        "What is up of that name from another file, or with other workers, is taken down."),
      Field(optional: "dry-run", .boolean, "Nothing is done; the plan is what would be."),
      Field(
        optional: "directory", .form(.path),
        "Of a lab file's text: the folder of its relative paths; that of the lab that is up without it."
      ).onSocket(),
      Field(optional: "http", .text, "Where the API is served over TCP, whatever the lab says: an address, or `off`.")
        .onSocket(),
      Field(optional: "http-token", .text, "The token of it.").onSocket(),
      Field(optional: "from", .form(.path), "The folder of a saved lab: it goes on as it was then.").onSocket(),
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
  let door = LabDoor()

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
      API.lab.answersTagged { _ in
        let document = LabDocument(try await current())
        return (document, try EntityTag(of: document))
      },
      API.labUp.responds { call in
        let lab = try await wanted(call)
        if call.query.dryRun ?? false { return try await preview(lab, call) }
        let options = try call.query.options()
        let ticket = try await enter(call.condition, lab)
        // Who goes away wants it no more; others need not wait until it is taken back.
        call.channel.closeFuture.whenComplete { _ in Task { await door.forget(ticket) } }
        return bringUp(lab, options, ticket, replacing: call.query.replace ?? false, endingWith: call.channel)
      },
      API.labDown.responds { call in
        if call.query.ifUnused ?? false { return try await endUnused() }
        await door.close()
        return takeDown(to: call.channel)
      },
      API.labSave.responds { call in
        _ = try await current()
        let request = try call.query.request()
        if request.stops { await door.close() }
        return save(request, to: call.channel)
      },
      API.tests.responds { call in
        let lab = try await current()
        let names = try TestRequest.names(try await call.body(), of: lab)
        return Answer.lines(to: call.channel, isCancelledByClose: true) { lines in
          _ = await service.runTests(names: names) { lines.yield(TestLine.result(TestRow($0))) }
        }
      },
      API.testNames.answers { _ in try await current().tests.map { TestNameRow(test: $0.title) } },
      API.version.answers { _ in VersionRow() },
    ]
  }

  func current() async throws -> CanonicalLab {
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
    _ lab: CanonicalLab, _ options: BringUpOptions, _ ticket: Int, replacing isReplacing: Bool,
    endingWith channel: any Channel
  ) -> Response {
    let end = EndNote()
    return Answer.lines(to: channel, isCancelledByClose: true, afterwards: { await tell(end) }) { lines in
      do {
        let progress: @Sendable (String) -> Void = { text in
          logger.info("\(text)")
          lines.yield(LabLine.progress(text))
        }
        if isReplacing { try await makeWay(for: lab, from: options.from, progress) }
        let plan = try await service.bringUp(lab, options: options, progress: progress)
        // No line of the log has it: it may have the token.
        if let row = await tcp?.takeNews() { lines.yield(.http(row)) }
        lines.yield(.plan(plan.map { PlanRow($0) }))
      } catch {
        let body = ErrorBody(error)
        logger.error("up: \(body.message)")
        lines.yield(.failed(body))
      }
      await door.forget(ticket)
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

  /// Who goes away while it is under way (Ctrl-C) wants it no more: the lab goes on, and nothing is left of it.
  private func save(_ request: SaveRequest, to channel: any Channel) -> Response {
    let end = EndNote()
    return Answer.lines(to: channel, isCancelledByClose: true, afterwards: { await tell(end) }) { lines in
      do {
        let lab = await service.lab()?.name ?? ""
        let saved = try await service.save(request) { text in
          logger.info("\(text)")
          lines.yield(SaveLine.progress(text))
        }
        lines.yield(.saved(SavedRow(saved, lab: lab)))
        if saved.isDown { await end.set(.takenDown) }
      } catch {
        let body = ErrorBody(error)
        logger.error("save: \(body.message)")
        lines.yield(.failed(body))
        if request.stops { await door.reopen() }
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
