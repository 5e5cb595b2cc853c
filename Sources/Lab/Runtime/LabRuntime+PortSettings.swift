import Dataplane
import Topology

/// `port set`: VLANs, MTU, offloads and rules of ports that are there.
extension LabRuntime {
  /// A port as it can be set.
  enum SettablePort: Sendable {
    case added(AddedPort)
    /// Of a node of the lab.
    case nic(node: any Node, NICDefinition, name: String)
    /// An end of a link between switches.
    case end(LinkDefinition, name: String)

    var name: String {
      switch self {
      case .added(let port): port.name
      case .nic(_, _, let name), .end(_, let name): name
      }
    }
  }

  /// Changes a port, until the lab is taken down or `up --reset`; all is as before if it fails.
  /// - Returns: the port afterwards.
  /// - Throws: `UserError`.
  package func setPort(_ name: String, _ change: PortChange) async throws -> PortStatus {
    try await brief { () async throws(UserError) in
      guard let current, plane != nil else { throw Self.noLab }
      let port = try await settable(name)
      try PortChange.check(mtu: change.mtu)
      try PortChange.check(change.rules)
      switch port {
      case .added(let added): try await set(added, change, current)
      case .nic, .end: try await set(port, change, current)
      }
      return try await status(of: port.name)
    }
  }

  /// - Throws: `UserError` (`notFound`).
  func settable(_ name: String) async throws(UserError) -> SettablePort {
    for meant in PortName.meant(by: name) {
      if let port = runTime.ports.first(where: { $0.name == meant }) { return .added(port) }
      if let (node, nic) = nic(of: meant) { return .nic(node: node, nic, name: meant) }
      let link = current?.links.first { link in
        link.ends.contains { end in
          guard case .switchPort(let owner) = end else { return false }
          return PortName.end(switch: owner, link: link.name).description == meant
        }
      }
      if let link { return .end(link, name: meant) }
    }
    throw await unknownPort(name)
  }

  /// The NIC whose port is called so.
  func nic(of port: String) -> (any Node, NICDefinition)? {
    for node in nodesInOrder {
      for nic in node.definition.nics where Names.port(node: node.definition.name, nic: nic.name) == port {
        return (node, nic)
      }
    }
    return nil
  }

  // MARK: - Added ports

  /// Changes a port that was added, within the brief lane.
  func set(_ old: AddedPort, _ change: PortChange, _ lab: CanonicalLab) async throws(UserError) {
    var new = old
    new.mode = try change.mode(from: old.mode, in: lab, of: old.name, on: old.switchName)
    if change.changesMode { new.voidMode = nil }
    if let mtu = change.mtu { new.mtu = mtu }
    if let level = try change.offloadLevel() {
      guard try old.row.canReopen else { throw Self.fixedOffload(old.name, hint: "remove the port and add it again") }
      new.offload = level == .on ? nil : level
    }
    new.rules = try (old.rules ?? RulesDefinition()).changed(by: change.rules).orNil
    _ = try new.portRules(in: lab)
    guard new != old else { return }
    let port = new
    try changeRunTime { $0.replace(port) }
    do throws(UserError) {
      if port.offload != old.offload {
        try await reopen(port, instead: old)
        for station in runTime.stations where station.port == port.name { try await fix(station) }
      } else {
        try await carryOut(port, from: old)
      }
    } catch {
      try? changeRunTime { $0.replace(old) }
      throw error
    }
  }

  private func carryOut(_ port: AddedPort, from old: AddedPort) async throws(UserError) {
    guard let plane else { throw Self.noLab }
    do throws(UserError) {
      if port.mode != old.mode { try await setMode(port.name, port.mode) }
      if let mtu = port.mtu, mtu != old.mtu {
        try port.row.setMTU(port, mtu, home)
        try await explained("port \(port.name)") { () async throws(DataplaneError) in
          try await plane.setMTU(port: port.name, mtu)
        }
      }
      if let current, port.mode != old.mode || port.rules != old.rules {
        try await setRules(port.name, try port.portRules(in: current))
      }
    } catch {
      if port.mode != old.mode { try? await setMode(old.name, old.mode) }
      throw error
    }
  }

  // MARK: - Ports of the lab file

  private func set(_ port: SettablePort, _ change: PortChange, _ lab: CanonicalLab) async throws(UserError) {
    let before = runTime.settings[port.name] ?? RunTimeState.Port()
    var after = before
    if change.changesMode {
      guard let file = port.mode(in: lab), let switchName = port.switchName else {
        throw UserError(
          .badInput, "port \(port.name) is on no switch: a wire passes every frame as it is, and has no VLANs")
      }
      let old = before.mode(insteadOf: file)
      let mode = try change.mode(from: old, in: lab, of: port.name, on: switchName)
      if case .end(let link, _) = port, case .access = mode, link.ends.allSatisfy({ lab.isVLANAware($0.text) }) {
        throw UserError(.badInput, "port \(port.name) joins two switches: it is a trunk", hint: "say trunk= or native=")
      }
      after.mode = mode == file ? nil : mode
    }
    if let mtu = change.mtu {
      guard case .nic(_, let nic, _) = port else {
        throw UserError(.badInput, "port \(port.name) joins two switches: it has no MTU")
      }
      after.mtu = mtu == nic.mtu ? nil : mtu
    }
    if let level = try change.offloadLevel() {
      guard case .nic(let node, let nic, _) = port, node.definition.traits.hasOurInterfaces else {
        throw Self.fixedOffload(port.name, hint: "change `offload` in the lab file and say `apus up`")
      }
      after.offload = level == nic.offload ? nil : level
    }
    if !change.rules.isEmpty { after.rules = try saidRules(of: port, before, change.rules, lab) }
    guard after != before else { return }
    let said = after
    try changeRunTime { $0.settings[port.name] = said == RunTimeState.Port() ? nil : said }
    do throws(UserError) {
      try await carryOut(said, port, from: before)
    } catch {
      try? changeRunTime { $0.settings[port.name] = before == RunTimeState.Port() ? nil : before }
      try? await carryOut(before, port, from: said)
      throw error
    }
  }

