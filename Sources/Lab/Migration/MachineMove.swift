import Glibc
import LinuxHost
import Logging
import Topology

/// The QEMU to which a machine moves.
struct MoveTarget: Sendable {
  let process: ProcessIdentity
  let monitor: QEMUMonitor
  /// What QEMU itself has said since it was started.
  var said: GrowingFile

  /// Ends it; nothing happens if it has ended.
  func end() async {
    monitor.close()
    await VMNode.kill(process)
  }

  /// Returns when it takes commands.
  func waitUntilReady(_ move: MachineMove) async throws {
    let end = ContinuousClock.now + .seconds(MachineMove.startTimeout)
    while await !monitor.waitForCommandMode(seconds: 0.2) {
      try Task.checkCancellation()
      guard process.isAlive else { throw UserError(.failed, "the second QEMU has ended\(words)") }
      guard ContinuousClock.now < end else {
        throw UserError(.failed, "the second QEMU does not answer after \(Int(MachineMove.startTimeout)) s\(words)")
      }
    }
  }

  /// What it has said, to be put behind a sentence.
  var words: String {
    var said = said
    let lines = String(decoding: said.newBytes(), as: UTF8.self).split(whereSeparator: \.isNewline)
      // It warns so of every back-end that has no configuration space, which no network device needs.
      .filter { !$0.contains("VHOST_USER_PROTOCOL_F_CONFIG") && !$0.allSatisfy(\.isWhitespace) }
    guard !lines.isEmpty else { return "" }
    // The cause comes first, and what both QEMUs make of it behind: five lines where memory is of another size.
    return "; it said: \(lines.suffix(8).map { ShownText.line(String($0)) }.joined(separator: " | "))"
  }
}

/// A move of a machine from one QEMU into another of this host.
struct MachineMove: Sendable {
  /// Seconds that the second QEMU has to be there; a busy host takes its time.
  static let startTimeout = 60.0
  /// Pause between two questions how far it is.
  private static let interval = Duration.milliseconds(200)
  /// Seconds after which one of both has to have the last word, once the other one has had it.
  private static let endTimeout = 30.0
  /// The same once the machine that it left has ended: the other one has all of it, or never will.
  private static let orphanTimeout = 5.0
  /// Bytes a second where nobody says how many: as many as go.
  private static let unbounded = 64 << 30

  let definition: NodeDefinition
  let paths: NodePaths
  let logger: Logger
  let wish: MigrationWish
  let help: MigrationHelp
  let source: QEMUMonitor
  let sourceProcess: ProcessIdentity
  /// Its memory is sent; else both have it.
  let isCopied: Bool
  var machine: MovedMachine
  let executable: String
  /// Of its NICs in the second QEMU.
  let sockets: [String: String]
  let note: AsyncStream<MoveEvent>.Continuation

  /// NICs that QEMU emulates: nothing but QEMU tells when they stand still.
  var emulated: [NICDefinition] { definition.nics.filter(\.model.isEmulated) }

  var request: SpawnRequest {
    var request = SpawnRequest(executable: executable, arguments: machine.arguments())
    request.standardOutput = paths.processLog
    request.standardError = paths.processLog
    request.fileMask = HostTool.fileMask
    return request
  }

  func tell(_ text: String) { help.tell(.words("\(definition.name): \(text)")) }

  /// Frames to NICs that QEMU emulates wait, or go on.
  func hold(_ holds: Bool) async {
    if !emulated.isEmpty { await help.hold(emulated, holds) }
  }

  /// Moves the machine; returns when it runs in the second QEMU.
  func carryOut(into target: MoveTarget, _ events: AsyncStream<MoveEvent>) async throws {
    try await begin(target)
    let watches = watch(target)
    defer { for watch in watches { watch.cancel() } }
    var last = MigrationRound(number: 0, sent: 0, remaining: 0)
    for await event in events {
      switch event {
      case .target(.migration(.completed)): return
      case .target(.migration(.failed)): throw UserError(.failed, "the second QEMU could not take it\(target.words)")
      case .targetEnded: throw UserError(.failed, "the second QEMU has ended\(target.words)")
      case .sourceEnded: throw UserError(.failed, "its machine has ended")
      case .source(.migration(.failed)), .source(.migration(.cancelled)): throw await failure(target)
      case .source(.migration(.preSwitchover)):
        await hold(true)
        try await source.execute(.switchOver)
      case .look: last = await look(after: last)
      case .source, .target: break
      }
    }
    throw CancellationError()
  }

