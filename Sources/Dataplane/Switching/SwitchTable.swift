import Synchronization

/// A switch as all threads share it: who is where, and what may change while it forwards.
///
/// Written by the control side and, under its lock, by workers; read by anybody.
final class SwitchTable: Sendable {
  let fdb: FDB
  private let policy = Atomic<UInt8>(0)
  private let agingSeconds = Atomic<UInt32>(300)

  /// - Parameter configuration: its `fdbLimit` stays as it is now.
  init(_ configuration: SwitchConfiguration) {
    fdb = FDB(limit: configuration.fdbLimit)
    change(configuration)
  }

  /// A switch that knows nobody: of a free slot.
  init() { fdb = FDB(limit: 0) }

  /// Takes over what may change while the switch forwards.
  func change(_ configuration: SwitchConfiguration) {
    let number: UInt8 =
      switch configuration.linkLocal {
      case .standard: 0
      case .linux: 1
      case .transparent: 2
      }
    policy.store(number, ordering: .relaxed)
    agingSeconds.store(UInt32(min(max(configuration.aging, 1), 1_000_000)), ordering: .relaxed)
  }

  var linkLocal: LinkLocalPolicy {
    switch policy.load(ordering: .relaxed) {
    case 1: .linux
    case 2: .transparent
    default: .standard
    }
  }

  /// Seconds until an unused FDB entry is forgotten.
  var aging: UInt32 { agingSeconds.load(ordering: .relaxed) }
}
