import Dataplane
import Logging
import Topology

/// Ports that come and go at run time, beside those of the lab file.
///
/// They are brief changes: a lab that boots machines for minutes takes them meanwhile. So that a whole change and they do
/// not meet, each is judged by the lab that is up and by those that it is changed between (`coming`), which are set in the
/// step that judges the new one by the ports there are.
extension LabRuntime {
  /// What the kinds of added ports have to know of a lab.
  func home(_ lab: String) -> AddedPortHome { AddedPortHome(lab: lab, directories: directories) }

  /// The same of the lab that is up.
  var home: AddedPortHome { home(current?.name ?? "") }

  /// Folder of the lab's sockets that the file does not name.
  var socketFolder: String { directories.state(current?.name ?? "") }

  /// Adds a port, until it is removed, the lab is taken down, or `up --reset`.
  ///
  /// After an error nothing of it is left.
  /// - Throws: `UserError`.
  package func addPort(_ request: AddedPortRequest) async throws -> PortStatus {
    try await brief { () async throws(UserError) in try await add(request) }
  }

  /// The same, within the brief lane.
  func add(_ request: AddedPortRequest) async throws(UserError) -> PortStatus {
    guard let current, plane != nil else { throw Self.noLab }
    var port = try AddedPort(request, in: current)
    for (lab, isComing) in [(current, false)] + coming.map({ ($0, true) }) {
      let obstacle = port.obstacle(in: lab, isComing: isComing, folder: socketFolder, others: runTime.ports)
      if let obstacle { throw obstacle }
    }
    let row = try port.row
    try row.find(&port, home)
    let added = port
    // Written first: whatever happens from here on, `down` knows what may be there.
    try changeRunTime { $0.ports.append(added) }
    do throws(UserError) {
      try await open(added)
    } catch {
      try? changeRunTime { runTime in runTime.ports.removeAll { $0.name == added.name } }
      throw error
    }
    return try await status(of: added.name)
  }

  /// Removes a port that was added, with the static entries and the link settings it had.
  /// - Throws: `UserError` (`notFound`), also for a port of the lab file.
  package func removePort(_ name: String) async throws {
    try await brief { () async throws(UserError) in
      guard plane != nil else { throw Self.noLab }
      guard let port = PortName.find(name, in: runTime.ports, by: \.name) else { throw await unknownPort(name) }
      try await close(port, home)
      try changeRunTime { $0.forget(port: port.name) }
    }
  }

  /// Makes the port and what is behind it; throws with nothing left of what this has made.
  private func open(_ port: AddedPort) async throws(UserError) {
    guard let plane, let current else { throw Self.noLab }
    let row = try port.row
    var configuration = try port.configuration(in: current)
    configuration.carrier = !isSetDown(port.name)
    let (isNew, wanted, home) = (!row.isThere(port), configuration, home)
    try noteMaking(port, row, isNew)
    try row.prepare(port, home)
    do throws(UserError) {
      try await explained("port \(port.name)") { () async throws(DataplaneError) in try await plane.addPort(wanted) }
    } catch {
      if row.takes { _ = try? row.remove(port, home) }
      throw error
    }
    do throws(UserError) {
      try row.settle(port, isNew)
      await plane.settleInterfaces()
      try await impairPort(port.name)
    } catch {
      try? await plane.removePort(port.name)
      if isNew || row.takes { _ = try? row.remove(port, home) }
      throw error
    }
  }

  /// Writes down that an interface is made for its port, where somebody else's was there before and has gone.
  private func noteMaking(_ port: AddedPort, _ row: AddedPortKind, _ isNew: Bool) throws(UserError) {
    guard isNew, row.makes, port.namespace == nil, port.isMade != true else { return }
    try changeRunTime { runTime in
      guard let index = runTime.ports.firstIndex(where: { $0.name == port.name }) else { return }
      runTime.ports[index].isMade = true
    }
  }

  /// Takes the port out and removes what it has on this host.
  private func close(_ port: AddedPort, _ home: AddedPortHome) async throws(UserError) {
    // One that did not come back is not there.
    try? await plane?.removePort(port.name)
    _ = try await port.remove(home)
  }

  /// Opens an added port anew, as another definition of it has it; the old one again if that fails.
  func reopen(_ port: AddedPort, instead old: AddedPort) async throws(UserError) {
    try? await plane?.removePort(old.name)
    do throws(UserError) {
      try await open(port)
    } catch {
      try? await open(old)
      throw error
    }
  }

  // MARK: - With the whole lab

