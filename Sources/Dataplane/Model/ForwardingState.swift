/// What a port does with frames of a VLAN (802.1Q-2018 clause 8.4): set by who runs a protocol, such as RSTP.
package enum ForwardingState: String, Codable, Sendable, CaseIterable {
  /// Frames from the port are dropped and teach nothing; none leaves there.
  case discarding
  /// The same, but the switch learns where their sources are.
  case learning
  /// As if there were no states.
  case forwarding
}

/// The VLANs in which a port does not forward; it does in all others.
///
/// What is set for a VLAN stays whether or not the port is a member of it.
package struct ForwardingStates: Equatable, Sendable {
  package private(set) var discarding = VLANSet()
  package private(set) var learning = VLANSet()

  /// Forwards everywhere.
  package init() {}

  /// The port forwards in every VLAN.
  package var isEmpty: Bool { discarding.isEmpty && learning.isEmpty }

  package func state(of vlan: Int) -> ForwardingState {
    if discarding.contains(vlan) { return .discarding }
    return learning.contains(vlan) ? .learning : .forwarding
  }

  package mutating func set(_ vlans: VLANSet, to state: ForwardingState) {
    discarding.subtract(vlans)
    learning.subtract(vlans)
    switch state {
    case .discarding: discarding.formUnion(vlans)
    case .learning: learning.formUnion(vlans)
    case .forwarding: break
    }
  }
}