  /// Makes what is said of a port of the lab file so; what is not said is as the file has it.
  /// - Parameter old: what was said before.
  func carryOut(
    _ said: RunTimeState.Port, _ port: SettablePort, from old: RunTimeState.Port
  ) async throws(UserError) {
    guard let plane else { throw Self.noLab }
    let name = port.name
    if said.offload != old.offload, case .nic(let node, let nic, _) = port {
      // With the modes and the MTU that are said now.
      try await reopen(nic, of: node)
    } else if said.mode != old.mode, let mode = said.mode ?? current.flatMap({ port.mode(in: $0) }) {
      try await setMode(name, mode)
    }
    if said.rules != old.rules || said.mode != old.mode, case .nic(let node, let nic, _) = port {
      try await setRules(name, try portRules(of: nic, node.definition, said))
    }
    guard said.mtu != old.mtu, case .nic(let node, let nic, _) = port else { return }
    let mtu = said.mtu ?? nic.mtu
    try await node.setMTU(of: nic.name, mtu ?? 1500)
    try await explained("port \(name)") { () async throws(DataplaneError) in
      try await plane.setMTU(port: name, mtu)
    }
  }

  /// Opens the port of a NIC anew whose interface is ours and stays.
  private func reopen(_ nic: NICDefinition, of node: any Node) async throws(UserError) {
    guard let plane, let current else { throw Self.noLab }
    let configuration = try self.configuration(nic, of: node)
    let name = configuration.name
    try? await plane.removePort(name)
    try await explained("port \(name)") { () async throws(DataplaneError) in
      try await plane.addPort(configuration)
      for link in current.links where link.kind == .wire {
        let ends = link.ends.compactMap { end -> String? in
          guard case .nic(let node, let nic) = end else { return nil }
          return Names.port(node: node, nic: nic)
        }
        if ends.count == 2, ends.contains(name) { try await plane.connectWire(ends[0], ends[1]) }
      }
    }
    await plane.settleInterfaces()
    try await impairPort(name)
    for station in runTime.stations where station.port == name { try await fix(station) }
  }

  /// The port of a node's NIC, as the file and what was said since have it.
  func configuration(_ nic: NICDefinition, of node: any Node) throws(UserError) -> PortConfiguration {
    let said = runTime.settings[Names.port(node: node.definition.name, nic: nic.name)]
    var meant = nic
    if let offload = said?.offload, node.definition.traits.hasOurInterfaces { meant.offload = offload }
    if let mtu = said?.mtu { meant.mtu = mtu }
    if let said, case .switchPort(let name, let mode) = nic.attachment {
      meant.attachment = .switchPort(switch: name, mode: said.mode(insteadOf: mode))
    }
    var configuration = try PortConfiguration(meant, of: node)
    configuration.carrier = isWanted(nic, of: node.definition)
    configuration.rules = try portRules(of: nic, node.definition, said)
    return configuration
  }

  /// The mode of a port of the lab file, unless something else was said since.
  func mode(of port: String, _ file: VLANMode) -> PortMode {
    PortMode(runTime.settings[port]?.mode(insteadOf: file) ?? file)
  }

  private func setMode(_ name: String, _ mode: VLANMode) async throws(UserError) {
    guard let plane else { throw Self.noLab }
    try await explained("port \(name)") { () async throws(DataplaneError) in
      try await plane.setMode(port: name, PortMode(mode))
    }
  }

  private static func fixedOffload(_ port: String, hint: String) -> UserError {
    UserError(
      .badInput, "port \(port): its offload cannot change at run time, as front-ends have taken up what was offered",
      hint: hint)
  }
}

extension LabRuntime.SettablePort {
  /// The switch that it is on; nil on a wire.
  fileprivate var switchName: String? {
    switch self {
    case .added(let port): return port.switchName
    case .nic(_, let nic, _):
      guard case .switchPort(let name, _) = nic.attachment else { return nil }
      return name
    case .end(let link, let port):
      return link.ends.first { PortName.end(switch: $0.text, link: link.name).description == port }?.text
    }
  }

  /// What the lab file says; nil on a wire.
  fileprivate func mode(in lab: CanonicalLab) -> VLANMode? {
    switch self {
    case .added(let port): return port.mode
    case .nic(_, let nic, _):
      guard case .switchPort(_, let mode) = nic.attachment else { return nil }
      return mode
    case .end(let link, _):
      guard case .trunk(let mode) = link.kind, let switchName else { return nil }
      return lab.mode(mode, at: switchName)
    }
  }
}

extension RunTimeState {
  /// Puts another definition of an added port in the place of the one there is.
  mutating func replace(_ port: AddedPort) {
    if let place = ports.firstIndex(where: { $0.name == port.name }) { ports[place] = port }
  }
}
