import ArgumentParser
import Control
import Lab
import Topology

struct LinkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Links: carrier and impairments.",
    subcommands: [
      LinkListCommand.self, LinkShowCommand.self, LinkSetCommand.self, LinkResetCommand.self, LinkFlapCommand.self,
    ]
  )
  .withExamples("link")
}

struct LinkListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List links with their carrier and impairments.", aliases: ["ls"]
  )
  .withExamples("link list")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.links))
  }
}

struct LinkShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one link.")
    .withExamples("link show")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link; that of a NIC on a switch is named as its port.", completion: Names.links) var name: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let session = try selection.session()
    let links = try await session.client.ask(API.links)
    guard let link = PortName.find(name, in: links, by: \.name) else {
      throw UserError(.notFound, "lab \(session.name) has no link \"\(name)\"", hint: "`apus link list` lists them")
    }
    try output.write([link])
  }
}

struct LinkSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change a link's carrier or impairments at run time.",
    usage: "apus link set LINK [up|down] [delay=40ms jitter=5ms loss=0.5% rate=8Mbit ...] [--from END] [--replace]",
    discussion: """
      Values that are not named stay as they are. Keys: delay, jitter (times), loss, duplicate, reorder, corrupt
      (shares), rate, queue (frames). `apus link reset` goes back to the lab file.
      """
  )
  .withExamples("link set")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link.", completion: Names.links) var name: String
  @Argument(help: "up, down, or KEY=VALUE.", completion: Names.linkSettings) var settings: [String] = []
  @Option(
    name: .long, help: "Only frames that this end sends, or the carrier at it. (APUS_FROM)", completion: Names.ends)
  var from: String?
  @Flag(name: .long, help: "Values that are not named go. (APUS_REPLACE)") var replace = Variables.isSet("REPLACE")
  @OptionGroup var output: OutputOptions

  func run() async throws {
    var change = LinkChange()
    change.from = Variables.option(from, "FROM")
    change.isReplacement = replace
    for setting in settings { try Self.read(setting, into: &change) }
    guard change.carrier != nil || !change.impair.isEmpty || change.isReplacement else {
      throw UserError(.badInput, "nothing to set", hint: "say up, down, or values such as delay=40ms loss=0.5%")
    }
    try output.write([try await selection.session().change(name, change)])
  }

  private static func read(_ setting: String, into change: inout LinkChange) throws(UserError) {
    if setting == "up" || setting == "down" {
      change.carrier = setting == "up"
      return
    }
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
    guard parts.count == 2 else {
      let keys = ImpairmentKey.allCases.map { "\($0.rawValue)=" }.joined(separator: ", ")
      throw UserError(.badInput, "\"\(setting)\" is no setting of a link", hint: "known: up, down, \(keys)")
    }
    change.impair[parts[0]] = parts[1]
  }
}

extension LabSession {
  /// Changes a link.
  /// - Returns: the link afterwards.
  func change(_ link: String, _ change: LinkChange) async throws -> LinkRow {
    try await client.ask(API.link, of: link, LinkRequest(change))
  }
}

struct LinkResetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset", abstract: "Take a link back to what the lab file says."
  )
  .withExamples("link reset")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link.", completion: Names.links) var name: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    var change = LinkChange()
    change.isReset = true
    try output.write([try await selection.session().change(name, change)])
  }
}

struct LinkFlapCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flap", abstract: "Take a link's carrier down and up again, some times."
  )
  .withExamples("link flap")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link.", completion: Names.links) var name: String
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
