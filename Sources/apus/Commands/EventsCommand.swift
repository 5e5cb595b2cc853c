import ArgumentParser
import Control
import Foundation
import Glibc
import Lab

struct EventsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events", abstract: "Show what happens in a lab, as it happens, until Ctrl-C.",
    discussion: """
      A line for each event: its time, its type, what it happened to, and words; with -o jsonl a JSON object.
      The last 10,000 are kept. What was lost nevertheless is told by a line of type lost.
      """
  )
  .withExamples("events")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions
  @Option(name: .long, help: "Begin so long ago (5m), or then (2026-05-04T12:00:00Z); else now. (APUS_SINCE)")
  var since: String?
  @Option(name: .long, help: "Only such types: node.ready, or node for all of nodes; several by commas. (APUS_TYPE)")
  var type: [String] = []
  @Flag(name: .long, help: "End with what is there. (APUS_NO_FOLLOW)")
  var noFollow = Variables.isSet("NO_FOLLOW")

  func run() async throws {
    var query = EventQuery()
    query.since = Variables.option(since, "SINCE")
    let words = type.isEmpty ? Variables.option(nil, "TYPE").map { [$0] } ?? [] : type
    query.types = words.flatMap { $0.split(separator: ",").map(String.init) }
    query.isFollowing = !noFollow
    query.hasWords = output.format == .table
    // Before the daemon is asked, so that a mistake is told even where no lab is up.
    _ = try query.start()
    _ = try EventFilter(query.types ?? [])
    let session = try selection.session()
    // A person's way to end it is no failure.
    let signals = SignalStream.of([SIGINT])
    let stopper = Task { for await _ in signals { Output.end(Lab.ExitCode.done.rawValue) } }
    defer { stopper.cancel() }
    var isDown = false
    let isJSON = output.format != .table
    while true {
      var last: Int?
      try await session.client.stream(API.events, query: query) { event in
        isDown = event.type == LabEventType.labDown.rawValue
        last = event.id
        await Output.written(Array((isJSON ? try JSON.text(event) + "\n" : Self.line(event)).utf8))
      }
      guard !noFollow, !isDown else { return }
      guard await isThereAgain(session) else { break }
      if let last { (query.after, query.since) = (last, nil) }
    }
    throw UserError(
      .unreachable, "the daemon of lab \(session.name) has ended",
      hint: "`apus up FILE` starts it again over the running nodes")
  }

  /// Another daemon has the lab, since an upgrade.
  private func isThereAgain(_ session: LabSession) async -> Bool {
    (try? await session.client.ask(API.version, within: DaemonProcess.answerLimit)) != nil
  }

  /// For people, in local time.
  private static func line(_ event: EventRow) -> String {
    // Guests have a say in some of it; a pipe gets what there is.
    let clean: (String) -> String = { Output.isTerminal ? TerminalText.clean($0) : $0 }
    let type = TerminalText.padded(clean(event.type), to: 15)
    let subject = TerminalText.padded(clean(event.subject), to: 16)
    let tint: EscapeSequence.Style? =
      switch LabEventType(rawValue: event.type) {
      case .nodeReady, .labUp: .green
      case .nodeFailed, .nodeNotMigrated, .portFault, .fdbFull, .lost: .red
      case .testResult: event.detail["passed"] == true ? .green : .red
      default: nil
      }
    let shown = Output.isColoured ? tint.map { EscapeSequence.styled(type, $0) } ?? type : type
    return "\(clean(time(event)))  \(shown)  \(subject)  \(clean(event.words ?? ""))\n"
  }

  private static func time(_ event: EventRow) -> String {
    guard let date = event.date else { return event.time }
    let local = date.addingTimeInterval(Double(TimeZone.current.secondsFromGMT(for: date)))
    let text = local.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    return String(text.dropFirst(11).prefix(12))
  }
}
