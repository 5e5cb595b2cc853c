import Dataplane
import LinuxHost
import Topology

/// A network namespace with a TAP for each NIC: the smallest host there is.
struct NetnsNode: TAPBackedNode {
  static let kind = NodeKind.netns
  let definition: NodeDefinition
  let environment: NodeEnvironment

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
  }

  /// Name of the namespace, as `ip netns` shows it; at most 132 bytes of the 255 that a file name may have.
  var namespace: String { "apus-\(environment.lab)-\(definition.name)" }
  var tapNamespace: String? { namespace }
  var savedParts: SavedParts { SavedParts(namespace: namespace) }

  func check(isNew: Bool, starts: Bool) throws(UserError) {
    guard HostFacts.isRoot else {
      throw UserError(
        .failed, "node \(definition.name): making a network namespace needs root",
        hint: "run as root, or use nodes of kinds \(NodeKind.words("and") { !$0.hasOurInterfaces })")
    }
    guard isNew, NetworkNamespace.exists(namespace) else { return }
    throw UserError(
      .failed, "node \(definition.name): the network namespace \(namespace) exists and is not of this lab",
      hint: "remove it with `ip netns delete \(namespace)`, or rename the lab or the node")
  }

  func presence() -> NodePresence {
    guard wasMade else { return .absent }
    guard NetworkNamespace.exists(namespace), definition.nics.allSatisfy(hasInterface) else { return .ended }
    return .running("namespace \(namespace)")
  }

  func prepare(_ journal: Journal) async throws {
    if !NetworkNamespace.exists(namespace) {
      do {
        try NetworkNamespace.create(namespace)
      } catch {
        throw definition.failure("cannot make the network namespace \(namespace)", error)
      }
      journal.note("namespace \(namespace)") { _ = try await remove() }
    }
  }

  func start(_ context: StartContext, isRunning: Bool) async throws {
    context.progress("\(definition.name): namespace \(namespace)")
    let paths = environment.paths(of: definition.name)
    guard let setup = definition.setup, !setup.exec.isEmpty, let known = NodeRecord.read(paths),
      known.isSetUp == false
    else { return }
    // A failure that is known already does not keep others from going on.
    if let failure = known.setupFailure { return context.progress(failure) }
    var record = known
    do {
      try await runLines(known, paths)
      record.isSetUp = true
      record.begunLines = setup.exec.count
    } catch let error as UserError {
      record = NodeRecord.read(paths) ?? known
      record.setupFailure = error.message
      try? record.write(paths)
      throw error
    }
    try record.write(paths)
  }

  private func runLines(_ known: NodeRecord, _ paths: NodePaths) async throws {
    let note: @Sendable (Int) async throws -> Void = { count in
      var record = known
      record.begunLines = count
      try record.write(paths)
    }
    try await NodeSetup.runLines(
      of: definition, after: known.begunLines ?? 0, limit: NodeSetup.lineLimit, onBegin: note
    ) { try await execute($0) }
  }

  func remove() async throws -> [String] {
    // Of a lab whose file cannot be read, each kind removes what may be its own. A node with a process was a container
    // or a machine: what bears this name is the namespace of a container then, maybe somebody else's.
    guard NodeRecord.read(environment.paths(of: definition.name))?.process == nil else { return [] }
    guard NetworkNamespace.exists(namespace) else { return [] }
    let ended: [NamespaceProcess]
    do {
      ended = try await NetworkNamespace.endProcesses(in: namespace)
    } catch {
      throw definition.failure("a process in the namespace \(namespace) does not end", error)
    }
    // A process in the namespace would keep the interfaces, and so their names, alive. One that cannot be removed (it is
    // none of ours, or its kernel's module is gone) does not keep the namespace from going, and goes with it.
    for nic in definition.nics where hasInterface(nic) {
      try? TAPDevice.remove(name: nic.name, namespace: namespace)
    }
    do {
      try NetworkNamespace.delete(namespace)
    } catch {
      throw definition.failure("cannot remove the network namespace \(namespace)", error)
    }
    let processes = ended.map { "process \($0.identity.pid) (\(ShownText.line($0.program))) in \(namespace)" }
    return processes + ["namespace \(namespace)"]
  }

  func condition() async -> NodeCondition {
    guard !NetworkNamespace.exists(namespace) else {
      guard definition.setup != nil,
        let failure = NodeRecord.read(environment.paths(of: definition.name))?.setupFailure
      else { return NodeCondition() }
      return NodeCondition(isReady: false, error: failure)
    }
    return NodeCondition(state: .failed, isReady: false, error: "the network namespace \(namespace) was removed")
  }

  func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    try Executables.ping(address, interface: nil, environment.variables)
  }
}
