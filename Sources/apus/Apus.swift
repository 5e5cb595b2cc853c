import ArgumentParser
import Control
import Lab

/// The command line: one file per command in `Commands/`, one line each here.
@main
struct Apus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "Virtual network switch, vhost-user back-end and lab tool.",
    discussion: "A FILE contains `/`, ends in .yaml or .yml, or is `-`; anything else is the name of a LAB.",
    version: "apus \(Product.version)",
    groupedSubcommands: [
      CommandGroup(
        name: "Labs",
        subcommands: [
          UpCommand.self, DownCommand.self, PSCommand.self, ValidateCommand.self, TestCommand.self, GraphCommand.self,
        ]),
      CommandGroup(
        name: "Nodes",
        subcommands: [
          ExecCommand.self, ConsoleCommand.self, LogsCommand.self, StartCommand.self, StopCommand.self,
          RestartCommand.self,
        ]),
      CommandGroup(
        name: "Network",
        subcommands: [PortCommand.self, LinkCommand.self, FDBCommand.self, VLANCommand.self, StatsCommand.self]),
      CommandGroup(
        name: "This program",
        subcommands: [
          DoctorCommand.self, SchemaCommand.self, CompletionCommand.self, VersionCommand.self, DaemonCommand.self,
        ]),
    ])

  static func main() async {
    let status = await Launcher.run(Array(CommandLine.arguments.dropFirst()))
    Output.end(status)
  }
}
