internal import VhostUser

/// A data plane as a plain value: all that it has come to, and that no configuration says.
///
/// `Dataplane.save` makes it, `Dataplane.restore` takes it in when switches and ports have been made again. In a
/// hand-over to another process (`Dataplane.handOver`) it says besides what each port has open.
package struct PlaneState: Codable, Sendable, VersionedState {
  package static let stateName = "data plane state"
  package static let stateVersion = 1

  private var version = StateVersion<PlaneState>()
  package var switches: [SwitchSnapshot] = []
  /// Of impaired ports, in no order.
  package var lines: [LineState] = []
  /// Of ports in switch-over.
  package var held: [HeldStoreState] = []
  package var counters: [PortCounters] = []
  /// Of ports with rules; nil where it was made by a program that knew none.
  package var rules: [RuleState]?
  /// In a hand-over, what ports have open; else none.
  package var ports: [InheritedPort] = []
  /// In a hand-over, nanoseconds of this host's monotonic clock when it was made; nil = times are relative to whenever it
  /// is restored.
  package var takenAt: UInt64?

  package init() {}
}
