import Dataplane
import LinuxHost
import Topology

/// Interfaces of this host that are there already: each NIC is the one of its name, taken from the host while the lab is up.
struct NICNode: Node {
  static let kind = NodeKind.nic
  let definition: NodeDefinition
  let environment: NodeEnvironment
  var savedParts: SavedParts { SavedParts(goesOn: true) }

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
  }

  /// What is written down of its interfaces.
  private var taken: TakenInterfaces {
    let paths = environment.paths(of: definition.name)
    return TakenInterfaces(file: NodeFile.interfaces.rawValue) { () throws(UserError) in
      try LabFolders.makeState(paths)
    } found: {
      LabFolders.findState(paths)
    }
  }

  private func interface(_ nic: NICDefinition) -> HostNIC {
    var interface = HostNIC(
      nic.name, lab: environment.lab, port: Names.port(node: definition.name, nic: nic.name))
    interface.isForced = definition.isForced
    interface.mtu = nic.mtu
    return interface
  }

  func check(isNew: Bool, starts: Bool) throws(UserError) {
    guard HostFacts.isRoot else {
      throw UserError(.failed, "node \(definition.name): taking an interface needs root", hint: "run as root")
    }
    for nic in definition.nics {
      let isRecorded = taken[nic.name]?.isThere ?? false
      guard let trouble = interface(nic).trouble(isRecorded: isRecorded, isEarly: !isNew || isRecorded) else {
        continue
      }
      throw UserError(.failed, "node \(definition.name): \(trouble.message)", hint: trouble.hint)
    }
  }

  func presence() -> NodePresence {
    guard NodeRecord.read(environment.paths(of: definition.name)) != nil else { return .absent }
    let taken = taken.all()
    let isWhole = definition.nics.allSatisfy { nic in taken.contains { $0.name == nic.name && $0.isThere } }
    return isWhole ? .running("") : .ended
  }

  func prepare(_ journal: Journal) async throws {
    for nic in definition.nics {
      if taken[nic.name] == nil {
        journal.note("interface \(nic.name)") {
          if let record = taken[nic.name] { try HostNIC.giveBack(record, taken) }
        }
      }
      do {
        try interface(nic).take(taken)
      } catch {
        throw UserError(error.code, "node \(definition.name): \(error.message)", hint: error.hint)
      }
    }
  }

  func backend(of nic: NICDefinition) throws(UserError) -> PortBackend {
    var interface = HostInterface(name: nic.name)
    interface.offload = OffloadLevel(nic.offload)
    return .nic(interface)
  }

  /// What it had before stays written down, and is given back.
  func setMTU(of nic: String, _ mtu: Int) async throws(UserError) {
    guard var interface = definition.nics.first(where: { $0.name == nic }).map({ self.interface($0) }) else { return }
    interface.mtu = mtu
    try interface.take(taken)
  }

  func configure(isThere: Bool) async throws -> [String] { [] }

  func start(_ context: StartContext, isRunning: Bool) async throws {
    context.progress("\(definition.name): took interface \(definition.nics.map(\.name).joined(separator: ", "))")
  }

  func remove() async throws -> [String] {
    var removed: [String] = []
    var failures: [UserError] = []
    for record in taken.all() {
      do {
        let isThere = record.isThere
        try HostNIC.giveBack(record, taken)
        if isThere { removed.append("hold on interface \(record.name)") }
      } catch {
        failures.append(UserError(error.code, "node \(definition.name): \(error.message)", hint: error.hint))
      }
    }
    if let failure = UserError.all(failures) { throw failure }
    return removed
  }

  func condition() async -> NodeCondition {
    let taken = taken.all()
    let gone = definition.nics.first { nic in !taken.contains { $0.name == nic.name && $0.isThere } }
    guard let gone else { return NodeCondition() }
    return NodeCondition(
      state: .failed, isReady: false,
      error: "the interface \(gone.name) is gone; once it is back, `apus up` takes it again")
  }

  func execute(_ request: CommandRequest) async throws -> StartedCommand {
    throw UserError(.failed, "node \(definition.name) is of kind nic: there is nothing to run commands in")
  }

  func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    throw UserError(.badInput, "node \(definition.name) is of kind nic: it cannot be the source of a ping")
  }
}
