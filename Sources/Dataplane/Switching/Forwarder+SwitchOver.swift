import Frames

/// Frames that were kept for a node that has moved away, and follow it.
extension Forwarder {
  /// Sends frames of the burst, which were kept as they leave by a port, to where their stations are by now.
  ///
  /// What is for a group went to everybody else when it came.
  /// - Parameter isLast: those whose stations are not known elsewhere are dropped; otherwise the first of them ends it.
  /// - Returns: how many are done with.
  mutating func coldSendAfter(_ port: Int, isLast: Bool, _ state: inout WorkerState) -> Int {
    crossings = 0
    unknownKey = 0
    state.burst.extendScratch(to: state.ports[port].neededDepth)
    var done = 0
    while done < state.burst.count {
      let place = coldPlace(done, from: port, &state)
      let destination = state.burst.header(done).destination
      if let place, !destination.isGroup, let output = coldOutput(destination, place, state) {
        leave(place, by: output, &state)
      } else if place == nil || destination.isGroup || isLast {
        state.coldRefuseKept(done, at: port, .migrationBuffer)
      } else {
        break
      }
      done += 1
    }
    state.deliverTouched()
    return done
  }

  /// Where a frame is that would leave by a port, on its switch; nil = the port is on none.
  private mutating func coldPlace(_ index: Int, from port: Int, _ state: inout WorkerState) -> Place? {
    let switchIndex = state.ports[port].switchIndex
    guard switchIndex >= 0 else { return nil }
    var place = Place(
      frame: index, ingress: port, switchIndex: switchIndex, vlan: state.ports[port].untaggedVLAN, priority: 0, hops: 0)
    let header = state.burst.header(index)
    if state.ports[port].mode == .trunk, header.isTagged {
      state.burst.frames[index].flags.insert(.tagged)
      (place.vlan, place.priority) = (header.tag.vlan, header.tag.priority)
    }
    return place
  }

  /// The port that a station is behind, if it is another one, and frames leave there.
  private func coldOutput(_ destination: MACAddress, _ place: Place, _ state: borrowing WorkerState) -> Int? {
    let key = FDB.key(vlan: place.vlan, destination)
    let found = switches[place.switchIndex].stations.with { $0.lookup(key) }
    guard let output = found?.port, output != place.ingress, state.ports[output].isUp,
      state.ports[output].sends(place.vlan)
    else { return nil }
    return output
  }
}