  /// Brings back what was said of ports and is not there.
  ///
  /// That is: added ports that a daemon before this one had, static entries of ports that were made anew, MTUs of
  /// interfaces that were. What is said of ports that the lab has no more, or that its switches cannot have, is void.
  ///
  /// What does not come back is told, and tried again by the next `up`: the rest of the lab goes on.
  /// - Parameter forgets: the lab is up as it is to be, and what is void is forgotten; until then it may come back.
  func bringBack(forgets: Bool = false, _ progress: @Sendable (String) -> Void) async {
    await brief {
      guard let current, let plane else { return }
      await fitAddedPorts(to: current, progress)
      let there = Set(await plane.ports().map(\.name))
      for port in runTime.ports where !there.contains(port.name) {
        if port.isOfGonePod {
          try? changeRunTime { $0.forget(port: port.name) }
          progress("port \(port.name): its pod has gone")
          continue
        }
        do throws(UserError) {
          try await open(port)
          returned.append(PlanStep(.adopt, "port \(port.name)", port.words))
          progress("port \(port.name): \(port.words)")
        } catch {
          logger.warning("port \(port.name) is not back: \(error)")
          progress("port \(port.name), which was added at run time, is not back: \(error)")
        }
      }
      await fixStations(of: current)
      if forgets, runTime.hasStrayWords(current) { try? changeRunTime { $0.dropStrayWords(current) } }
      for (name, said) in runTime.settings {
        guard let mtu = said.mtu, let (node, nic) = self.nic(of: name) else { continue }
        try? await node.setMTU(of: nic.name, mtu)
      }
    }
  }

  /// Has the switches know the stations that were said and that they can have, and no others of those.
  private func fixStations(of lab: CanonicalLab) async {
    var valid = runTime
    valid.dropStrayWords(lab)
    for station in runTime.stations where !valid.stations.contains(where: { $0.isSame(as: station) }) {
      _ = try? await plane?.removeStation(station.mac, vlan: station.vlan, on: station.switchName)
    }
    for station in valid.stations {
      do throws(UserError) {
        try await fix(station)
      } catch {
        logger.warning("fdb: \(station.words): \(error)")
      }
    }
  }

  /// Gives added ports whose switch came to have VLANs, or to have none, the mode that was said there before, or the one
  /// that a port has of which nothing is said; within the brief lane.
  func fitAddedPorts(to lab: CanonicalLab, _ progress: @Sendable (String) -> Void) async {
    for port in runTime.misfits(in: lab) {
      try? changeRunTime { $0.replace(port) }
      do throws(DataplaneError) {
        try await plane?.setMode(port: port.name, PortMode(port.mode))
        progress("port \(port.name): \(port.mode.words)")
      } catch {
        // One that is not there is opened so.
        logger.debug("port \(port.name): \(error)")
      }
    }
  }

  /// Forgets what was said of ports, and makes it so.
  /// - Returns: what was done.
  func resetPorts(of lab: String) async -> [PlanStep] {
    var steps: [PlanStep] = []
    for station in runTime.stations {
      _ = try? await plane?.removeStation(station.mac, vlan: station.vlan, on: station.switchName)
      steps.append(PlanStep(.remove, "fdb \(station.switchName)", station.words))
    }
    // Before any port is opened anew, which would get them back.
    runTime.stations = []
    for (name, said) in runTime.settings.sorted(by: { $0.key < $1.key }) {
      runTime.settings[name] = nil
      do throws(UserError) {
        if plane != nil, let port = try? await settable(name) {
          try await carryOut(RunTimeState.Port(), port, from: said)
        }
      } catch {
        logger.error("\(error)")
      }
      steps.append(PlanStep(.change, "port \(name)", "back to the file"))
    }
    for port in runTime.ports {
      do throws(UserError) {
        try await close(port, home(lab))
      } catch {
        // It stays written down, so that `down` finds what it has on this host.
        logger.error("\(error)")
        continue
      }
      runTime.forget(port: port.name)
      steps.append(PlanStep(.remove, "port \(port.name)", port.words))
    }
    return steps
  }

  /// Removes what the added ports have on this host, whose data plane has ended.
  /// - Returns: what failed.
  func removeAddedPorts(
    of lab: String, _ progress: @escaping @Sendable (String) -> Void
  ) async -> [UserError] {
    await AddedPort.remove(runTime.ports, home(lab), progress)
  }

  /// - Throws: `UserError` for a lab that the added ports do not go with.
  func checkAddedPorts(with lab: CanonicalLab) throws(UserError) {
    if let conflict = runTime.conflict(with: lab, folder: directories.state(lab.name)) { throw conflict }
  }

  // MARK: - Parts

