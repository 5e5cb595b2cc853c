import Synchronization

/// A worker's account of its time: written by its thread, read by anybody.
final class WorkerAccount: Sendable {
  let busyCycles = Atomic<UInt64>(0)
  let idleCycles = Atomic<UInt64>(0)
  let sleeps = Atomic<UInt64>(0)
  let bursts = Atomic<UInt64>(0)
  let frames = Atomic<UInt64>(0)

  var status: WorkerStatus {
    WorkerStatus(
      busyCycles: busyCycles.load(ordering: .relaxed), idleCycles: idleCycles.load(ordering: .relaxed),
      sleeps: sleeps.load(ordering: .relaxed), bursts: bursts.load(ordering: .relaxed),
      frames: frames.load(ordering: .relaxed))
  }

  /// One writer, so a load and a store are enough.
  @inline(__always)
  func add(_ counter: borrowing Atomic<UInt64>, _ amount: UInt64) {
    counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }
}
