import Synchronization

/// Words that each worker writes for itself and anybody reads: a stripe of them for each, so that no worker waits for a
/// cache line that another one writes.
///
/// Unsafe code. Invariants: `base` points at `workerCount` stripes of `stride` initialised atomics until `deinit`; whoever
/// has a copy of a pointer into them must not outlive this. Several stripes begin at cache lines of their own; one alone
/// takes no more memory than its words.
@safe
struct WorkerStripes: ~Copyable {
  /// Words of a cache line.
  private static let lineCount = 8

  private let base: UnsafeMutablePointer<Atomic<UInt64>>
  private let stride: Int
  let workerCount: Int

  /// Makes `count` words for each worker, all of them 0.
  init(count: Int, workerCount: Int) {
    precondition(count > 0 && workerCount > 0)
    self.workerCount = workerCount
    let isAlone = workerCount == 1
    stride = isAlone ? count : (count + Self.lineCount - 1) / Self.lineCount * Self.lineCount
    let words = stride * workerCount
    let size = MemoryLayout<Atomic<UInt64>>.stride
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: words * size, alignment: isAlone ? size : Self.lineCount * size)
    // SAFETY: every atomic is initialised here and lives until deinit.
    unsafe base = memory.bindMemory(to: Atomic<UInt64>.self, capacity: words)
    for index in 0..<words { unsafe (base + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe base.deinitialize(count: stride * workerCount)
    unsafe UnsafeMutableRawPointer(base).deallocate()
  }

  /// The first word of a worker's stripe.
  @unsafe
  func stripe(of worker: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    precondition(worker >= 0 && worker < workerCount)
    // SAFETY: the stripe is in range.
    return unsafe base + worker * stride
  }

  /// Adds to a word of a worker's stripe, which only that worker writes.
  @inline(__always)
  func add(_ place: Int, of worker: Int, _ amount: UInt64 = 1) {
    precondition(UInt(bitPattern: place) < UInt(bitPattern: stride))
    precondition(UInt(bitPattern: worker) < UInt(bitPattern: workerCount))
    // SAFETY: place and stripe are in range.
    let word = unsafe base + (worker &* stride &+ place)
    unsafe word.pointee.store(word.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// The word at a place of all stripes, summed; it has no order with what else workers write.
  func sum(_ place: Int) -> UInt64 {
    precondition(place >= 0 && place < stride)
    var sum: UInt64 = 0
    // SAFETY: place and stripes are in range.
    for worker in 0..<workerCount { sum &+= unsafe base[worker * stride + place].load(ordering: .relaxed) }
    return sum
  }
}
