import ArgumentParser
import Control
import Lab

struct LinkFlapCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flap", abstract: "Take a link's carrier down and up again, some times.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link.") var name: String
  @Option(name: .long, help: "How long it is down; 1s without it. (APUS_DOWN)", transform: OptionText.pause)
  var down: Double?
  @Option(name: .long, help: "How long it is up in between; 1s without it. (APUS_UP)", transform: OptionText.pause)
  var up: Double?
  @Option(name: .long, help: "How often; once without it. (APUS_COUNT)", transform: flapCount) var count: Int?

  private static let flapCount = OptionText.number(in: 1...1_000_000)

  func run() async throws {
    let down = try Variables.option(down, "DOWN", OptionText.pause) ?? 1
    let up = try Variables.option(up, "UP", OptionText.pause) ?? 1
    let count = try Variables.option(count, "COUNT", Self.flapCount) ?? 1
    let session = try selection.session()
    // However it ends, the link is not left down.
    let signals = SignalStream.of([2, 15])
    let work = Task {
      for turn in 1...count {
        try await set(session, false)
        try await Task.sleep(for: .seconds(down))
        try await set(session, true)
        Output.words("\(name): flap \(turn) of \(count)")
        if turn < count { try await Task.sleep(for: .seconds(up)) }
      }
    }
    let watch = Task { for await _ in signals { work.cancel() } }
    defer { watch.cancel() }
    do {
      try await work.value
    } catch is CancellationError {
      try await set(session, true)
      throw UserError(.failed, "interrupted; link \(name) is up")
    }
  }

  private func set(_ session: LabSession, _ isUp: Bool) async throws {
    var change = LinkChange()
    change.carrier = isUp
    _ = try await session.change(name, change)
  }
}
