internal import LinuxHost
import Synchronization

/// A switch as all threads share it: who is where, and what may change while it forwards.
///
/// Written by the control side and, under its lock, by workers; read by anybody.
final class SwitchTable: Sendable {
  let fdb: FDB
  private let policy = Atomic<UInt8>(0)
  private let agingSeconds = Atomic<UInt32>(300)
  /// How many stations may be known as it was last configured, and from bit 32 on how many of one port.
  private let wantedLimits = Atomic<UInt64>(0)

  /// - Throws: `SystemError` if there is no memory for so many stations.
  init(_ configuration: SwitchConfiguration) throws(SystemError) {
    fdb = try FDB(limit: configuration.fdbLimit, portLimit: configuration.fdbPortLimit)
    change(configuration)
  }

  /// A switch that knows nobody: of a free slot.
  init() { fdb = .empty }

  /// Takes over what may change while the switch forwards; the size of its table is taken over by `coldResize`.
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
    wantedLimits.store(
      UInt64(configuration.fdbLimit) | UInt64(configuration.fdbPortLimit) << 32, ordering: .releasing)
    // A span of a sixteenth of it at most; what is exact to the second below 32 s is so at no cost that matters.
    fdb.setSpan(shift: aging < 32 ? 0 : UInt32(aging.bitWidth - 1 - (aging / 16).leadingZeroBitCount))
  }

  /// Takes over how many stations may be known by what `change` was last told; what is too many is forgotten.
  ///
  /// Of calls that overlap each does the same.
  func coldResize() {
    fdb.coldSetLimits {
      let wanted = wantedLimits.load(ordering: .acquiring)
      return (all: Int(wanted & 0xFFFF_FFFF), ofPort: Int(wanted >> 32))
    }
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
