/// How far QEMU's migration is, in its own words (qapi/migration.json, `MigrationStatus`).
enum MigrationPhase: String, Sendable, Equatable {
  case none, setup, active, device, completed, failed, cancelling, cancelled
  /// The source stands still, and waits for `migrate-continue`.
  case preSwitchover = "pre-switchover"
  /// One that nobody needs to know here.
  case other

  init(_ word: String) { self = MigrationPhase(rawValue: word) ?? .other }

  /// Nothing more comes.
  var isOver: Bool { [.none, .completed, .failed, .cancelled].contains(self) }
}

/// What `query-migrate` tells of a migration, at its source.
struct MigrationReport: Sendable, Equatable {
  var phase: MigrationPhase
  /// Passes over the guest's memory so far.
  var rounds: Int
  /// Bytes that were sent.
  var sent: Int
  /// Bytes of memory that are still to be sent.
  var remaining: Int
  /// Milliseconds for which the guest stood still, once that is known.
  var downtime: Int?
  /// Milliseconds since it began.
  var time: Int
  /// Why it failed, in QEMU's words.
  var error: String?

  /// - Parameter answer: what `query-migrate` brought.
  init(_ answer: QMPValue) {
    phase = answer["status"]?.text.map { MigrationPhase($0) } ?? .none
    let memory = answer["ram"]
    rounds = memory?["dirty-sync-count"]?.integer ?? 0
    sent = memory?["transferred"]?.integer ?? 0
    remaining = memory?["remaining"]?.integer ?? 0
    downtime = answer["downtime"]?.integer
    time = answer["total-time"]?.integer ?? 0
    error = answer["error-desc"]?.text
  }
}

extension QMPCommand {
  static let queryMigration = QMPCommand(name: "query-migrate")
  static let queryStatus = QMPCommand(name: "query-status")
  static let cancelMigration = QMPCommand(name: "migrate_cancel")
  /// Lets a source go on that waits at `preSwitchover`.
  static let switchOver = QMPCommand(name: "migrate-continue", arguments: ["state": .text("pre-switchover")])
  static let goOn = QMPCommand(name: "cont")
  static let standStill = QMPCommand(name: "stop")

  /// Both ends have the same, but for what only the source does.
  /// - Parameter names: those that are set, by QEMU's names, on or off.
  static func capabilities(_ names: KeyValuePairs<String, Bool>) -> QMPCommand {
    let items = names.map { QMPValue.object(["capability": .text($0.key), "state": .boolean($0.value)]) }
    return QMPCommand(name: "migrate-set-capabilities", arguments: ["capabilities": .list(items)])
  }

  /// - Parameters:
  ///   - bandwidth: bytes in a second.
  ///   - downtime: milliseconds for which the guest may stand still.
  static func migrationLimits(bandwidth: Int, downtime: Int) -> QMPCommand {
    QMPCommand(
      name: "migrate-set-parameters",
      arguments: ["max-bandwidth": .integer(bandwidth), "downtime-limit": .integer(downtime)])
  }

  /// - Parameter socket: path at which the target listens.
  static func migrate(to socket: String) -> QMPCommand {
    QMPCommand(name: "migrate", arguments: ["uri": .text("unix:\(socket)")])
  }

  /// Has a machine that was started with `-incoming defer` listen.
  static func takeIn(from socket: String) -> QMPCommand {
    QMPCommand(name: "migrate-incoming", arguments: ["uri": .text("unix:\(socket)")])
  }
}
