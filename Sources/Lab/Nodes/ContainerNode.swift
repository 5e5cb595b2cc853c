import Dataplane
import FoundationEssentials
import LinuxHost
import Topology

/// A container: its engine makes it without a network, and our TAPs are put into its namespace before its program runs.
///
/// The namespace is the process's, and ends with it; it bears a name beside those of `netns` nodes while we are in it.
/// One that is attached to is somebody else's: only the TAPs and that name are ours.
actor ContainerNode: TAPBackedNode {
  static let kind = NodeKind.container
  static func boots(_ definition: NodeDefinition) -> Bool { definition.container?.attach == nil }
  static let survives = true
  static let rewires = Rewiring.ports
  static let interfacesEndWithIt = true

  let definition: NodeDefinition
  let environment: NodeEnvironment
  nonisolated var savedParts: SavedParts { SavedParts(goesOn: true) }
  nonisolated let paths: NodePaths
  nonisolated let settings: ContainerDefinition
  nonisolated let engine: ContainerEngine

  enum Life: Sendable, Equatable {
    case stopped
    case running
    /// By itself; the exit status, if it is known.
    case ended(Int32?)
  }

  /// What happens to the container while `start` waits for it.
  enum StartEvent: Sendable {
    case ready, ended, timeout
    case failed(UserError)
  }

  var life = Life.stopped
  var record: NodeRecord?
  /// What is there by its name is not what the lab left.
  var mustBeNew = false
  var hasBecomeReady = false
  /// Why it has not become ready, until it is started again or somebody stops it.
  var failure: String?
  var readiness: Task<Void, Never>?
  var waiting: AsyncStream<StartEvent>.Continuation?
  /// Watches the process, and then for what comes after it.
  var watcher: Task<Void, Never>?
  /// It is being started by what watched it.
  var isReviving = false
  var context: StartContext?
  /// When the process was last started, and how often in a row it has ended at once.
  var startTime = ContinuousClock.now
  var quickEnds = 0

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
    paths = environment.paths(of: definition.name)
    settings = definition.container ?? ContainerDefinition()
    engine = ContainerEngine(settings.engine, environment.variables)
  }

  /// Name of the container that we make, and of the namespace of each.
  nonisolated var ownName: String { "apus-\(environment.lab)-\(definition.name)" }
  /// Name of the container, as the engine knows it.
  nonisolated var containerName: String { settings.attach ?? ownName }
  nonisolated var isAttached: Bool { settings.attach != nil }
  nonisolated var tapNamespace: String? { ownName }

  // MARK: - Before

  func check(isNew: Bool, starts: Bool) async throws(UserError) {
    guard HostFacts.isRoot else {
      throw UserError(
        .failed, "node \(definition.name): interfaces in a container need root", hint: "run as root")
    }
    guard engine.executable != nil else { throw definition.failure("cannot start", engine.missing) }
    mustBeNew = isNew
    if isNew, NetworkNamespace.exists(ownName) {
      throw UserError(
        .failed, "node \(definition.name): the network namespace \(ownName) exists and is not of this lab",
        hint: "remove it with `ip netns delete \(ownName)`, or rename the lab or the node")
    }
    guard starts else { return }
    let state = try await state()
    if isAttached {
      guard let state, state.isRunning else { throw notRunning(state) }
    } else if let state, !isOurs(state) {
      throw UserError(
        .failed, "node \(definition.name): a container \(ownName) exists and is not of this lab",
        hint: "remove it with `\(settings.engine) rm \(ownName)`, or rename the lab or the node")
    }
  }

  nonisolated func presence() -> NodePresence {
    guard let record = NodeRecord.read(paths) else { return .absent }
    guard let process = record.process, process.isAlive, isEntered(process), definition.nics.allSatisfy(hasInterface)
    else { return .ended }
    return .running("container \(containerName), pid \(process.pid)")
  }

  /// Whether the namespace that bears the node's name is a process's.
  nonisolated func isEntered(_ process: ProcessIdentity) -> Bool {
    guard let own = try? NetworkNamespace.open(ownName), let its = try? NetworkNamespace.open(of: process) else {
      return false
    }
    return NetworkNamespace.areSame(own, its)
  }

  func learn(_ lab: CanonicalLab) throws(UserError) {
    if !isAttached { try HostsFile.write(lab, paths) }
  }

  func fetch(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError) {
    guard !isAttached, let image = definition.image else { return }
    do throws(UserError) {
      try await ContainerImage.fetch(image, engine) { [definition] in progress("\(definition.name): \($0)") }
    } catch {
      throw UserError(error.code, "node \(definition.name): \(error.message)", hint: error.hint)
    }
  }

  // MARK: - Making and removing

  func prepare(_ journal: Journal) async throws {
    if case .running = presence() { return }
    let process: ProcessIdentity
    do throws(UserError) {
      process = isAttached ? try await attachedProcess() : try await makeProcess(journal)
      try await enter(process, journal)
    } catch {
      let prefix = "node \(definition.name): "
      guard !error.message.hasPrefix(prefix) else { throw error }
      throw UserError(error.code, prefix + error.message, hint: error.hint)
    }
    var known = NodeRecord(process: process)
    if definition.setup != nil { known.isSetUp = false }
    record = known
    try known.write(paths)
  }

  func configure(isThere: Bool) async throws -> [String] {
    do {
      try Netlink.configure(link: "lo", namespace: ownName, mtu: nil, address: nil, up: true)
      // A container that somebody else has made may have routes of its own.
      let left = try InterfaceSetup.apply(definition, namespace: ownName, isThere: isThere || isAttached)
      if !isThere || isToBeSetUp { try await setKernelSettings(nil) }
      return left
    } catch {
      throw definition.failure("cannot configure its interfaces", error)
    }
  }

  func stop(cleanly: Bool) async throws {
    await detach()
    guard !isAttached else { return }
    if let state = try await state(), isOurs(state), state.hasProcess {
      let limit = cleanly ? Self.stopLimit : 0
      try await engine.run(["stop", "-t", "\(limit)", ownName], limit: ContainerEngine.changeLimit)
    }
    if life == .running { environment.events.nodeStopped(definition.name) }
    life = .stopped
    if cleanly { failure = nil }
    record = nil
    try NodeRecord.remove(paths)
  }

  func remove() async throws -> [String] {
    await detach()
    var removed: [String] = []
    if NetworkNamespace.exists(ownName) {
      removeInterfaces()
      do {
        try NetworkNamespace.delete(ownName)
      } catch {
        throw definition.failure("cannot remove the name \(ownName) of its namespace", error)
      }
      if let attach = settings.attach { removed.append("interfaces in container \(attach)") }
    }
    if !isAttached, engine.executable != nil, let state = try await state(), isOurs(state) {
      try await removeContainer(state)
      removed.append("container \(ownName)")
    }
    (life, record) = (.stopped, nil)
    try NodeRecord.remove(paths)
    return removed
  }

  func detach() async {
    watcher?.cancel()
    watcher = nil
    let watch = readiness
    watch?.cancel()
    readiness = nil
    await watch?.value
  }

  // MARK: - In use

  func condition() async -> NodeCondition {
    // An attached container's process is not for us to end.
    var condition = NodeCondition(isReady: false, process: isAttached ? nil : record?.process?.pid)
    switch life {
    case .running: (condition.isReady, condition.error) = (hasBecomeReady, failure)
    case .stopped where !isAttached && failure == nil, .ended(0) where !isAttached && failure == nil:
      condition.state = .stopped
      condition.process = nil
    case .stopped, .ended:
      condition.state = .failed
      condition.process = nil
      condition.error = failure ?? endWords
    }
    return condition
  }

  /// How it has ended.
  var endWords: String {
    guard case .ended(let status?) = life, !isAttached else { return "container \(containerName) does not run" }
    return "container \(containerName) ended with status \(status)"
  }

  func execute(_ request: CommandRequest) async throws -> StartedCommand {
    guard life == .running, let executable = engine.executable else {
      throw UserError(
        .different, "node \(definition.name) does not run",
        hint: isAttached ? "start the container" : "`apus start \(definition.name)` starts it again")
    }
    return try ContainerCommand.start(request, executable, in: containerName, environment.variables)
  }

  func probe(_ request: CommandRequest) async throws -> StartedCommand {
    try HostCommand.start(request, namespace: ownName, environment.variables)
  }

  nonisolated func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    // A container that is attached to may have other ways to the same address.
    try Executables.ping(address, interface: isAttached ? nic.name : nil, environment.variables)
  }

  nonisolated func openConsole() throws(UserError) -> Descriptor {
    guard let executable = engine.executable else { throw engine.missing }
    guard case .running = presence() else {
      throw UserError(
        .failed, "console of node \(definition.name): container \(containerName) does not run",
        hint: "`apus start \(definition.name)` starts it")
    }
    return try ContainerConsole.open(containerName, executable)
  }

  func writtenLog() async throws(UserError) -> String? {
    guard let executable = engine.executable else { throw engine.missing }
    try LabFolders.makeData(paths)
    try Files.remove(paths.consoleLog)
    var request = SpawnRequest(
      executable: executable, arguments: ["logs", "--tail", "\(Self.shownLines)", containerName])
    (request.standardOutput, request.standardError) = (paths.consoleLog, paths.consoleLog)
    do {
      _ = try await LinuxHost.run(request, onOutput: { _, _ in }, timeoutSeconds: ContainerEngine.changeLimit)
    } catch {
      throw UserError.wrapping(error, "log of container \(containerName)")
    }
    return paths.consoleLog
  }
}

extension ContainerNode {
  /// Seconds that a program has to end after SIGTERM, as both engines have it.
  static let stopLimit = 10
  /// The last lines of a container's log that are shown.
  private static let shownLines = 10_000
}
