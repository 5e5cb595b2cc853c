import Dataplane
import Frames
import Topology

/// What `fdb add` asks for, in words.
package struct StationRequest: Sendable, Equatable {
  package var switchName: String
  package var mac: String
  package var port: String
  /// A VLAN's name or number; that of the port's untagged frames without it.
  package var vlan: String?

  package init(switchName: String, mac: String, port: String, vlan: String? = nil) {
    (self.switchName, self.mac, self.port, self.vlan) = (switchName, mac, port, vlan)
  }
}

/// Static entries of the forwarding databases.
extension LabRuntime {
  /// Fixes a station behind a port, until it is removed, its port or the lab goes, or `up --reset`.
  ///
  /// What was fixed of that station before is replaced.
  /// - Throws: `UserError`.
  package func addStation(_ request: StationRequest) async throws -> FDBEntry {
    try await brief { () async throws(UserError) in
      guard let current, plane != nil else { throw Self.noLab }
      let station = try await station(request, in: current)
      let old = runTime.stations.first { $0.isSame(as: station) }
      try changeRunTime { runTime in
        runTime.stations.removeAll { $0.isSame(as: station) }
        runTime.stations.append(station)
      }
      do throws(UserError) {
        try await fix(station)
      } catch {
        try? changeRunTime { runTime in
          runTime.stations.removeAll { $0.isSame(as: station) }
          if let old { runTime.stations.append(old) }
        }
        throw error
      }
      return FDBEntry(
        switchName: station.switchName, vlan: station.vlan, address: station.mac, port: station.port, ageSeconds: 0,
        isStatic: true)
    }
  }

  /// Takes back `addStation`.
  /// - Parameters:
  ///   - switchName: nil = on whatever switch.
  ///   - vlan: a VLAN's name or number; nil = in all.
  /// - Throws: `UserError` (`notFound`) where there is no static entry for that station.
  package func removeStation(_ mac: String, switchName: String?, vlan: String?) async throws {
    try await brief { () async throws(UserError) in
      guard let current, let plane else { throw Self.noLab }
      let address = try Self.address(mac)
      if let switchName { try checkSwitch(switchName, current) }
      let id = try vlan.map { word throws(UserError) in try Self.id(word, current) }
      let meant = runTime.stations.filter {
        $0.mac == address && switchName ?? $0.switchName == $0.switchName && id ?? $0.vlan == $0.vlan
      }
      guard !meant.isEmpty else {
        let known = runTime.stations.map(\.words)
        let place = (id.map { " in vlan \($0)" } ?? "") + (switchName.map { " on \($0)" } ?? "")
        throw UserError(
          .notFound, "there is no static entry of \(address)\(place)",
          hint: known.isEmpty ? "there are none; `apus fdb flush` forgets what was learnt" : Self.shown(known))
      }
      try changeRunTime { runTime in
        runTime.stations.removeAll { station in meant.contains { $0.isSame(as: station) } }
      }
      for station in meant {
        try await explained("fdb \(station.switchName)") { () async throws(DataplaneError) in
          _ = try await plane.removeStation(station.mac, vlan: station.vlan, on: station.switchName)
        }
      }
    }
  }

  /// Has the switch know a station for good.
  func fix(_ station: StaticStation) async throws(UserError) {
    guard let plane else { throw Self.noLab }
    try await explained("fdb \(station.switchName)") { () async throws(DataplaneError) in
      try await plane.addStation(station.mac, vlan: station.vlan, behind: station.port, on: station.switchName)
    }
  }

  private func station(_ request: StationRequest, in lab: CanonicalLab) async throws(UserError) -> StaticStation {
    let address = try Self.address(request.mac)
    guard !address.isGroup, !address.isZero else {
      throw UserError(.badInput, "\(address) is not the address of a station", hint: "group addresses go to all ports")
    }
    try checkSwitch(request.switchName, lab)
    let port = try await status(of: request.port)
    guard port.switchName == request.switchName else {
      let place = port.switchName.map { "on switch \($0)" } ?? "on no switch"
      throw UserError(.badInput, "port \(port.name) is \(place), not on \(request.switchName)")
    }
    let mode = port.mode
    if mode == .transparent, let word = request.vlan {
      throw UserError(
        .badInput, "switch \(request.switchName) is not VLAN-aware: its stations are in no VLAN, found \"\(word)\"",
        hint: "leave --vlan out")
    }
    guard let vlan = try request.vlan.map({ word throws(UserError) in try Self.id(word, lab) }) ?? mode.untagged else {
      throw UserError(.badInput, "port \(port.name) is a trunk without a native VLAN", hint: "say --vlan")
    }
    guard mode.carries(vlan) else {
      throw UserError(
        .badInput, "port \(port.name) is no member of VLAN \(vlan)", hint: "`apus vlan list` shows members")
    }
    return StaticStation(switchName: request.switchName, vlan: vlan, mac: address, port: port.name)
  }

  private func checkSwitch(_ name: String, _ lab: CanonicalLab) throws(UserError) {
    guard !lab.switches.contains(where: { $0.name == name }) else { return }
    let known = lab.switches.isEmpty ? "there are none" : lab.switches.map(\.name).sorted().joined(separator: ", ")
    throw UserError(.notFound, "no switch \"\(name)\"", hint: "switches: \(known)")
  }

  private static func id(_ word: String, _ lab: CanonicalLab) throws(UserError) -> Int {
    do throws(VLANMistake) {
      return try lab.vlan(word)
    } catch {
      throw UserError(.badInput, error.message, hint: error.hint)
    }
  }

  private static func address(_ text: String) throws(UserError) -> MACAddress {
    if let address = MACAddress(text) { return address }
    throw UserError(.badInput, "\"\(text)\" is no MAC address", hint: "expected one such as 02:00:00:00:00:01")
  }
}

extension PortMode {
  /// The VLAN of untagged frames, 0 on a switch without VLANs; nil = there is none.
  fileprivate var untagged: Int? {
    switch self {
    case .access(let vlan): Int(vlan)
    case .trunk(_, let native): native.map { Int($0) }
    case .transparent: 0
    case .wire: nil
    }
  }

  fileprivate func carries(_ vlan: Int) -> Bool {
    switch self {
    case .access(let own): Int(own) == vlan
    case .trunk(let allowed, _): allowed.contains(vlan)
    case .transparent: vlan == 0
    case .wire: false
    }
  }
}
