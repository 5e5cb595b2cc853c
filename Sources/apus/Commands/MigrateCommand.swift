import ArgumentParser
import Control
import Lab
import Topology

struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Move a machine into a new QEMU while its guest runs.",
    discussion: """
      The guest goes on with its memory, addresses and connections; its NICs keep their VLANs, faults, captures and
      counters. Ctrl-C calls it back, and after an error the machine goes on where it was.
      """
  )
  .withExamples("migrate")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The machine.", completion: Names.nodes) var node: String

  private static let rate = { @Sendable (text: String) throws -> Int in
    guard let bits = Units.bitsPerSecond(text), bits >= 8 else {
      throw ValidationError("a rate such as 800Mbit is expected")
    }
    return bits
  }
  private static let pause = { @Sendable (text: String) throws -> Double in
    guard let seconds = Units.seconds(text), MigrateQuery.downtimes.contains(seconds) else {
      throw ValidationError("a time from 1ms to 2000s is expected")
    }
    return seconds
  }

  @Option(
    name: .long, help: "How fast memory is sent at most, where it has to be sent: 800Mbit. (APUS_BANDWIDTH)",
    transform: rate)
  var bandwidth: Int?

  @Option(
    name: .long, help: "How long the guest may stand still; 300ms without it. (APUS_DOWNTIME)", transform: pause)
  var downtime: Double?

  @Option(name: .long, help: "The host that it is to go to; this one without it. (APUS_TO)") var to: String?

  @OptionGroup var output: OutputOptions

  func run() async throws {
    var query = MigrateQuery()
    query.bandwidth = try Variables.option(bandwidth, "BANDWIDTH", Self.rate)
    query.downtime = try Variables.option(downtime, "DOWNTIME", Self.pause)
    query.to = Variables.option(to, "TO")
    var outcome: MigrationRow?
    try await selection.session().client.stream(API.migrate, of: node, query: query) { line in
      switch line {
      case .progress(let text): Output.words(text)
      case .round(let round): Output.words(MigrationNews.round(round).words(of: node))
      case .migrated(let row): outcome = row
      case .failed(let error): throw error.userError
      }
    }
    guard let outcome else { throw UserError(.failed, "the daemon did not say how `migrate` ended") }
    try output.write([outcome])
  }
}
