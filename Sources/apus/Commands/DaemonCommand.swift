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

  @Option(
    name: .customLong("take-over"),
    help: "Go on with the lab of the daemon at the other end of this descriptor, 0 (started by `upgrade`).")
  var descriptor: Int?

  func validate() throws {
    guard descriptor ?? 0 == 0 else { throw ValidationError("--take-over is standard input, 0") }
  }

  func run() async throws {
    guard descriptor == nil else { return try await takeOver() }
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

  /// Goes on with a lab; until it has begun, whatever happens to this process is nothing to the lab.
  private func takeOver() async throws {
    LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
    var logger = Logger(label: "apus")
    do {
      try LabSelection.check(lab)
      let predecessor = try Predecessor()
      do {
        let takeOver = try await TakeOver.begin(predecessor)
        if takeOver.handed.isForeground { logger.logLevel = .notice }
        let directories = LabDirectories.resolve(environment: Variables.all)
        var daemon = Daemon(name: lab, directories: directories, logger: logger)
        daemon.isForeground = takeOver.handed.isForeground
        try await daemon.run(takeOver)
      } catch {
        await predecessor.tell(UserError(any: error))
        throw error
      }
      logger.info("ended")
    } catch {
      let error = UserError(any: error)
      logger.error("\(error)")
      throw CommandStatus(error.code)
    }
  }
}
