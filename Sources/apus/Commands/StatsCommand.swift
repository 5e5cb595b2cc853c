import ArgumentParser
import Control

struct StatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Show what workers did and ports counted, with drops by reason.")

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
    let text = try rendering.text(stats, table: stats.description(since: before?.0, seconds: before?.1 ?? 1))
    // Home and clear to the end of the screen (ECMA-48 CUP, ED).
    let isScreen = watch && rendering.format == .table && Output.isTerminal
    Output.data(isScreen ? "\u{1B}[H\u{1B}[J\(text)" : text)
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }
}
