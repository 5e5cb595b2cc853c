import ArgumentParser

struct VLANCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vlan", abstract: "VLANs of ports.", subcommands: [VLANListCommand.self])
}
