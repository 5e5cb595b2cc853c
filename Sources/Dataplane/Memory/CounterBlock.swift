import Synchronization

/// The counters of one port: a set for each worker, which that worker alone writes; read by anybody at any time as their
/// sums.
///
/// Unsafe code. Invariants: a writer's pointer is into `stripes`. One writer a stripe: an addition is a relaxed load and
/// store, without a locked instruction; readers see each counter whole.
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

  private let stripes: WorkerStripes

  /// - Parameter workers: how many may ever count the port's frames.
  init(workers: Int = 1) { stripes = WorkerStripes(count: Slot.count, workerCount: workers) }

  /// A worker's view; the block must outlive it, which the port's slot sees to.
  func writer(of worker: Int) -> CounterWriter { unsafe CounterWriter(base: stripes.stripe(of: worker)) }

  /// The view of the first worker, or the only one.
  var writer: CounterWriter { writer(of: 0) }

  /// One counter, of all workers together.
  func value(_ slot: Int) -> UInt64 {
    precondition(slot >= 0 && slot < Slot.count)
    return stripes.sum(slot)
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
  private let base: UnsafeMutablePointer<Atomic<UInt64>>

  @unsafe
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

  /// Adds what another port by this name had counted; reasons that there are no more are left out.
  func coldAdd(_ counters: PortCounters) {
    add(CounterBlock.Slot.receivePackets, counters.receivePackets)
    add(CounterBlock.Slot.receiveBytes, counters.receiveBytes)
    add(CounterBlock.Slot.transmitPackets, counters.transmitPackets)
    add(CounterBlock.Slot.transmitBytes, counters.transmitBytes)
    for reason in IngressDrop.allCases {
      add(CounterBlock.Slot.ingressDrops + reason.rawValue, counters.dropsIn[reason.name] ?? 0)
    }
    for reason in EgressDrop.allCases {
      add(CounterBlock.Slot.egressDrops + reason.rawValue, counters.dropsOut[reason.name] ?? 0)
    }
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

extension PortCounters {
  init(_ port: String, _ block: CounterBlock) {
    self.init(
      port: port, receivePackets: block.value(CounterBlock.Slot.receivePackets),
      receiveBytes: block.value(CounterBlock.Slot.receiveBytes),
      transmitPackets: block.value(CounterBlock.Slot.transmitPackets),
      transmitBytes: block.value(CounterBlock.Slot.transmitBytes), dropsIn: block.ingressDrops,
      dropsOut: block.egressDrops)
  }

  var hasCounted: Bool {
    receivePackets > 0 || transmitPackets > 0 || !dropsIn.isEmpty || !dropsOut.isEmpty
  }
}
