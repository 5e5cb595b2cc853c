import ArgumentParser
import Control
import Lab

/// The command line: a file a command in `Commands/`, or for those that one reads together; one line each here.
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
          UpCommand.self, DownCommand.self, SaveCommand.self, PSCommand.self, ValidateCommand.self, TestCommand.self,
          GraphCommand.self, ImportCommand.self, UpgradeCommand.self,
        ]),
      CommandGroup(
        name: "Nodes",
        subcommands: [
          ExecCommand.self, ConsoleCommand.self, LogsCommand.self, StartCommand.self, StopCommand.self,
          RestartCommand.self, MigrateCommand.self,
        ]),
      CommandGroup(
        name: "Network",
        subcommands: [
          PortCommand.self, AccessCommand.self, LinkCommand.self, FDBCommand.self, VLANCommand.self,
          CaptureCommand.self, TraceCommand.self, StatsCommand.self, TopCommand.self, WorkerCommand.self,
          EventsCommand.self,
        ]),
      CommandGroup(
        name: "This program",
        subcommands: [
          ImageCommand.self, DoctorCommand.self, SchemaCommand.self, CompletionCommand.self, VersionCommand.self,
          DaemonCommand.self, ExtcapCommand.self, CNICommand.self, CompleteCommand.self, CompleteLineCommand.self,
          ManualCommand.self,
        ]),
    ])

  static func main() async {
    var arguments = Array(CommandLine.arguments.dropFirst())
    // Wireshark calls what lies in its folder by that name alone: a link of this name is `apus extcap`.
    let name = CommandLine.arguments.first?.split(separator: "/").last ?? ""
    if name.hasPrefix("apus-extcap") { arguments.insert("extcap", at: 0) }
    // The same for container runtimes, which say by variables what they want.
    if arguments.isEmpty, CNIPlugin.isAsked(Variables.all) { arguments = ["cni"] }
    let status = await Launcher.run(arguments)
    Output.end(status)
  }
}
