import Dataplane
import LinuxHost
import Logging
import Topology

/// What a node needs to know of the lab and the host around it.
struct NodeEnvironment: Sendable {
  var lab: String
  var directories: LabDirectories
  /// Environment variables: `PATH`, `APUS_GUEST_DIR`.
  var variables: [String: String]
  var logger = Logger(label: "apus.lab")
  var events = LabEvents()

  func paths(of node: String) -> NodePaths {
    NodePaths(directories: directories, lab: lab, node: node)
  }
}

/// What goes with starting a node.
struct StartContext: Sendable {
  var journal: Journal
  /// Takes lines for the person who waits.
  var progress: @Sendable (String) -> Void
  /// Where the sockets of its ports are, by NIC, as the data plane has them.
  var sockets: @Sendable () async -> [String: String] = { [:] }
  /// Its process has ended by itself, and its interfaces with it.
  var onEnd: @Sendable () async -> Void = {}
  /// Makes its interfaces anew and starts it, or takes back what somebody else has started.
  var revive: @Sendable () async throws -> Void = {}
  /// It was read from a file, and goes on.
  var isResumed = false
  /// The daemon before this one died while it saved the lab.
  var wasSaving = false
  /// The node runs, but may not be ready yet.
  var onStarted: @Sendable () -> Void = {}
  /// Returns when a TCP port of the node's first address on a switch takes connections.
  var waitForPort: @Sendable (NodeDefinition, Int) async throws -> Void = { _, _ in }
}

/// How a node is now.
struct NodeCondition: Sendable, Equatable {
  var state = NodeStatus.State.running
  var isReady = true
  var process: Int32?
  var console: String?
  var error: String?
}

/// A node of a lab on this host, whatever its kind.
///
/// A new kind is a type in this folder that conforms, its line in `NodeRegistry`, and its row in Topology's `NodeKind`:
/// nobody else asks what kind a node is, but what is true of it. The calls come in this order:
/// `check`, `presence`, `prepare`, ports through `backend`, `configure`, `start`; later `detach` or `stop`, `remove`.
protocol Node: Sendable {
  /// What the lab file may say of it.
  static var kind: NodeKind { get }

  /// A system starts in it, by a process that the node writes down itself (`NodeRecord`): it waits for those it comes
  /// after and for a place in the queue, and to stop and start the node is to end and begin that process.
  ///
  /// Of any other node only the ports lose their carrier.
  static func boots(_ definition: NodeDefinition) -> Bool

  /// The interfaces that we make for it go with its process, and are made anew with the next one.
  static var interfacesEndWithIt: Bool { get }

  /// It runs on without us, and a daemon or a definition after this one takes it back, by `start` with `isRunning`.
  static var survives: Bool { get }

  /// What of it can change while it runs on.
  static var rewires: Rewiring { get }

  /// It can go on in another place while its system runs, by `migrate`.
  static var migrates: Bool { get }

  /// It shows carriers to its system itself, by `setCarrier` and `setFarEnds`; its ports stay connected without one.
  static var showsCarriers: Bool { get }

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment)

  nonisolated var definition: NodeDefinition { get }

  nonisolated var environment: NodeEnvironment { get }

  /// Path of the socket of its serial console; nil for a node without one.
  nonisolated var consoleSocket: String? { get }

  /// Path of the log of its serial console; nil for a node without one.
  nonisolated var consoleLog: String? { get }

  /// Looks for what would stand in the way, before anything is made.
  /// - Parameters:
  ///   - isNew: nothing of the lab is there yet, so what bears the node's names is somebody else's.
  ///   - starts: the node is about to be started; one that runs on has its disk and memory.
  nonisolated func check(isNew: Bool, starts: Bool) async throws(UserError)

  /// What of the node is there, by its record and the host.
  nonisolated func presence() -> NodePresence

  /// Tells it the lab as it is from now on: names and addresses of the others.
  func learn(_ lab: CanonicalLab) async throws(UserError)

  /// Brings what the node is made of onto this host, where that can be: may take minutes.
  func fetch(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError)

  /// Makes what the node's ports are put into; notes it, and the interfaces that its ports will make.
  func prepare(_ journal: Journal) async throws

  /// What a NIC's port is made of.
  nonisolated func backend(of nic: NICDefinition) throws(UserError) -> PortBackend

  /// Gives addresses and routes to the interfaces that the ports have made.
  /// - Parameter isThere: the node was there before; a route that somebody in it has made since may stay in the way.
  /// - Returns: what was left out for that reason.
  func configure(isThere: Bool) async throws -> [String]

  /// Starts the node, or takes it back when it `isRunning`; returns when it is ready.
  func start(_ context: StartContext, isRunning: Bool) async throws

  /// Lets go of the node and leaves it running.
  func detach() async

  /// What is known of it and nobody has written down, for a daemon that goes on with it.
  func handedOver() async -> HandedNode

  /// Learns what the daemon before this one knew, before it is taken back, or instead where it has ended.
  func learn(_ handed: HandedNode) async

  /// It has ended by itself; looks whether it is to be started again, or was.
  func lookOut(_ context: StartContext) async

  /// Ends the node's process, and what is written down about it. Nothing to do for a node without one.
  /// - Parameter cleanly: a system with a disk that is used again gets the time to shut down.
  func stop(cleanly: Bool) async throws

  /// Sets the carrier that the node sees on a NIC.
  /// - Returns: false when that is for the NIC's port to do.
  func setCarrier(of nic: String, up: Bool) async throws(UserError) -> Bool

  /// Sets the MTU of a NIC's interface, in bytes, where that is ours.
  func setMTU(of nic: String, _ mtu: Int) async throws(UserError)

  /// Gives its kernel the settings of its definition, where it runs.
  /// - Parameter journal: gets what each was before, to be written back if a change fails; nil = nobody wants it back.
  func setKernelSettings(_ journal: Journal?) async throws(UserError)

  /// NICs on wires whose other end is down: their guests are to see it, where only the node can show it to them.
  func setFarEnds(down nics: Set<String>) async

  /// What `setFarEnds` was told last.
  var farDownNICs: Set<String> { get async }

  /// Moves the node, which goes on in another process; after an error it goes on where it was.
  func migrate(_ wish: MigrationWish, _ help: MigrationHelp) async throws -> MigrationOutcome

  /// Has the node's system tell its neighbours which addresses it has, if it can be asked to; waits for nothing.
  func announce() async

  /// Plugs NICs, whose ports are there, into the running node.
  func plug(_ nics: [NICDefinition]) async throws(UserError)

  /// Unplugs NICs of the running node.
  func unplug(_ nics: [String]) async throws(UserError)

  /// Removes all that the node has on this host but its files. Works in a process that has not started it, and twice.
  /// - Returns: what was removed.
  func remove() async throws -> [String]

  func condition() async -> NodeCondition

  /// What `apus save` keeps of it beside its definition.
  nonisolated var savedParts: SavedParts { get }

  /// Connects to its console.
  nonisolated func openConsole() throws(UserError) -> Descriptor

  /// Path of the file with what it has said on its console, up to now; nil for a node without one.
  func writtenLog() async throws(UserError) -> String?

  /// Runs a command in the node.
  func execute(_ request: CommandRequest) async throws -> StartedCommand

  /// Runs what `pingCommand`, `applet` or `program` say, where the node's interfaces are.
  func probe(_ request: CommandRequest) async throws -> StartedCommand

  /// The command that sends one echo request and waits a second for its answer; for `probe`.
  nonisolated func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String]

  /// A program of busybox, as it is called in the node.
  nonisolated func applet(_ name: String) throws(UserError) -> [String]

  /// Another program, as it is called in the node.
  /// - Parameter package: Debian's package that has it.
  nonisolated func program(_ name: String, package: String) throws(UserError) -> [String]
}

