import ArgumentParser
import Control

struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Threads that move frames.", subcommands: [WorkerListCommand.self]
  )
  .withExamples("worker")
}

struct WorkerListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List where each worker runs, what it serves, how busy it was in the last second.",
    aliases: ["ls"]
  )
  .withExamples("worker list")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.workers))
  }
}