  private func begin(_ target: MoveTarget) async throws(UserError) {
    try await target.monitor.execute(
      .capabilities(["events": true, "return-path": true, "x-ignore-shared": !isCopied]))
    try await source.execute(
      .capabilities([
        "events": true, "return-path": true, "x-ignore-shared": !isCopied,
        // So that there is a moment at which the guest stands still in both.
        "pause-before-switchover": !emulated.isEmpty,
      ]))
    try await source.execute(.migrationLimits(bandwidth: wish.bandwidth ?? Self.unbounded, downtime: wish.downtime))
    try await target.monitor.execute(.takeIn(from: paths.moveSocket))
    try await source.execute(.migrate(to: paths.moveSocket))
  }

  /// Tells of the ends of processes, and when to look.
  private func watch(_ target: MoveTarget) -> [Task<Void, Never>] {
    let note = note
    return [
      Task { while (try? await Task.sleep(for: Self.interval)) != nil { note.yield(.look) } },
      Task {
        while !Task.isCancelled {
          guard await target.process.wait(timeoutSeconds: 10), !Task.isCancelled else { continue }
          note.yield(.targetEnded)
          return
        }
      },
    ]
  }

  private func look(after last: MigrationRound) async -> MigrationRound {
    // At switch-over QEMU answers nothing, for as long as the guest may stand still.
    guard let answer = try? await source.ask(.queryMigration) else { return last }
    let report = MigrationReport(answer)
    guard report.phase == .active, report.rounds != last.number else { return last }
    let round = MigrationRound(number: report.rounds, sent: report.sent, remaining: report.remaining)
    help.tell(.round(round))
    return round
  }

  /// Why the source gave up: what the second QEMU has said is the reason, as a rule.
  private func failure(_ target: MoveTarget) async -> UserError {
    // It may be about to say so.
    _ = await target.process.wait(timeoutSeconds: 1)
    let report = (try? await source.ask(.queryMigration)).map { MigrationReport($0) }
    let reason = report?.error.map { ": \($0)" } ?? ""
    return UserError(.failed, "QEMU has given up\(reason)\(target.words)")
  }

  /// What the source tells of it in the end; nil if it tells nothing.
  func finalReport() async -> MigrationReport? {
    let end = ContinuousClock.now + .seconds(2)
    var report: MigrationReport?
    while ContinuousClock.now < end {
      report = (try? await source.ask(.queryMigration)).map { MigrationReport($0) } ?? report
      guard let report, !report.phase.isOver else { break }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return report
  }

  /// Whether the machine is in the second QEMU though something went wrong: it calls the move back, and sees who has
  /// had the last word.
  func hasArrivedAllTheSame(at target: MoveTarget) async -> Bool {
    var end = ContinuousClock.now + .seconds(Self.endTimeout) + .milliseconds(wish.downtime)
    var sourceHasEnded = false
    while ContinuousClock.now < end, target.process.isAlive {
      if await target.monitor.runs { return true }
      if sourceProcess.isAlive {
        guard await !source.hasStayed else { return false }
      } else if !sourceHasEnded {
        sourceHasEnded = true
        end = min(end, ContinuousClock.now + .seconds(Self.orphanTimeout))
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return false
  }

  /// What stands before the reason why a machine was not migrated, if it goes on, and if it does not.
  static let outcomes = (goesOn: "not migrated, it goes on where it was: ", ended: "not migrated: ")

  /// An error that says of what it is, and whether the machine goes on.
  func explained(_ error: any Error, goesOn: Bool) -> any Error {
    if error is CancellationError { return error }
    var error = UserError.wrapping(error, "node \(definition.name)")
    let prefix = "node \(definition.name): "
    if !error.message.hasPrefix(prefix) { error.message = prefix + error.message }
    let outcome = goesOn ? Self.outcomes.goesOn : Self.outcomes.ended
    error.message = prefix + outcome + error.message.dropFirst(prefix.count)
    return error
  }
}

extension QMPCommand {
  /// QEMU's name of the kind of machine.
  static let machineType = QMPCommand(
    name: "qom-get", arguments: ["path": .text("/machine"), "property": .text("type")])
}

extension ProcessIdentity {
  /// Whether it has the file mapped that lies at a path now.
  func maps(_ path: String) -> Bool {
    guard isAlive, let text = HostFacts.text(ofFile: "/proc/\(pid)/maps") else { return false }
    // One that was removed since, or replaced, has a word behind its path.
    return text.split(separator: "\n").contains { $0.hasSuffix(" \(path)") }
  }
}
