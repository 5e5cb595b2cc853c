import ArgumentParser
import Control

struct StatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Show what workers did and ports counted, with drops by reason."
  )
  .withExamples("stats")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions
  @Flag(name: .long, help: "Again every second, with rates, until Ctrl-C. (APUS_WATCH)")
  var watch = Variables.isSet("WATCH")

  func run() async throws {
    let client = try selection.session().client
    var before: (stats: StatsRow, time: ContinuousClock.Instant)?
    repeat {
      let stats = try await client.ask(API.stats)
      let time = ContinuousClock.now
      try write(stats, since: before.map { ($0.stats, Self.seconds(time - $0.time)) })
      before = (stats, time)
      if watch { try await Task.sleep(for: .seconds(1)) }
    } while watch
  }

  /// With `--watch`, JSON is an object a line, whatever the format asked for.
  private func write(_ stats: StatsRow, since before: (StatsRow, Double)?) throws {
    var rendering = output.rendering
    if watch, rendering.format == .json { rendering.format = .jsonl }
    // A table that cannot stay in its place is written below the one before.
    let canMoveCursor = Variables.all["TERM"] != "dumb"
    guard watch, rendering.format == .table, canMoveCursor, let size = Output.size, size.rows >= 4 else {
      let room = Output.size.map { (rows: Int.max, columns: $0.columns) }
      let table = stats.description(since: before?.0, seconds: before?.1 ?? 1, size: room)
      guard watch else { return Output.data(try rendering.text(stats, table: table)) }
      let watched = WatchedStats(stats, since: before?.0, seconds: before?.1 ?? 1)
      return Output.data(try rendering.text(watched, table: table))
    }
    // The cursor stays in the last line, where Ctrl-C leaves a prompt.
    let room = (rows: size.rows - 1, columns: size.columns)
    let lines = stats.description(since: before?.0, seconds: before?.1 ?? 1, size: room)
    Output.data(EscapeSequence.frame(lines + [""]))
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }
}
