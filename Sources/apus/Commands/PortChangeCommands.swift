import ArgumentParser
import Control
import Foundation
import Lab

struct PortAddCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a port to a switch at run time.",
    usage: """
      apus port add SWITCH NAME --vhost-user PATH [--role listen|connect] [--queues N] [--vlan V | --trunk V,V ...]
      apus port add SWITCH NAME --stream PATH [--role listen|connect] | --dgram PATH [--vlan V | --trunk V,V ...]
      apus port add SWITCH NAME --tap INTERFACE | --nic INTERFACE [--force] [--vlan V | --trunk V,V [--native V]] [--mtu N]
      apus port add SWITCH NAME ... KEY=VALUE ...
      """,
    discussion: """
      It stays until it is removed or the lab is taken down, also over the death of the lab's daemon; `apus up --dry-run`
      lists it as drift, and `apus up --reset` removes it. A TAP that is there is used and stays; any other is made, and
      goes with the port. A NIC is an interface that this host has: it is taken from the host, and given back as it was.
      KEY=VALUE are its rules, as those of `apus port set`, from its first frame on.
      """
  )
  .withExamples("port add")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The switch.", completion: Names.switches) var switchName: String
  @Argument(help: "A name for the port.") var name: String
  @Argument(help: "KEY=VALUE: rules, as those of `apus port set`.", completion: Names.ruleSettings)
  var rules: [String] = []
  @OptionGroup var backing: PortBacking
  @Option(
    name: .long, help: "Which end of the socket Apus is: listen or connect. (default: listen) (APUS_ROLE)",
    completion: .list(["listen", "connect"]))
  var role: String?
  @Option(
    name: .long, help: "The VLAN of an access port, by name or number. (default: 1) (APUS_VLAN)",
    completion: Names.vlans)
  var vlan: String?
  @Option(
    name: .long, help: "The VLANs of a trunk: names, numbers, ranges, or all. (APUS_TRUNK)", completion: Names.vlans)
  var trunk: String?
  @Option(name: .long, help: "The VLAN of a trunk's untagged frames. (APUS_NATIVE)", completion: Names.vlans)
  var native: String?
  @Option(name: .long, help: "Queue pairs to offer, 1 to 16. (default: 1) (APUS_QUEUES)", transform: queueCount)
  var queues: Int?
  @Flag(help: "Take an interface that has addresses, and cut this host off there. (APUS_FORCE)")
  var force = Variables.isSet("FORCE")
  @Option(name: .long, help: "Largest payload in bytes, 68 to 65521. (APUS_MTU)", transform: portMTU) var mtu: Int?
  @OptionGroup var output: OutputOptions

  private static let queueCount = OptionText.number(in: 1...16)
  private static let portMTU = OptionText.number(in: 68...65521)

  func run() async throws {
    let (kind, target) = try backing.chosen()
    var request = AddedPortRequest(switchName: switchName, name: name, kind: kind, target: target)
    request.isForced = force
    request.role = Variables.option(role, "ROLE")
    request.vlan = Variables.option(vlan, "VLAN")
    request.trunk = Variables.option(trunk, "TRUNK").map(PortChange.list)
    request.native = Variables.option(native, "NATIVE")
    request.queues = try Variables.option(queues, "QUEUES", Self.queueCount)
    request.mtu = try Variables.option(mtu, "MTU", Self.portMTU)
    request.rules = try PortChange.rules(rules)
    try output.write([try await selection.session().client.ask(API.portAdd, PortRequest(request))])
  }
}

