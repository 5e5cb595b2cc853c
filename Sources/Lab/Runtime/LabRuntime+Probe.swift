import Dataplane
import LinuxHost
import Topology

/// Asks whether a TCP port of a machine takes connections, from a namespace that is beside it for as long.
enum PortProbe {
  /// The node that asks; its name is none that a lab file can have.
  static func node(for machine: String, _ environment: NodeEnvironment) -> NetnsNode {
    NetnsNode(NodeDefinition(name: "\(machine).probe", kind: NetnsNode.kind.word), environment)
  }

  /// The node that asks, with its one NIC in the VLAN of the machine's first address on a switch.
  ///
  /// Its own address is the last one of that subnet that no node of the lab has.
  /// - Returns: nil when the machine has no such address, or its subnet has no room.
  static func definition(
    for machine: NodeDefinition, in lab: CanonicalLab
  ) -> (probe: NodeDefinition, target: String)? {
    for nic in machine.nics {
      guard case .switchPort(let name, let mode) = nic.attachment else { continue }
      for address in nic.addresses {
        guard let mode = mode.probe(vlan: address.vlan), let subnet = Subnet(address.address),
          let own = subnet.lastHost(notIn: lab.nodes.flatMap(\.nics).flatMap(\.addresses).map(\.address))
        else { continue }
        var probe = NodeDefinition(name: "\(machine.name).probe", kind: NetnsNode.kind.word)
        let mac = Names.derivedMAC(lab: lab.name, node: probe.name, nic: "eth0", attempt: 0)
        var eth0 = NICDefinition(name: "eth0", mac: mac)
        eth0.attachment = .switchPort(switch: name, mode: mode)
        eth0.addresses = [AddressDefinition(address: own)]
        probe.nics = [eth0]
        return (probe, String(address.address.prefix { $0 != "/" }))
      }
    }
    return nil
  }
}

extension VLANMode {
  /// The mode of a port beside one of this mode, untagged and in the VLAN of one of its addresses; nil = there is none.
  fileprivate func probe(vlan: Int?) -> VLANMode? {
    guard self != .transparent else { return vlan == nil ? .transparent : nil }
    return (vlan ?? untagged).map { .access($0) }
  }
}

extension LabRuntime {
  /// Pause between two tries to connect.
  private static let probeInterval = Duration.milliseconds(500)

  /// Returns when a TCP port of the node's first address on a switch takes connections.
  ///
  /// One at a time a machine: a guest that was reset is asked again, by a probe of the same name.
  /// - Throws: `UserError` when nothing can ask; `CancellationError`.
  func waitForPort(of node: NodeDefinition, _ port: Int) async throws {
    guard let plane, let lab = current, let (definition, target) = PortProbe.definition(for: node, in: lab) else {
      throw UserError(
        .failed, "node \(node.name): `ready: tcp` needs an address on a switch, in a subnet with one address to spare")
    }
    guard HostFacts.isRoot else {
      throw UserError(
        .failed, "node \(node.name): `ready: tcp` needs root, for the namespace that asks",
        hint: "run as root, or use `ready` with console or agent")
    }
    guard let nc = Executables.find("nc", variables) else {
      throw UserError(.failed, "no program nc on this host", hint: "install it with `apt-get install netcat-openbsd`")
    }
    let lane = probes[node.name] ?? ChangeDoor.Lane()
    probes[node.name] = lane
    try await lane.takeUnlessCancelled()
    defer { lane.leave() }
    let probe = NetnsNode(definition, environment)
    let name = Names.port(node: definition.name, nic: "eth0")
    // Left over from a daemon that died.
    _ = try? await probe.remove()
    do {
      try await probe.prepare(Journal())
      let configuration = try PortConfiguration(definition.nics[0], of: probe)
      try await brief {
        // One that has ended answers nobody.
        guard self.plane === plane else { throw CancellationError() }
        try await explained("port \(name)") { () async throws(DataplaneError) in
          try await plane.addPort(configuration)
        }
      }
      _ = try await probe.configure(isThere: false)
      while true {
        let reply = await CommandTrial.run(judge: CommandTrial.status) {
          try await probe.execute([nc, "-z", "-w", "1", target, "\(port)"])
        }
        if case .answered = reply { break }
        try await Task.sleep(for: Self.probeInterval)
      }
      await removeProbe(probe, port: name, of: plane)
    } catch {
      await removeProbe(probe, port: name, of: plane)
      throw error
    }
  }

  /// In a task of its own: the way back is to be gone to its end also when this one was cancelled.
  private func removeProbe(_ probe: NetnsNode, port: String, of plane: Dataplane) async {
    await Task {
      await brief {
        if self.plane === plane { try? await plane.removePort(port) }
      }
      _ = try? await probe.remove()
    }.value
  }

  /// Returns when every port of a node that somebody else starts has a front-end; notes it.
  func waitForFrontEnds(of node: NodeDefinition, _ order: StartOrder) async throws {
    let ports = Set(
      node.nics.filter { $0.attachment != .none }.map { Names.port(node: node.name, nic: $0.name) })
    let timeout = ReadyDefinition().timeout
    let deadline = ContinuousClock.now + .seconds(timeout)
    while !ports.isSubset(of: await startedPorts()) {
      guard ContinuousClock.now < deadline else {
        throw UserError(
          .failed, "node \(node.name): nobody has connected to it within \(Int(timeout)) s, and others start after it")
      }
      try await Task.sleep(for: .milliseconds(200))
    }
    await order.note(node.name, .ready)
  }
}
