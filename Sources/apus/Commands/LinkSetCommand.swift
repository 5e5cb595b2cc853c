import ArgumentParser
import Control
import Lab
import Topology

struct LinkSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change a link's carrier or impairments at run time.",
    usage: "apus link set LINK [up|down] [delay=40ms jitter=5ms loss=0.5% rate=8Mbit ...] [--from END] [--replace]",
    discussion: """
      Values that are not named stay as they are. Keys: delay, jitter (times), loss, duplicate, reorder, corrupt
      (shares), rate, queue (frames). `apus link reset` goes back to the lab file.
      """)

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link.") var name: String
  @Argument(help: "up, down, or KEY=VALUE.") var settings: [String] = []
  @Option(name: .long, help: "Only frames that this end sends, or the carrier at it. (APUS_FROM)")
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
