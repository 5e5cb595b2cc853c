import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// How the ports of a lab came to be there.
package enum PortsStage: Sendable {
  /// The lab is new.
  case new
  /// Its nodes run since before this daemon.
  case takenBack
  /// It was up and is changed.
  case changed
}

/// The lab of this daemon: makes its definition true on this host, keeps it, takes it down.
///
/// One bring-up or take-down at a time; a take-down interrupts the bring-up before it.
package actor LabRuntime {
  let directories: LabDirectories
  let logger: Logger
  let variables: [String: String]
  /// The one lab that may come up here; nil = any.
  let served: String?

  /// What is up, or being brought up.
  var current: CanonicalLab?
  var plane: Dataplane?
  /// In file order.
  var nodesInOrder: [any Node] = []
  let consoles = ConsoleDesk()

  /// The `up` that is being carried out may start machines again that run.
  var allowsRestart = false

  /// Nodes that the `up` which is being carried out makes, and that are not made yet.
  var starting: Set<String> = []

  /// Machines that boot at once in this `up`; nil = as many as the host bears.
  var parallel: Int?

  /// What was said at run time.
  var runTime = RunTimeState()

  /// Called when the ports of a lab, or of what it is changed to, are there, before anything is started.
  var portsAreThere: @Sendable (CanonicalLab, Dataplane, PortsStage) async throws -> Void = { _, _, _ in }

  /// Looks after guests that come back to this daemon.
  private var takeoverWatch: Task<Void, Never>?
  /// Tells machines of the other ends of their wires, once `tellsMachines`.
  private var heldWatch: Task<Void, Never>?
  var tellsMachines = false

  private var ongoing: Task<[PlanStep], any Error>?
  /// Bringing up, changing, taking down, starting and stopping nodes: one at a time.
  private let turn = Turn()
  /// Carriers and faults of links are set one at a time too, also while a lab is changed; asked for after `turn`.
  let linkTurn = Turn()

  /// - Parameters:
  ///   - served: name of the one lab that may come up here; nil = any.
  ///   - environment: `PATH`, `APUS_GUEST_DIR`.
  package init(
    directories: LabDirectories, serving served: String? = nil, logger: Logger = Logger(label: "apus.lab"),
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.served = served
    self.directories = directories
    self.logger = logger
    variables = environment
  }

  /// Sets what is called when the ports of a lab, or of what it is changed to, are there, before anything is started:
  /// with the lab, the data plane, and how they came to be there.
  package func onPorts(_ body: @escaping @Sendable (CanonicalLab, Dataplane, PortsStage) async throws -> Void) {
    portsAreThere = body
  }

  /// Makes a lab true: a new one, one whose nodes run since before a crash of the daemon, or one with ended nodes.
  ///
  /// After an error nothing that this call has made is left behind.
  /// - Parameter progress: takes a line for each thing that has been made.
  /// - Returns: what was done; empty = no changes.
  /// - Throws: `UserError`.
  package func bringUp(
    _ lab: CanonicalLab, options: BringUpOptions = BringUpOptions(), progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
    // Names become paths.
    if let complaint = lab.wrongName { throw UserError(.badInput, complaint) }
    if let served, served != lab.name {
      throw UserError(.failed, "this daemon serves lab \(served), not \(lab.name)")
    }
    await turn.take()
    defer { turn.leave() }
    allowsRestart = options.allowsRestart
    parallel = options.parallel
    let taken = options.isReset ? await resetOverrides(of: lab.name) : []
    let task = Task { try await taken + carryOut(lab, progress) }
    ongoing = task
    defer { ongoing = nil }
    do {
      return try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch {
      throw UserError.wrapping(error, "lab \(lab.name)")
    }
  }

  /// Stops and removes every node, TAP, namespace, socket and file of the lab.
  ///
  /// Without a lab there is nothing to do.
  /// - Throws: `UserError` for what could not be removed, after everything else has been.
  package func takeDown(progress: @escaping @Sendable (String) -> Void) async throws {
    ongoing?.cancel()
    await turn.take()
    defer { turn.leave() }
    // In a task of its own, which is not cancelled with the caller's.
    try await Task { try await remove(progress) }.value
  }

  /// Lets go of everything and leaves the nodes running: another daemon takes them back.
  package func detach() async {
    ongoing?.cancel()
    await turn.take()
    defer { turn.leave() }
    for node in nodesInOrder { await node.detach() }
    await closePlane()
    current = nil
    nodesInOrder = []
  }

  /// The lab that is up; nil before `bringUp` and after `takeDown`.
  package func lab() -> CanonicalLab? { current }

  package func dataplane() -> Dataplane? { plane }

  var environment: NodeEnvironment {
    NodeEnvironment(lab: current?.name ?? "", directories: directories, variables: variables, logger: logger)
  }

  /// Looks after the guests that come back to the ports which have just been made anew.
  func watchTakeover(_ plane: Dataplane, _ nodes: [any Node]) {
    let watch = TakeoverWatch(plane: plane, nodes: nodes, logger: logger)
    takeoverWatch = Task { await watch.run() }
  }

  /// Begins to tell machines of the other ends of their wires.
  func watchHeldPorts(_ plane: Dataplane, isTakenBack: Bool) {
    heldWatch = Task { await followHeldPorts(of: plane, after: isTakenBack ? TakeoverWatch.length : .zero) }
  }

  func closePlane() async {
    // Nobody is left waiting for the answer of a data plane that has ended.
    for watch in [heldWatch, takeoverWatch] {
      watch?.cancel()
      await watch?.value
    }
    heldWatch = nil
    takeoverWatch = nil
    tellsMachines = false
    await linkTurn.take()
    defer { linkTurn.leave() }
    await plane?.stop()
    plane = nil
  }

  // MARK: - One at a time

  /// Runs `body` while no other change of the lab is under way.
  func alone(_ body: () async throws -> Void) async throws {
    await turn.take()
    defer { turn.leave() }
    try await body()
  }
}
