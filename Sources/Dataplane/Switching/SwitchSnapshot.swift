import Frames
internal import VhostUser

/// A switch as a plain value: how it is set, the stations that it knows, and the states of its ports.
package struct SwitchSnapshot: Codable, Equatable, Sendable, VersionedState {
  package static let stateName = "switch snapshot"
  package static let stateVersion = 2

  /// How an entry came to be.
  package enum Origin: String, Codable, Sendable { case learned, fixed = "static" }

  /// A station of the forwarding database.
  package struct Entry: Codable, Equatable, Sendable {
    /// 0 on a switch without VLANs.
    package var vlan: Int
    package var address: MACAddress
    /// Name of the port that it is behind.
    package var port: String
    package var origin: Origin
    /// Seconds since it was last seen.
    package var age: Double
  }

  /// The VLANs in which a port does not forward, as ascending ranges.
  package struct PortStates: Codable, Equatable, Sendable {
    package var port: String
    package var discarding: [ClosedRange<Int>]
    package var learning: [ClosedRange<Int>]
  }

  private var version = StateVersion<SwitchSnapshot>()
  package var configuration: SwitchConfiguration
  package var entries: [Entry]
  /// Ports that do not forward everywhere.
  package var states: [PortStates]

  package init(_ configuration: SwitchConfiguration, _ entries: [Entry], _ states: [PortStates] = []) {
    self.configuration = configuration
    self.entries = entries
    self.states = states
  }
}

extension SwitchSnapshot.Entry {
  /// Nil if its port has gone.
  init?(_ entry: FDBEntry) {
    guard !entry.port.isEmpty else { return nil }
    self.init(
      vlan: entry.vlan, address: entry.address, port: entry.port, origin: entry.isStatic ? .fixed : .learned,
      age: entry.ageSeconds)
  }
}

/// A station that a switch is told of, in the worker's terms.
struct KnownStation: Sendable {
  var key: UInt64
  var port: Int
  var isStatic: Bool
  /// Seconds since it was last seen.
  var age: UInt32

  /// - Parameters:
  ///   - ports: numbers of the switch's ports by name.
  ///   - transparent: those among them that have no VLANs.
  /// - Returns: nil if the port is not there, or VLAN or address cannot be.
  init?(_ entry: SwitchSnapshot.Entry, ports: [String: Int], transparent: Set<Int>) {
    guard let port = ports[entry.port], !entry.address.isGroup, !entry.address.isZero,
      transparent.contains(port) ? entry.vlan == 0 : (1...4094).contains(entry.vlan)
    else { return nil }
    key = FDB.key(vlan: UInt16(entry.vlan), entry.address)
    self.port = port
    isStatic = entry.origin == .fixed
    // What is not a number counts as seen just now.
    age = entry.age >= 0 ? UInt32(min(entry.age, 1_000_000)) : 0
  }
}

extension FDB {
  /// Knows stations, oldest first, that were seen before; returns how many are new.
  func coldRestore(_ stations: [KnownStation], now: UInt32) -> Int {
    let before = count
    for station in stations {
      let seen = now &- min(station.age, now &- 1)
      coldRestore(station.key, FDBValue(port: station.port, isStatic: station.isStatic, tick: seen))
    }
    return count - before
  }
}
