import ArgumentParser
import Control
import Lab

struct FDBCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fdb", abstract: "Forwarding databases of switches.",
    subcommands: [FDBListCommand.self, FDBFlushCommand.self, FDBAddCommand.self, FDBRemoveCommand.self]
  )
  .withExamples("fdb")
}

struct FDBListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the addresses that switches know.", aliases: ["ls"]
  )
  .withExamples("fdb list")

  @OptionGroup var selection: LabOptions
  @Option(name: .customLong("switch"), help: "Only this switch. (APUS_SWITCH)", completion: Names.switches)
  var switchName: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let query = FDBQuery(switchName: Variables.option(switchName, "SWITCH"))
    try output.write(try await selection.session().client.ask(API.fdb, query: query))
  }
}

struct FDBFlushCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flush", abstract: "Forget learnt addresses: all of them, or those that the options select."
  )
  .withExamples("fdb flush")

  @OptionGroup var selection: LabOptions
  @Option(name: .customLong("switch"), help: "Only this switch. (APUS_SWITCH)", completion: Names.switches)
  var switchName: String?
  @Option(name: .long, help: "Only addresses behind this port. (APUS_PORT)", completion: Names.ports) var port: String?
  @Option(name: .long, help: "Only this VLAN, 1 to 4094. (APUS_VLAN)", completion: Names.vlans, transform: vlanID)
  var vlan: Int?

  private static let vlanID = OptionText.number(in: 1...4094)

  func run() async throws {
    var query = FDBFlushQuery()
    query.switchName = Variables.option(switchName, "SWITCH")
    query.port = Variables.option(port, "PORT")
    query.vlan = try Variables.option(vlan, "VLAN", Self.vlanID)
    try await selection.session().client.tell(API.fdbFlush, query: query)
  }
}

struct FDBAddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Fix an address behind a port: a static entry, which is neither learnt nor forgotten.",
    usage: "apus fdb add SWITCH MAC PORT [--vlan V]"
  )
  .withExamples("fdb add")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The switch.", completion: Names.switches) var switchName: String
  @Argument(help: "The station's address.") var mac: String
  @Argument(help: "The port that leads to it.", completion: Names.ports) var port: String
  @Option(
    name: .long, help: "The VLAN, by name or number; that of the port's untagged frames without it. (APUS_VLAN)",
    completion: Names.vlans)
  var vlan: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let request = StationRequest(
      switchName: switchName, mac: mac, port: port, vlan: Variables.option(vlan, "VLAN"))
    try output.write([try await selection.session().client.ask(API.fdbAdd, StationBody(request))])
  }
}

struct FDBRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a static entry.", usage: "apus fdb remove SWITCH MAC [--vlan V]",
    aliases: ["rm"]
  )
  .withExamples("fdb remove")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The switch.", completion: Names.switches) var switchName: String
  @Argument(help: "The station's address.") var mac: String
  @Option(name: .long, help: "Only in this VLAN, by name or number. (APUS_VLAN)", completion: Names.vlans) var vlan:
    String?

  func run() async throws {
    let query = StationQuery(switchName: switchName, vlan: Variables.option(vlan, "VLAN"))
    try await selection.session().client.tell(API.fdbRemove, of: mac, query: query)
  }
}