extension Node {
  nonisolated var boots: Bool { Self.boots(definition) }
  nonisolated var interfacesEndWithIt: Bool { Self.interfacesEndWithIt }
  nonisolated var survives: Bool { Self.survives }
  nonisolated var showsCarriers: Bool { Self.showsCarriers }
  nonisolated var migrates: Bool { Self.migrates }

  /// Runs a command that reads nothing.
  func execute(_ command: [String]) async throws -> StartedCommand.Events {
    try await execute(CommandRequest(command)).events
  }

  /// Runs a program that reads nothing where the node's interfaces are.
  func probe(_ command: [String]) async throws -> StartedCommand.Events {
    try await probe(CommandRequest(command)).events
  }

  func probe(_ request: CommandRequest) async throws -> StartedCommand { try await execute(request) }

  nonisolated func openConsole() throws(UserError) -> Descriptor {
    guard let path = consoleSocket else {
      throw UserError(.notFound, "node \(definition.name) is of kind \(definition.kind): it has no console")
    }
    do throws(SystemError) {
      return try UnixSocket.connect(path: path)
    } catch {
      throw UserError(
        .failed, "console of node \(definition.name): \(error)", hint: "does the node run? see `apus ps`")
    }
  }

  func writtenLog() async throws(UserError) -> String? { consoleLog }

  /// What runs in such a node is this host's.
  nonisolated func applet(_ name: String) throws(UserError) -> [String] {
    try program("busybox", package: "busybox-static") + [name]
  }

  nonisolated func program(_ name: String, package: String) throws(UserError) -> [String] {
    guard let path = Executables.find(name, environment.variables) else {
      throw UserError(.failed, "no program \(name) on this host", hint: "install it with `apt-get install \(package)`")
    }
    return [path]
  }

  // What is true of a node whose life is not a process of ours.
  nonisolated var savedParts: SavedParts { SavedParts() }
  static func boots(_ definition: NodeDefinition) -> Bool { false }
  static var interfacesEndWithIt: Bool { false }
  static var survives: Bool { false }
  static var rewires: Rewiring { .nothing }
  static var showsCarriers: Bool { false }
  static var migrates: Bool { false }
  nonisolated var consoleSocket: String? { nil }
  nonisolated var consoleLog: String? { nil }
  var farDownNICs: Set<String> { get async { [] } }
  func learn(_ lab: CanonicalLab) async throws(UserError) {}
  func fetch(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError) {}
  func detach() async {}
  func handedOver() async -> HandedNode {
    let condition = await condition()
    return HandedNode(
      name: definition.name, isRunning: condition.state == .running, error: condition.error,
      farDownNICs: await farDownNICs)
  }
  func learn(_ handed: HandedNode) async {}
  func lookOut(_ context: StartContext) async {}
  func stop(cleanly: Bool) async throws {}
  func setCarrier(of nic: String, up: Bool) async throws(UserError) -> Bool { false }
  func setMTU(of nic: String, _ mtu: Int) async throws(UserError) {}
  func setKernelSettings(_ journal: Journal?) async throws(UserError) {}
  func setFarEnds(down nics: Set<String>) async {}
  func announce() async {}
  func migrate(_ wish: MigrationWish, _ help: MigrationHelp) async throws -> MigrationOutcome {
    throw UserError(.badInput, "node \(definition.name) is of kind \(definition.kind), which cannot be migrated")
  }
  func plug(_ nics: [NICDefinition]) async throws(UserError) {}
  func unplug(_ nics: [String]) async throws(UserError) {}
}
