import ArgumentParser
import Control
import Lab

struct FDBFlushCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flush", abstract: "Forget learnt addresses: all of them, or those that the options select.")

  @OptionGroup var selection: LabOptions
  @Option(name: .customLong("switch"), help: "Only this switch. (APUS_SWITCH)") var switchName: String?
  @Option(name: .long, help: "Only addresses behind this port. (APUS_PORT)") var port: String?
  @Option(name: .long, help: "Only this VLAN, 1 to 4094. (APUS_VLAN)") var vlan: String?

  func run() async throws {
    var query = FDBFlushQuery()
    query.switchName = switchName ?? Variables.value("SWITCH")
    query.port = port ?? Variables.value("PORT")
    query.vlan = try (vlan ?? Variables.value("VLAN")).map { text throws(UserError) in
      guard let vlan = Int(text), (1...4094).contains(vlan) else {
        throw UserError(.badInput, "VLAN \"\(text)\" is not a number from 1 to 4094")
      }
      return vlan
    }
    try await selection.session().client.tell(API.fdbFlush, query: query)
  }
}
