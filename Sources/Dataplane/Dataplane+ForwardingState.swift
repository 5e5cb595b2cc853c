/// Forwarding states of ports.
extension Dataplane {
  /// Sets what a port of a switch, the end of a patch too, does with frames of some VLANs; its other VLANs
  /// keep the states they have: forwarding, until one is set.
  ///
  /// When it returns, no frame passes that the state forbids, and a switch whose port has come to discard knows no
  /// station there in those VLANs. Link-local frames are punted, and `send` sends, whatever the state. States go with their
  /// port, and stay when its VLANs change.
  /// - Throws: `unknownPort`, or `invalid` for the end of a wire and a port of a switch without VLANs.
  package func setForwarding(
    port name: String, vlans: VLANSet, _ state: ForwardingState
  ) async throws(DataplaneError) {
    let record = try record(name)
    guard record.switchName != nil else {
      throw .invalid("port \(name): the end of a wire has no VLANs, and so no forwarding states")
    }
    guard record.mode != .transparent else {
      throw .invalid("port \(name): it is on a switch without VLANs, and has no forwarding states by VLAN")
    }
    let states = portTable.setForwarding(record, vlans, state)
    await worker.run { $0.coldSetForwarding(record.index, states) }
    // One that has gone meanwhile took its stations with it, and its number may be another's.
    guard state == .discarding, portTable.find(name)?.block === record.block else { return }
    table(of: record.switchName)?.fdb.coldFlush(port: record.index, vlans: vlans)
  }

  /// Has ports of a switch be in the states of a snapshot, ports that are not there left out; to be called before
  /// `restoreEntries`, since a port that discards knows no stations.
  package func restoreStates(_ snapshot: SwitchSnapshot) async throws(DataplaneError) {
    let switchName = snapshot.configuration.name
    for item in snapshot.states {
      for (vlans, state) in [(item.discarding, ForwardingState.discarding), (item.learning, .learning)]
      where !vlans.isEmpty && portTable.find(item.port)?.switchName == switchName {
        try await setForwarding(port: item.port, vlans: VLANSet(vlans), state)
      }
    }
  }
}
