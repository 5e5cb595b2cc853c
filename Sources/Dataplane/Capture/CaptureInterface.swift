import Frames
import Synchronization

/// One port in one capture: an interface of the file that comes of it.
///
/// Unsafe code. Invariants: a writer's pointer is into `stripes`. One writer a stripe, its worker: an addition is a relaxed
/// load and store. The order of the stores makes no promise to a reader between breaths.
@safe
package final class CaptureInterface: @unchecked Sendable {
  enum Slot {
    static let received = 0
    static let filtered = 1
    static let dropped = 2
    static let captured = 3
    static let count = 4
  }

  /// Number in its session, from 0 on in order of addition, never used again.
  package let id: UInt32
  /// Name of the port.
  package let name: String
  package let switchName: String?
  package let kind: PortStatus.Kind
  package let mode: PortMode
  /// Station address of the node's NIC, six bytes; empty without one.
  package let address: [UInt8]
  package let mtu: Int
  /// The counters that the port has all its life, and no port before or after it.
  let block: CounterBlock
  private let stripes: WorkerStripes
  /// Workers that may still put frames of it into their rings.
  private let holders: Atomic<Int>

  init(id: UInt32, _ record: PortRecord, workers: Int) {
    self.id = id
    name = record.name
    switchName = record.switchName
    kind = record.kind
    mode = record.mode
    address = record.address?.bytes ?? []
    mtu = record.mtu
    block = record.block
    stripes = WorkerStripes(count: Slot.count, workerCount: workers)
    holders = Atomic(workers)
  }

  func writer(of worker: Int) -> CaptureCountWriter { unsafe CaptureCountWriter(base: stripes.stripe(of: worker)) }

  /// What became of the port's frames so far, at all workers.
  package var counts: CaptureCounts {
    var counts = CaptureCounts()
    counts.received = stripes.sum(Slot.received)
    counts.filtered = stripes.sum(Slot.filtered)
    counts.dropped = stripes.sum(Slot.dropped)
    counts.captured = stripes.sum(Slot.captured)
    return counts
  }

  /// The port is no part of the capture any more: what there is of it is in the rings.
  package var isEnded: Bool { holders.load(ordering: .acquiring) <= 0 }

  /// A worker puts no more frames of the port into its ring.
  func letGo() { holders.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

  /// No worker ever had the port.
  func finish() { holders.store(0, ordering: .releasing) }
}

/// Counts for the worker, without a reference to the interface: that must outlive it, which the worker's slot sees to.
///
/// Unsafe code. Invariants as in `CaptureInterface`.
@safe
struct CaptureCountWriter: BitwiseCopyable {
  private let base: UnsafeMutablePointer<Atomic<UInt64>>

  @unsafe
  fileprivate init(base: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.base = base }

  @inline(__always)
  func add(_ slot: Int) {
    // SAFETY: callers pass slots of `CaptureInterface.Slot`.
    let counter = unsafe base + slot
    unsafe counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }
}
