import ArgumentParser
import Control
import Foundation
import Glibc
import Lab

struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "Watch ports, links, workers and nodes: rates, drops, states.",
    discussion: """
      Keys: p l w n or 1-4 change the view, s < > the column it is sorted by, r turns it round, / filters, arrows \
      scroll, ? tells all of them, q leaves.
      """
  )
  .withExamples("top")

  private static let roundCount = OptionText.number(in: 1...Int.max)

  @OptionGroup var selection: LabOptions
  @Option(
    name: .long, help: "ports, links, workers or nodes. (APUS_VIEW)", completion: .words(of: TopView.self),
    transform: OptionText.word)
  var view: TopView?
  @Option(name: .long, help: "The column to sort by, by its title. (APUS_SORT)") var sort: String?
  @Option(name: .long, help: "Only rows with this text. (APUS_FILTER)") var filter: String?
  @Option(
    name: .shortAndLong, help: "How often to look; 1s without it. (APUS_DELAY)", transform: OptionText.time)
  var delay: Double?
  @Flag(name: .shortAndLong, help: "Print one table after the other, for scripts. (APUS_BATCH)")
  var batch = Variables.isSet("BATCH")
  @Option(
    name: [.customShort("n"), .long], help: "With --batch, end after this many tables. (APUS_ROUNDS)",
    transform: roundCount)
  var rounds: Int?

  func run() async throws {
    let state = try state()
    let rounds = try Variables.option(rounds, "ROUNDS", Self.roundCount)
    if rounds != nil, !batch { throw ValidationError("--rounds needs --batch") }
    let delay = min(try Variables.option(delay, "DELAY", OptionText.time) ?? 1, 86_400)
    let session = try selection.session()
    var source = TopSource(session, delay: delay)
    guard !batch else { return try await report(source, state, rounds) }
    let variables = Variables.all
    guard Output.isTerminal, isatty(STDIN_FILENO) == 1, variables["TERM"] != "dumb" else {
      throw UserError(
        .badInput, "`apus top` needs a terminal that can move its cursor",
        hint: "`apus top --batch` prints tables anywhere; `apus stats --watch -o jsonl` is for programs")
    }
    // Before the screen is taken, so that a lab that cannot be reached is told like anywhere else.
    let first = try await source.next()
    try await TopSession(source, state).run(first)
  }

  private func state() throws -> TopState {
    let view = try Variables.option(view, "VIEW", OptionText.word) ?? .ports
    var state = TopState(view: view, filter: Variables.option(filter, "FILTER") ?? "")
    if let title = Variables.option(sort, "SORT"), !state.sort(by: title) {
      throw UserError(
        .badInput, "the view \(view.rawValue) has no column \"\(title)\"",
        hint: "known: \(view.columns.map(\.title).joined(separator: ", "))")
    }
    return state
  }

  /// The first table is of the time after the first look.
  private func report(_ source: TopSource, _ state: TopState, _ rounds: Int?) async throws {
    var source = source
    _ = try await source.next()
    var round = 0
    while rounds.map({ round < $0 }) ?? true {
      try await Task.sleep(for: .seconds(source.delay))
      let data = try await source.next()
      let lines = TopScreen.report(
        data, state, time: TopClock.now(), width: Output.width, isColoured: Output.isColoured)
      Output.data((round > 0 ? "\n" : "") + lines.map { $0 + "\n" }.joined())
      round += 1
    }
  }
}
