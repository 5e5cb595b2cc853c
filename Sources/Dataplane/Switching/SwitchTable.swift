import Synchronization

/// A switch as all threads share it: who is where, and what may change while it forwards.
///
/// Written by the control side and, under its lock, by workers; read by anybody.
final class SwitchTable: Sendable {
  let fdb: FDB
  private let policy = Atomic<UInt8>(0)
  private let agingSeconds = Atomic<UInt32>(300)

  init(_ configuration: SwitchConfiguration) {
    fdb = FDB(limit: configuration.fdbLimit, portLimit: configuration.fdbPortLimit)
    change(configuration)
  }

  /// A switch that knows nobody: of a free slot.
  init() { fdb = FDB(limit: 0) }

  /// Takes over what may change while the switch forwards, but the size of its table (`coldResize`).
  func change(_ configuration: SwitchConfiguration) {
    let number: UInt8 =
      switch configuration.linkLocal {
      case .standard: 0
      case .linux: 1
      case .transparent: 2
      }
    policy.store(number, ordering: .relaxed)
    let aging = UInt32(min(max(configuration.aging, 1), 1_000_000))
    agingSeconds.store(aging, ordering: .relaxed)
    // A span of a sixteenth of it at most; what is exact to the second below 32 s is so at no cost that matters.
    fdb.setSpan(shift: aging < 32 ? 0 : UInt32(aging.bitWidth - 1 - (aging / 16).leadingZeroBitCount))
  }

  /// Takes over how many stations may be known; the oldest are forgotten where there are more.
  func coldResize(_ configuration: SwitchConfiguration) {
    guard configuration.fdbLimit != fdb.limit || configuration.fdbPortLimit != fdb.portLimit else { return }
    fdb.coldSetLimits(configuration.fdbLimit, ofPort: configuration.fdbPortLimit)
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
