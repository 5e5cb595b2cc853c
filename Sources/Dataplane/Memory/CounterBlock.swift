import Synchronization

/// The counters of one port: written by the one worker that owns the port, read by anybody at any time.
///
/// Unsafe code. Invariants: `base` points at `Slot.count` initialised atomics for the life of the block. One writer:
/// an addition is a relaxed load and store, without a locked instruction; readers see each counter whole.
@safe
final class CounterBlock: @unchecked Sendable {
  /// Positions of the counters.
  enum Slot {
    static let receivePackets = 0
    static let receiveBytes = 1
    static let transmitPackets = 2
    static let transmitBytes = 3
    static let ingressDrops = 4
    static let egressDrops = ingressDrops + IngressDrop.allCases.count
    static let count = egressDrops + EgressDrop.allCases.count
  }

  fileprivate let base: UnsafeMutablePointer<Atomic<UInt64>>

  init() {
    // SAFETY: every atomic is initialised here and lives until deinit.
    unsafe base = .allocate(capacity: Slot.count)
    for index in 0..<Slot.count { unsafe (base + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe base.deinitialize(count: Slot.count)
    unsafe base.deallocate()
  }

  /// The writer's view; the block must outlive it, which the port's slot sees to.
  var writer: CounterWriter { unsafe CounterWriter(base: base) }

  func value(_ slot: Int) -> UInt64 {
    precondition(slot >= 0 && slot < Slot.count)
    // SAFETY: the slot is in range.
    return unsafe base[slot].load(ordering: .relaxed)
  }

  /// Ingress drops with a count above zero, by name.
  var ingressDrops: [String: UInt64] {
    var drops: [String: UInt64] = [:]
    for reason in IngressDrop.allCases where value(Slot.ingressDrops + reason.rawValue) > 0 {
      drops[reason.name] = value(Slot.ingressDrops + reason.rawValue)
    }
    return drops
  }

  /// Egress drops with a count above zero, by name.
  var egressDrops: [String: UInt64] {
    var drops: [String: UInt64] = [:]
    for reason in EgressDrop.allCases where value(Slot.egressDrops + reason.rawValue) > 0 {
      drops[reason.name] = value(Slot.egressDrops + reason.rawValue)
    }
    return drops
  }
}

/// Adds to a port's counters from its worker.
///
/// Trivial: holds no reference.
@safe
struct CounterWriter: BitwiseCopyable {
  fileprivate let base: UnsafeMutablePointer<Atomic<UInt64>>

  fileprivate init(base: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.base = base }

  @inline(__always)
  private func add(_ slot: Int, _ amount: UInt64) {
    // SAFETY: callers below pass slots of `CounterBlock.Slot`; the block lives as long as the port's slot.
    let counter = unsafe base + slot
    unsafe counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  @inline(__always)
  func received(packets: Int, bytes: Int) {
    add(CounterBlock.Slot.receivePackets, UInt64(packets))
    add(CounterBlock.Slot.receiveBytes, UInt64(bytes))
  }

  @inline(__always)
  func transmitted(packets: Int, bytes: Int) {
    add(CounterBlock.Slot.transmitPackets, UInt64(packets))
    add(CounterBlock.Slot.transmitBytes, UInt64(bytes))
  }

  @inline(__always)
  func drop(_ reason: IngressDrop, _ count: Int = 1) {
    add(CounterBlock.Slot.ingressDrops + reason.rawValue, UInt64(count))
  }

  @inline(__always)
  func drop(_ reason: EgressDrop, _ count: Int = 1) {
    add(CounterBlock.Slot.egressDrops + reason.rawValue, UInt64(count))
  }
}
