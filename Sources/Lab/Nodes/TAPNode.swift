import Dataplane
import LinuxHost
import Topology

/// TAPs on the host: each NIC is an interface of that name.
struct TAPNode: TAPBackedNode {
  static let kind = NodeKind.tap
  let definition: NodeDefinition
  let environment: NodeEnvironment

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
  }

  var tapNamespace: String? { nil }

  func check(isNew: Bool, starts: Bool) throws(UserError) {
    guard HostFacts.isRoot else {
      throw UserError(
        .failed, "node \(definition.name): making a TAP needs root", hint: "run as root, or use a node of kind external"
      )
    }
    guard isNew else { return }
    for nic in definition.nics where hasInterface(nic) {
      throw UserError(
        .failed, "node \(definition.name): an interface \(nic.name) exists on this host and is not of this lab",
        hint: "give the NIC another name, or remove the interface with `ip link delete \(nic.name)`")
    }
  }

  func presence() -> NodePresence {
    guard wasMade else { return .absent }
    return definition.nics.allSatisfy(hasInterface) ? .running("") : .ended
  }

  func prepare(_ journal: Journal) async throws {
    for nic in definition.nics where !hasInterface(nic) {
      journal.note("interface \(nic.name)") { _ = try await remove() }
    }
  }

  func start(_ context: StartContext, isRunning: Bool) async throws {
    context.progress("\(definition.name): interface \(definition.nics.map(\.name).joined(separator: ", "))")
  }

  func remove() async throws -> [String] {
    var removed: [String] = []
    var failures: [UserError] = []
    for nic in definition.nics where hasInterface(nic) {
      do {
        try TAPDevice.remove(name: nic.name, namespace: nil)
        removed.append("interface \(nic.name)")
      } catch {
        failures.append(definition.failure("cannot remove the interface \(nic.name)", error))
      }
    }
    if let failure = UserError.all(failures) { throw failure }
    return removed
  }

  func condition() async -> NodeCondition {
    guard let gone = definition.nics.first(where: { !hasInterface($0) }) else {
      return NodeCondition()
    }
    return NodeCondition(state: .failed, isReady: false, error: "the interface \(gone.name) was removed")
  }

  func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    try Executables.ping(address, interface: nic.name, environment.variables)
  }
}
