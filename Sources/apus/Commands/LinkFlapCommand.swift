import ArgumentParser
import Control
import Lab
import Topology

struct LinkFlapCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flap", abstract: "Take a link's carrier down and up again, some times.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link.") var name: String
  @Option(name: .customLong("down"), help: "How long it is down. (APUS_DOWN)") var down: String = "1s"
  @Option(name: .customLong("up"), help: "How long it is up in between. (APUS_UP)") var up: String = "1s"
  @Option(name: .long, help: "How often. (APUS_COUNT)") var count: Int = 1

  func validate() throws {
    for text in [down, up] where Self.seconds(text) == nil {
      throw ValidationError("\"\(text)\" is not a time such as 500ms")
    }
    if !(1...1_000_000).contains(count) { throw ValidationError("--count takes a number from 1 to 1000000") }
  }

  func run() async throws {
    let session = try selection.session()
    let (down, up) = (Self.seconds(down) ?? 1, Self.seconds(up) ?? 1)
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

  /// A time as the lab file writes it.
  private static func seconds(_ text: String) -> Double? {
    var definition = ImpairmentDefinition()
    guard (try? definition.set(.delay, to: text)) != nil else { return nil }
    return definition.delay
  }

  private func set(_ session: LabSession, _ isUp: Bool) async throws {
    var change = LinkChange()
    change.carrier = isUp
    _ = try await session.change(name, change)
  }
}
