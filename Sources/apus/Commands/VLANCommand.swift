import ArgumentParser
import Control

struct VLANCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vlan", abstract: "VLANs of ports.", subcommands: [VLANListCommand.self]
  )
  .withExamples("vlan")
}

struct VLANListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List which port belongs to which VLAN.", aliases: ["ls"]
  )
  .withExamples("vlan list")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.vlans))
  }
}
