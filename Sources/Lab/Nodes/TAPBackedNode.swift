import Dataplane
import LinuxHost
import Topology

/// A node whose NICs are TAPs of this host, and whose commands run beside them: there is no process of its own.
protocol TAPBackedNode: Node {
  /// Name of the network namespace that has the TAPs; nil = the host's own.
  var tapNamespace: String? { get }
}

extension TAPBackedNode {
  func hasInterface(_ nic: NICDefinition) -> Bool { TAPDevice.exists(name: nic.name, namespace: tapNamespace) }

  /// It was made on this host, by this daemon or one before it.
  var wasMade: Bool { NodeRecord.read(environment.paths(of: definition.name)) != nil }

  func backend(of nic: NICDefinition) throws(UserError) -> PortBackend {
    var tap = TAPInterface(name: nic.name)
    tap.namespace = tapNamespace
    tap.offload = OffloadLevel(nic.offload)
    return .tap(tap)
  }

  func configure(isThere: Bool) async throws -> [String] {
    do {
      // The loopback interface of a namespace of ours begins down; the host's is not ours.
      if let tapNamespace {
        try Netlink.configure(link: "lo", namespace: tapNamespace, mtu: nil, address: nil, up: true)
      }
      let left = try InterfaceSetup.apply(definition, namespace: tapNamespace, isThere: isThere)
      if !isThere { try await setKernelSettings(nil) }
      return left
    } catch {
      throw definition.failure("cannot configure its interfaces", error)
    }
  }

  func setMTU(of nic: String, _ mtu: Int) async throws(UserError) {
    do throws(SystemError) {
      try Netlink.configure(link: nic, namespace: tapNamespace, mtu: mtu, address: nil, up: nil)
    } catch {
      throw definition.failure("cannot set the MTU of \(nic)", error)
    }
  }

  func setKernelSettings(_ journal: Journal?) async throws(UserError) {
    if let tapNamespace { try await NodeSetup.writeSettings(of: definition, namespace: tapNamespace, journal) }
  }

  func execute(_ request: CommandRequest) async throws -> StartedCommand {
    try HostCommand.start(request, namespace: tapNamespace, environment.variables)
  }
}
