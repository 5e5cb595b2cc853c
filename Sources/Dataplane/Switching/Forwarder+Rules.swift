import CLinux
import Frames

/// Rules of ports, where the switch asks for them: behind the ingress filter and before a source is learnt, and where a frame
/// leaves.
///
/// A frame that rules drop teaches nothing.
extension Forwarder {
  /// Looks for a table that others have the lock of, before a frame of a new station is dropped.
  private static var patience: Int { 100 }

  /// The rules of the port that a frame came in by let it pass; one that they do not was dropped.
  @inline(never)
  mutating func admitsByRules(_ place: Place, _ destination: MACAddress, _ state: inout WorkerState) -> Bool {
    let isUnknown =
      state.ruleSets[state.ports[place.ingress].rules].limitsUnknown && !destination.isGroup
      && !knows(destination, place, state)
    guard let drop = state.judgeArrival(place, isUnknown: isUnknown) else { return true }
    state.refuse(place, drop)
    return false
  }

  private func knows(_ destination: MACAddress, _ place: Place, _ state: borrowing WorkerState) -> Bool {
    let key = FDB.key(vlan: place.vlan, destination)
    guard let found = switches[place.switchIndex].stations.with({ $0.lookup(key) }) else { return false }
    return state.ports[found.port].carries(place.vlan)
  }

  /// The rules of the port that a frame leaves by let it pass; one that they do not was dropped.
  @inline(never)
  mutating func releasesByRules(_ place: Place, by port: Int, _ state: inout WorkerState) -> Bool {
    guard let drop = state.judgeDeparture(place, by: port) else { return true }
    state.refuse(place, leavingBy: port, drop)
    return false
  }

  /// Notes where a source is, behind a port that may have so many stations; a frame of one more was dropped.
  @inline(never)
  mutating func learnLimited(_ key: UInt64, _ place: Place, _ state: inout WorkerState) -> Bool {
    let (port, tick) = (place.ingress, state.tick)
    let limit = Int(state.ports[port].learnLimit)
    unknownKey = 0
    for _ in 0..<Self.patience {
      let (learning, isUntold) = switches[place.switchIndex].stations.with {
        ($0.learn(key, port: port, tick: tick, limit: limit), $0.isUntold)
      }
      if isUntold { coldTellStations(place.switchIndex, state) }
      switch learning {
      case .learnt(let generation):
        if owedMoveCount > 0 { settleMove(of: key, on: place.switchIndex) }
        state.ports[port].remember(key, at: tick, generation)
        return true
      case .busy: clinux_pause()
      case .refused:
        state.refuse(place, .learnLimit)
        return false
      }
    }
    state.refuse(place, .learnLimit)
    return false
  }

  /// Passes the burst of a wire on of which an end has rules; returns its bytes.
  @inline(never)
  mutating func forwardBurstRuledWire(from ingress: Int, _ state: inout WorkerState) -> Int {
    let peer = state.ports[ingress].peer
    var bytes = 0
    for index in 0..<state.burst.count {
      bytes &+= state.burst.frames[index].size
      guard state.burst.frames[index].size >= Ethernet.headerSize, !state.burst.frames[index].isHeaderInvalid, peer >= 0
      else {
        forwardWire(index, from: ingress, &state)
        continue
      }
      let place = Place(frame: index, ingress: ingress, switchIndex: -1, vlan: 0, priority: 0, hops: 0)
      if state.ports[ingress].ruleUse.judgesArrivals, let drop = state.judgeArrival(place, isUnknown: false) {
        state.refuse(index, at: ingress, drop)
        continue
      }
      if state.ports[peer].ruleUse.contains(.departures), !releasesByRules(place, by: peer, &state) { continue }
      state.enqueue(index, to: peer, .keep)
    }
    return bytes
  }
}
