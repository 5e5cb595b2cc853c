import Hummingbird
import Lab
import Logging
import NIOCore

extension API {
  package static let upgrade = Route<NoQuery, Single<UpgradeRequest>, Lines<UpgradeLine>>(
    .post, "/v1/upgrade",
    "Has another program go on with the lab, and no frame is lost. Who goes away before it does wants it no more.",
    errors: [.notFound, .unreachable], access: .socket)
}

/// Has another program go on with the lab.
/// - Returns: what is to be done once the answer is written: this daemon ends.
package typealias UpgradeService =
  @Sendable (_ program: String, _ progress: @escaping @Sendable (String) -> Void) async throws -> UpgradeOutcome

/// How it went, when this daemon has nothing left to do.
package struct UpgradeOutcome: Sendable {
  /// The last one of the answer.
  let line: UpgradeLine
  /// Ends this daemon; called when the answer is written.
  let end: @Sendable () -> Void

  /// The lab is another daemon's.
  package init(_ row: UpgradeRow, end: @escaping @Sendable () -> Void) { (line, self.end) = (.upgraded(row), end) }

  /// The lab was another daemon's, and is nobody's.
  package init(lost error: UserError, end: @escaping @Sendable () -> Void) {
    (line, self.end) = (.failed(ErrorBody(error)), end)
  }
}

/// Another program for the lab.
struct UpgradeRoutes: Routes {
  let logger: Logger
  let upgrade: UpgradeService?
  /// Returns when everything written so far is in the sockets.
  let settle: @Sendable () async -> Void

  var routes: [ServedRoute] {
    [
      API.upgrade.responds { call in
        guard let upgrade else { throw UserError(.failed, "this daemon cannot hand its lab to another program") }
        let program = try await call.body().program
        return start(upgrade, program, endingWith: call.channel)
      }
    ]
  }

  private func start(
    _ upgrade: @escaping UpgradeService, _ program: String, endingWith channel: any Channel
  ) -> Response {
    let end = UpgradeEnd()
    return Answer.lines(
      to: channel, isCancelledByClose: true,
      afterwards: {
        guard let work = await end.work else { return }
        await settle()
        work()
      },
      { (lines: AsyncStream<UpgradeLine>.Continuation) in
        do {
          let outcome = try await upgrade(program) { text in
            logger.info("\(text)")
            lines.yield(UpgradeLine.progress(text))
          }
          await end.set(outcome.end)
          lines.yield(outcome.line)
        } catch {
          let body = ErrorBody(error)
          logger.error("upgrade: \(body.message)")
          lines.yield(.failed(body))
        }
      })
  }
}

/// Remembers what ends the daemon until the answer that tells of it is written.
private actor UpgradeEnd {
  private(set) var work: (@Sendable () -> Void)?
  func set(_ work: @escaping @Sendable () -> Void) { self.work = work }
}
