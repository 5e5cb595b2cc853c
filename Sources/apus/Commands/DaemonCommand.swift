import ArgumentParser
import Control
import Glibc
import Lab
import Logging

/// What `up` starts; not for people.
struct DaemonCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "daemon", abstract: "Serve one lab (started by `up`).", shouldDisplay: false)

  @Option(name: .long, help: "The lab.") var lab: String

  func run() async throws {
    // A process group's leader cannot make a session, so it joins its parent's group first (setsid(2)).
    setpgid(0, getpgid(getppid()))
    setsid()
    LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
    let logger = Logger(label: "apus")
    let directories = LabDirectories.resolve(environment: Variables.all)
    do {
      try LabSelection.check(lab)
      try await Daemon(name: lab, directories: directories, logger: logger).run()
      logger.info("ended")
    } catch let error as UserError {
      logger.error("\(error)")
      throw CommandStatus(error.code)
    }
  }
}
