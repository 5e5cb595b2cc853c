import ArgumentParser
import Control
import Lab
import Logging
import Topology

struct UpCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Make a lab file true; again, it changes nothing.", aliases: ["apply", "deploy"]
  )
  .withExamples("up")

  @Argument(help: "The lab file; `-` is standard input.", completion: Names.labFiles) var file: String

  @Flag(name: .long, help: "Stay in the terminal; Ctrl-C takes the lab down. (APUS_FOREGROUND)")
  var foreground = Variables.isSet("FOREGROUND")

  @Flag(name: .long, help: "Take down a lab of that name that is from another file. (APUS_REPLACE)")
  var replace = Variables.isSet("REPLACE")

  @Flag(name: .long, help: "Only print what would be done; status 3 if that is something. (APUS_DRY_RUN)")
  var dryRun = Variables.isSet("DRY_RUN")

  @Flag(name: .long, help: "Start machines again where a change needs it. (APUS_ALLOW_RESTART)")
  var allowRestart = Variables.isSet("ALLOW_RESTART")

  @Flag(name: .long, help: "Forget what was set at run time. (APUS_RESET)")
  var reset = Variables.isSet("RESET")

  private static let machineCount = OptionText.number(in: 1...Int.max)

  @Option(
    name: .long, help: "Machines that boot at once; as many as the host bears without it. (APUS_PARALLEL)",
    transform: machineCount)
  var parallel: Int?

  private static let httpPlace = { @Sendable (text: String) throws -> HTTPOverride in
    guard let said = HTTPOverride(text) else {
      throw ValidationError("an address such as 127.0.0.1, 127.0.0.1:8080 or [::1]:8080, or off, is expected")
    }
    return said
  }

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Serve the API and the live page over TCP too, until `up --reset`; off: not even if the file says so. (APUS_HTTP)",
      valueName: "address[:port]"),
    transform: httpPlace)
  var http: HTTPOverride?

  @Option(
    name: .long, help: "Go on with the lab as it was saved in a folder, by `apus save`. (APUS_FROM)",
    completion: .directory)
  var from: String?

  @OptionGroup var output: OutputOptions

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    let lab = try LabFile(try LabFile.path(file, of: "apus up"), directories: directories).checked()
    let lifecycle = LabLifecycle(directories: directories)
    let options = try options()
    if dryRun, options.from != nil { throw ValidationError("--dry-run says nothing of a lab that goes on (--from)") }
    if reset, options.from != nil {
      throw ValidationError("--reset forgets what was said at run time, and --from brings it back")
    }
    if dryRun { return try await preview(lab, lifecycle, options) }
    if replace { try await makeWay(for: lab, lifecycle, options) }
    guard foreground else { return try write(try await lifecycle.bringUp(lab, options: options)) }
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = .notice
      return handler
    }
    var daemon = Daemon(name: lab.name, directories: directories, logger: Logger(label: "apus"))
    daemon.isForeground = true
    // Its log goes to the same terminal.
    let display = ProgressDisplay(.up, lab: lab.name, definition: lab, updates: false)
    try await daemon.run(first: lab, options: options, progress: { display.take($0) }) { plan in
      display.finish()
      Output.words(LabLifecycle.upWords(lab, display))
      try write(plan.map { PlanRow($0) })
      Output.words("lab \(lab.name) is up; Ctrl-C takes it down")
    }
  }

  private func options() throws -> BringUpOptions {
    var options = BringUpOptions()
    options.allowsRestart = allowRestart
    options.isReset = reset
    options.parallel = try Variables.option(parallel, "PARALLEL", Self.machineCount)
    options.http = try Variables.option(http, "HTTP", Self.httpPlace)
    options.httpToken = try HTTPToken.takeFromEnvironment()
    options.from = Variables.option(from, "FROM").map { HostPaths.absolute($0) }
    return options
  }

  /// Takes down what is in the lab's way, unless it can be seen that the lab cannot go on as it was saved.
  private func makeWay(for lab: CanonicalLab, _ lifecycle: LabLifecycle, _ options: BringUpOptions) async throws {
    if let path = options.from, lifecycle.directories.hasLab(lab.name) {
      try await SavedLabs.check(path, for: lab, in: lifecycle.directories, environment: Variables.all)
    }
    try await lifecycle.makeWay(for: lab)
  }

  private func preview(_ lab: CanonicalLab, _ lifecycle: LabLifecycle, _ options: BringUpOptions) async throws {
    let isServing = try await lifecycle.isServing(lab.name)
    let plan = try LabPreview.steps(
      lab, directories: lifecycle.directories, isServing: isServing, isReset: reset,
      http: options.http)
    Output.data(try output.rendering.plan(plan.map { PlanRow($0) }))
    if plan.contains(where: { $0.action != .drift }) { throw CommandStatus(.different) }
  }

  /// All of it; a person at a terminal sees how much of each kind where it is long.
  private func write(_ plan: [PlanRow]) throws {
    let rendering = output.rendering
    let isLong = rendering.format == .table && (Output.size.map { plan.count > max(8, $0.rows - 6) } ?? false)
    Output.data(try rendering.plan(isLong ? PlanRow.folded(plan) : plan))
  }
}
