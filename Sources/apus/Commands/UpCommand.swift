import ArgumentParser
import Control
import Lab
import Logging
import Topology

struct UpCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Make a lab file true; again, it changes nothing.", aliases: ["apply", "deploy"])

  @Argument(help: "The lab file; `-` is standard input.") var file: String

  @Flag(name: .long, help: "Stay in the terminal; Ctrl-C takes the lab down. (APUS_FOREGROUND)")
  var foreground = Variables.isSet("FOREGROUND")

  @Flag(name: .long, help: "Take down a lab of that name that is something else. (APUS_REPLACE)")
  var replace = Variables.isSet("REPLACE")

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    let lab = try LabFile(try LabFile.path(file, of: "apus up"), directories: directories).checked()
    let lifecycle = LabLifecycle(directories: directories)
    if replace { try await lifecycle.makeWay(for: lab) }
    guard foreground else { return try write(try await lifecycle.bringUp(lab)) }
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = .notice
      return handler
    }
    let daemon = Daemon(name: lab.name, directories: directories, logger: Logger(label: "apus"))
    try await daemon.run(first: lab) { plan in
      try write(plan)
      Output.words("lab \(lab.name) is up; Ctrl-C takes it down")
    }
  }

  private func write(_ plan: [PlanStep]) throws {
    Output.data(try output.rendering.plan(plan))
  }
}