/// What is behind an added port: an option for each `AddedPortKind`, one of which is said.
struct PortBacking: ParsableArguments {
  @Option(
    name: .customLong("vhost-user"),
    help: ArgumentHelp("The path of a vhost-user socket. (APUS_VHOST_USER)", valueName: "path"), completion: .file())
  var vhostUser: String?
  @Option(
    name: .long,
    help: ArgumentHelp("The path of a socket for frames behind their lengths. (APUS_STREAM)", valueName: "path"),
    completion: .file())
  var stream: String?
  @Option(
    name: .long,
    help: ArgumentHelp("The path of a socket for frames as datagrams, of x.sock. (APUS_DGRAM)", valueName: "path"),
    completion: .file())
  var dgram: String?
  @Option(name: .long, help: ArgumentHelp("The name of a TAP of this host. (APUS_TAP)", valueName: "interface"))
  var tap: String?
  @Option(name: .long, help: ArgumentHelp("The name of an interface of this host. (APUS_NIC)", valueName: "interface"))
  var nic: String?

  /// By the words of the kinds; paths are relative to the folder of who asks.
  ///
  /// What is said on the command line hides all variables: they would be a second thing behind the port.
  private var all: [(kind: String, target: String)] {
    let said = targets { said, _ in said }
    return said.isEmpty ? targets { _, name in Variables.value(name) } : said
  }

  private func targets(_ value: (String?, String) -> String?) -> [(kind: String, target: String)] {
    [
      ("vhost-user", value(vhostUser, "VHOST_USER").map(Self.absolute)),
      ("stream", value(stream, "STREAM").map(Self.absolute)), ("dgram", value(dgram, "DGRAM").map(Self.absolute)),
      ("tap", value(tap, "TAP")), ("nic", value(nic, "NIC")),
    ].compactMap { kind, target in target.map { (kind, $0) } }
  }

  func chosen() throws -> (kind: String, target: String) {
    let chosen = all
    let known = AddedPortKind.all.map { "--\($0.word) \($0.value)" }.joined(separator: ", ")
    guard let only = chosen.first else {
      throw UserError(.badInput, "what is to be behind the port is not said", hint: "say one of \(known)")
    }
    guard chosen.count == 1 else {
      throw UserError(.badInput, "a port has one thing behind it, found \(chosen.count)", hint: "say one of \(known)")
    }
    return only
  }

  private static func absolute(_ path: String) -> String {
    guard !path.isEmpty, !path.hasPrefix("/") else { return path }
    let whole = "\(FileManager.default.currentDirectoryPath)/\(path)"
    return URL(filePath: whole).standardizedFileURL.path(percentEncoded: false)
  }
}

struct PortSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change a port at run time: one of the lab file, or one that was added.",
    usage: "apus port set NAME KEY=VALUE ...",
    discussion: """
      Keys: vlan (an access port of that VLAN), trunk (10,20-29 or all), native (a VLAN, or none), mtu (bytes), and of
      a TAP offload (on, checksum, off). Of its rules: access (an access list, or none), mac-lock (on, off), ip-lock (on,
      off, or addresses and prefixes with commas between), learn-limit (a number, or none), isolated (on, off),
      storm.broadcast, storm.multicast and storm.unknown (100/s, or none), rate.to-node and rate.from-node (10Mbit, or
      none). What is not named stays. `apus up --reset` goes back to the lab file.
      """
  )
  .withExamples("port set")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The port: NODE.NIC, or the name it was given.", completion: Names.ports) var name: String
  @Argument(help: "KEY=VALUE.", completion: Names.portSettings) var settings: [String] = []
  @OptionGroup var output: OutputOptions

  func run() async throws {
    var change = PortChange()
    for setting in settings { try change.read(setting) }
    guard !change.isEmpty else {
      throw UserError(
        .badInput, "nothing to set",
        hint: "say values such as vlan=20 or mtu=1400; known: \(PortChange.keys.joined(separator: ", "))")
    }
    try output.write([try await selection.session().client.ask(API.portSet, of: name, PortSettings(change))])
  }
}

struct PortRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a port that was added at run time.", aliases: ["rm"]
  )
  .withExamples("port remove")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The name it was given.", completion: Names.ports) var name: String

  func run() async throws {
    do {
      try await selection.session().client.tell(API.portRemove, of: name)
    } catch let error as UserError where error.code == .different {
      // 3 is the exit code of tests and dry runs.
      throw UserError(.badInput, error.message, hint: error.hint)
    }
  }
}
