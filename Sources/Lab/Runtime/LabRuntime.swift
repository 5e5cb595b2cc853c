import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// The lab of this daemon: makes its definition true on this host, keeps it, takes it down.
///
/// All changes come through one door (`ChangeDoor`); a take-down interrupts what came before it and is not done yet.
package actor LabRuntime {
  package nonisolated let directories: LabDirectories
  let logger: Logger
  let variables: [String: String]
  /// The one lab that may come up here; nil = any.
  let served: String?

  /// What is up, or being brought up.
  var current: CanonicalLab?
  var plane: Dataplane?
  /// When this daemon took the lab back from one that had died; nil if it began with it.
  var takenBack: ContinuousClock.Instant?
  /// In file order.
  var nodesInOrder: [any Node] = []
  let consoles = ConsoleDesk()
  nonisolated let events: LabEvents
  /// What happens in the lab.
  package nonisolated var eventHub: EventHub { events.hub }
  /// Captures of the lab: those that its file declares, and those that clients asked for.
  package nonisolated let captures: CaptureDesk

  /// Nodes that the `up` which is being carried out makes, and that are not made yet.
  var starting: Set<String> = []

  /// What was said at run time.
  var runTime = RunTimeState()
  /// The labs before and behind the change that is being carried out, by which ports are judged that are added
  /// meanwhile; none as a rule.
  var coming: [CanonicalLab] = []
  /// What the `up` that is being carried out has brought back of what was said at run time.
  var returned: [PlanStep] = []

  /// Looks after guests that come back to this daemon.
  private var takeoverWatch: Task<Void, Never>?
  /// Tells machines of the other ends of their wires, once `tellsMachines`.
  private var heldWatch: Task<Void, Never>?
  var tellsMachines = false
  /// Tells what happens in the data plane.
  var eventWatch: Task<Void, Never>?

  /// When frames moved in this daemon, after another one, in nanoseconds of the monotonic clock.
  package var movingSince: UInt64 = 0
  /// Another daemon has the lab, and all that it has on this host.
  var hasMovedOn = false

  nonisolated let door = ChangeDoor()
  /// Serves the API over TCP; nil = nobody does.
  nonisolated let httpDoor: (any HTTPDoor)?
  /// Leads to `plane`.
  nonisolated let gate: PlaneGate
  /// Ends whole changes that wait at the door or are under way, by numbers that nothing else has.
  private var interrupts: [Int: @Sendable () -> Void] = [:]
  private var lastInterrupt = 0
  /// Machines that are on their way into another QEMU, by name.
  var migrations: [String: Task<MigrationOutcome, any Error>] = [:]
  /// That of them which has the door to itself; nil = none has.
  var moving: String?
  /// Who asks whether a port of a machine takes connections: one at a time a machine, by its name.
  var probes: [String: ChangeDoor.Lane] = [:]

  /// - Parameters:
  ///   - served: name of the one lab that may come up here; nil = any.
  ///   - environment: `PATH`, `APUS_GUEST_DIR`.
  ///   - application: who writes the captures, as their files say.
  ///   - httpDoor: serves the API over TCP.
  package init(
    directories: LabDirectories, serving served: String? = nil, logger: Logger = Logger(label: "apus.lab"),
    environment: [String: String] = ProcessInfo.processInfo.environment, application: String = "apus",
    httpDoor: (any HTTPDoor)? = nil
  ) {
    self.served = served
    self.httpDoor = httpDoor
    self.directories = directories
    self.logger = logger
    variables = environment
    gate = PlaneGate()
    events = LabEvents(EventHub(lab: served ?? ""))
    captures = CaptureDesk(gate: gate, logger: logger, application: application, events: events.hub)
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
    // Names become paths, and what leads nowhere would be found half way.
    if let complaint = lab.wrongName ?? lab.whatNoFileHas { throw UserError(.badInput, complaint) }
    if let served, served != lab.name {
      throw UserError(.failed, "this daemon serves lab \(served), not \(lab.name)")
    }
    let begin = ContinuousClock.now
    let waiting = tellOfMigration(progress)
    defer { waiting.cancel() }
    do {
      return try await interruptibly {
        let steps = try await self.carryOut(lab, options, progress)
        await self.tellUp(steps, since: begin)
        return steps
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
    interruptOthers()
    let waiting = tellOfMigration(progress)
    defer { waiting.cancel() }
    // In a task of its own, which is not cancelled with the caller's.
    try await Task { try await whole { try await remove(progress) } }.value
  }

  /// Lets go of everything and leaves the nodes running: another daemon takes them back.
  package func detach() async {
    interruptOthers()
    await door.whole.take()
    defer { door.whole.leave() }
    // What there was is another daemon's.
    guard !hasMovedOn else { return }
    for node in nodesInOrder { await node.detach() }
    await closePlane()
    current = nil
    nodesInOrder = []
  }

  /// The lab that is up; nil before `bringUp` and after `takeDown`.
  package func lab() -> CanonicalLab? { current }

  package func dataplane() -> Dataplane? { plane }

  /// The lab and its data plane, which belong together.
  /// - Throws: `UserError` when no lab is up.
  package func running() throws(UserError) -> (lab: CanonicalLab, plane: Dataplane) {
    guard let current, let plane else { throw Self.noLab }
    return (current, plane)
  }

  /// Of what is asked of a lab before it is up, or once it is taken down.
  package static let noLab = UserError(.notFound, "no lab is up", hint: "`apus up FILE` brings one up")

  /// Names for a hint: the first 20 of them.
  static func shown(_ names: [String]) -> String {
    names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", ..." : "")
  }

  var environment: NodeEnvironment {
    NodeEnvironment(
      lab: current?.name ?? "", directories: directories, variables: variables, logger: logger, events: events)
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

  /// Nobody looks after anything any more.
  func endWatches() {
    for watch in [heldWatch, takeoverWatch] { watch?.cancel() }
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
    takenBack = nil
    await gate.close()
    // Nobody can begin another one any more, and their files are whole then.
    await captures.endAll()
    await door.brief.take()
    defer { door.brief.leave() }
    await plane?.stop()
    // What it said last comes before what is said of it.
    await eventWatch?.value
    eventWatch = nil
    plane = nil
  }

  // MARK: - Interrupting

  /// Runs a whole change that ends early when its caller is cancelled, or something comes that makes it pointless.
  /// - Throws: `CancellationError`; what `body` throws.
  func interruptibly<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let task = Task { try await whole(body) }
    lastInterrupt += 1
    let number = lastInterrupt
    interrupts[number] = { task.cancel() }
    defer { interrupts[number] = nil }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }

  /// Has those end that came before.
  private func interruptOthers() { for interrupt in interrupts.values { interrupt() } }
}
