import Control
import Foundation
import Lab

/// Asks a lab's daemon for what `top` shows, again and again.
struct TopSource: Sendable {
  /// Seconds that a daemon may take for its answer.
  private static let patience = 5.0

  let session: LabSession
  /// Seconds between two looks.
  let delay: Double
  private var before: (stats: StatsRow, time: ContinuousClock.Instant)?

  init(_ session: LabSession, delay: Double) {
    self.session = session
    self.delay = delay
  }

  /// Whether there is still something of the lab: if not, it was taken down.
  var isThere: Bool { session.directories.hasLab(session.name) }

  /// What is there now, with rates since the last look.
  /// - Throws: `UserError`: the daemon is away.
  mutating func next() async throws -> TopData {
    let stats = try await ask(API.stats)
    let time = ContinuousClock.now
    let seconds = before.map { (time - $0.time) / .seconds(1) } ?? 1
    let traffic = Traffic(stats, since: before?.stats, seconds: seconds)
    before = (stats, time)
    return TopData(
      lab: session.name, traffic: traffic, links: try await ask(API.links), nodes: try await ask(API.nodes),
      workers: try await ask(API.workers))
  }

  private func ask<Value>(_ route: Route<NoQuery, NoBody, Single<Value>>) async throws -> Value {
    if let value = try await session.client.ask(route, within: Self.patience) { return value }
    throw UserError(.unreachable, "the daemon of lab \(session.name) does not answer")
  }
}

/// The time of day for people.
enum TopClock {
  /// `14:03:59`, in the time zone of this host.
  static func now() -> String {
    let seconds = Int(Date().timeIntervalSince1970) + TimeZone.current.secondsFromGMT()
    let day = ((seconds % 86_400) + 86_400) % 86_400
    return [day / 3600, day / 60 % 60, day % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }
}