  func status(of name: String) async throws(UserError) -> PortStatus {
    let ports = await withPlane { await $0.ports() } ?? []
    guard let port = PortName.find(name, in: ports, by: \.name) else { throw await unknownPort(name) }
    return port
  }

  /// Of a name that no port has, or none that can be meant.
  func unknownPort(_ name: String) async -> UserError {
    let ports = await withPlane { await $0.ports() } ?? []
    if let port = PortName.find(name, in: ports, by: \.name) {
      return UserError(
        .badInput, "port \(port.name) is the lab file's, and only ports that were added can be removed",
        hint: "take it out of the file and say `apus up`")
    }
    let names = ports.map(\.name).sorted()
    return UserError(
      .notFound, "no port \"\(name)\"", hint: names.isEmpty ? "there are none" : "ports: \(Self.shown(names))")
  }
}

extension AddedPort {
  /// Removes what the port has on this host once it is closed; on nobody's actor, as the kernel takes its time.
  /// - Returns: what was removed.
  func remove(_ home: AddedPortHome) async throws(UserError) -> [String] { try row.remove(self, home) }

  /// Removes what ports have on this host that nobody serves, side by side.
  /// - Returns: what failed.
  static func remove(
    _ ports: [AddedPort], _ home: AddedPortHome, _ progress: @escaping @Sendable (String) -> Void
  ) async -> [UserError] {
    await withTaskGroup(of: UserError?.self) { group in
      for port in ports {
        group.addTask {
          do throws(UserError) {
            for line in try await port.remove(home) { progress("\(line) removed") }
            return nil
          } catch {
            return error
          }
        }
      }
      let failures: [UserError] = await group.reduce(into: []) { failures, failure in
        failures += failure.map { [$0] } ?? []
      }
      // Also those of ports that are written down no more.
      return failures + AddedPortKind.giveBackInterfaces(home)
    }
  }
}

extension RunTimeState {
  /// Forgets an added port and all that was said of it.
  mutating func forget(port name: String) {
    ports.removeAll { $0.name == name }
    stations.removeAll { $0.port == name }
    links[name] = nil
  }

  /// Something is said of ports that a lab has not, or has elsewhere.
  func hasStrayWords(_ lab: CanonicalLab) -> Bool {
    var kept = self
    kept.dropStrayWords(lab)
    return kept != self
  }

  mutating func dropStrayWords(_ lab: CanonicalLab) {
    let switches = lab.switchesOfPorts
    let added = Dictionary(ports.map { ($0.name, $0.switchName) }, uniquingKeysWith: { first, _ in first })
    stations.removeAll { (switches[$0.port] ?? added[$0.port]) != $0.switchName }
    // Of a switch that came to have VLANs, or to have none.
    stations.removeAll { lab.isVLANAware($0.switchName) == ($0.vlan == 0) }
    let known = Set(switches.keys).union(
      lab.nodes.flatMap { node in
        node.nics.map { Names.port(node: node.name, nic: $0.name) }
      })
    settings = settings.filter { known.contains($0.key) }
    // A port that has left its switch has no VLANs.
    for name in settings.keys where switches[name] == nil { settings[name]?.mode = nil }
    let unaware = Set(lab.switches.filter { !$0.isVLANAware }.map(\.name))
    for (name, said) in settings {
      guard let mode = said.mode, let home = switches[name], (mode == .transparent) != unaware.contains(home) else {
        continue
      }
      settings[name]?.mode = nil
    }
    settings = settings.filter { $0.value != Port() }
    for place in ports.indices { ports[place].voidMode = nil }
  }

  /// Added ports whose switch came to have VLANs, or to have none, each as it is to be now.
  func misfits(in lab: CanonicalLab) -> [AddedPort] {
    ports.compactMap { port in
      let isAware = lab.isVLANAware(port.switchName)
      guard (port.mode == .transparent) == isAware else { return nil }
      var port = port
      let said = port.voidMode ?? port.mode
      let isValid = (said == .transparent) != isAware
      port.mode = isValid ? said : .usual(on: port.switchName, of: lab)
      port.voidMode = isValid ? nil : said
      return port
    }
  }
}

extension CanonicalLab {
  /// Names of switches by those of the ports on them.
  var switchesOfPorts: [String: String] {
    var switches: [String: String] = [:]
    for node in nodes {
      for nic in node.nics {
        guard case .switchPort(let name, _) = nic.attachment else { continue }
        switches[Names.port(node: node.name, nic: nic.name)] = name
      }
    }
    for link in links {
      for case .switchPort(let end) in link.ends {
        switches[PortName.end(switch: end, link: link.name).description] = end
      }
    }
    return switches
  }
}
