import Frames
import Synchronization

/// One port in one capture: an interface of the file that comes of it.
///
/// Unsafe code. Invariants: `base` points at `Slot.count` atomics until `deinit`. One writer, the worker: an addition is
/// a relaxed load and store. The order of the stores makes no promise to a reader between breaths.
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
  fileprivate let base: UnsafeMutablePointer<Atomic<UInt64>>
  private let ended = Atomic<Bool>(false)

  init(id: UInt32, _ record: PortRecord) {
    self.id = id
    name = record.name
    switchName = record.switchName
    kind = record.kind
    mode = record.mode
    address = record.address?.bytes ?? []
    mtu = record.mtu
    block = record.block
    unsafe base = .allocate(capacity: Slot.count)
    for index in 0..<Slot.count { unsafe (base + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe base.deinitialize(count: Slot.count)
    unsafe base.deallocate()
  }

  var writer: CaptureCountWriter { unsafe CaptureCountWriter(base: base) }

  /// What became of the port's frames so far.
  package var counts: CaptureCounts {
    var counts = CaptureCounts()
    // SAFETY: the slots are in range.
    counts.received = unsafe base[Slot.received].load(ordering: .relaxed)
    counts.filtered = unsafe base[Slot.filtered].load(ordering: .relaxed)
    counts.dropped = unsafe base[Slot.dropped].load(ordering: .relaxed)
    counts.captured = unsafe base[Slot.captured].load(ordering: .relaxed)
    return counts
  }

  /// The port is no part of the capture any more.
  package var isEnded: Bool { ended.load(ordering: .acquiring) }

  func finish() { ended.store(true, ordering: .releasing) }
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
