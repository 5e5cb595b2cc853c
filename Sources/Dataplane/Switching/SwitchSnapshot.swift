import Frames
import Synchronization
internal import VhostUser

/// A switch as a plain value: how it is set, the stations that it knows, and the states of its ports.
package struct SwitchSnapshot: Codable, Equatable, Sendable, VersionedState {
  package static let stateName = "switch snapshot"
  package static let stateVersion = 3

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
  var stations: StationTable
  /// Ports that do not forward everywhere.
  package var states: [PortStates]
  /// Stations that came up on another port than before, and that had to make room for others, so far.
  package var moves: UInt64 = 0
  package var evictions: UInt64 = 0

  package init(_ configuration: SwitchConfiguration, _ entries: [Entry], _ states: [PortStates] = []) {
    self.init(configuration, StationTable(entries), states)
  }

  init(_ configuration: SwitchConfiguration, _ stations: StationTable, _ states: [PortStates]) {
    self.configuration = configuration
    self.stations = stations
    self.states = states
  }

  /// The stations one by one, of which there may be a million.
  package var entries: [Entry] { stations.entries }
}

/// A station that a switch is told of, in the worker's terms.
struct KnownStation: Sendable {
  var key: UInt64
  var port: Int
  var isStatic: Bool
  /// Seconds since it was last seen.
  var age: UInt32

  /// - Parameters:
  ///   - port: number of the port.
  ///   - isTransparent: the port has no VLANs.
  /// - Returns: nil if VLAN or address cannot be.
  init?(_ station: StationTable.Word, port: Int, isTransparent: Bool) {
    let (vlan, address) = (station.vlan, station.address)
    guard !address.isGroup, !address.isZero, isTransparent ? vlan == 0 : (1...4094).contains(vlan) else { return nil }
    key = FDB.key(vlan: UInt16(truncatingIfNeeded: vlan), address)
    self.port = port
    isStatic = station.isStatic
    age = UInt32(min(station.age, 1_000_000))
  }
}

extension FDB {
  /// Goes on counting from what another one had counted.
  func coldAddCounts(of snapshot: SwitchSnapshot) {
    coldWrite { _ in
      storedMoveCount.store(moveCount &+ snapshot.moves, ordering: .relaxed)
      storedEvictionCount.store(evictionCount &+ snapshot.evictions, ordering: .relaxed)
    }
  }

  /// Knows stations, oldest first, that were seen before; returns how many are new.
  ///
  /// The lock is taken for some of them at a time.
  func coldRestore(_ stations: [KnownStation], now: UInt32) -> Int {
    let before = count
    var next = 0
    while next < stations.count {
      next = coldWrite { state in
        var index = next
        // Each may have entries of a bucket move: all that one does still goes into a piece.
        while index < stations.count, state.entriesInHold < Self.pieceCount / 4 {
          restore(stations[index], now: now, &state)
          index += 1
        }
        return index
      }
    }
    return count - before
  }

  /// Takes in one station, with the lock held; nothing happens if it is known, or there is no room.
  private func restore(_ station: KnownStation, now: UInt32, _ state: inout Writer) {
    state.entriesInHold += 1
    guard count < limit, station.port < state.lists.count, state.lists[station.port].count < portLimit,
      find(station.key) == nil
    else { return }
    let seen = now &- min(station.age, now &- 1)
    insert(station.key, FDBValue(port: station.port, isStatic: station.isStatic, tick: seen), &state)
  }
}
