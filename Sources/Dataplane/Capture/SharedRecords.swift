import Glibc
internal import LinuxHost
import Synchronization

/// Memory that a worker writes records to while others read them, and the two positions by which they keep apart.
///
/// Unsafe code. Invariants: `base` points at `size` bytes and `positions` at its words until `deinit`; whoever has a
/// copy of either must not outlive this.
@unsafe
struct SharedRecords: ~Copyable {
  let base: UnsafeMutableRawPointer
  let positions: SharedPositions
  private let size: Int

  /// - Parameter size: bytes; touched when they are first used.
  /// - Throws: ENOMEM if the system has no more: people say how large recorders are, and how many captures there are.
  init(size: Int) throws(SystemError) {
    // Pages of their own, which the system has back at once when nobody needs them any more.
    // SAFETY: the call returns memory that nobody else has, or that there is none.
    let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
      throw SystemError(call: "mmap", code: errno, context: "\(size >> 10) KiB for records of frames")
    }
    unsafe base = memory
    unsafe self.size = size
    unsafe positions = .allocate()
  }

  deinit {
    unsafe positions.deallocate()
    unsafe munmap(base, size)
  }
}

/// Two positions in shared records: how far the writer has come, and one that each kind of records has its own use for.
///
/// They lie a cache line apart. Trivial, so that a worker may keep a copy.
///
/// Unsafe code. Invariants: `base` points at `count` atomics, which `SharedRecords` keeps alive; 0 and 8 are used.
@safe
struct SharedPositions: BitwiseCopyable {
  private static let count = 16

  private let base: UnsafeMutablePointer<Atomic<UInt64>>

  private init(base: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.base = base }

  /// Those of no memory; never to be asked for.
  static var none: SharedPositions {
    // SAFETY: never dereferenced, as callers promise.
    unsafe SharedPositions(base: UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped)
  }

  fileprivate static func allocate() -> SharedPositions {
    let base = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
    // SAFETY: all of them are initialised before anybody can reach them.
    for index in 0..<count { unsafe (base + index).initialize(to: Atomic(0)) }
    return unsafe SharedPositions(base: base)
  }

  /// To be called once, when nobody has a copy any more.
  @unsafe
  fileprivate func deallocate() {
    unsafe base.deinitialize(count: Self.count)
    unsafe base.deallocate()
  }

  /// How far the writer has come; acquires the records before.
  var written: UInt64 {
    // SAFETY: place 0 holds an atomic.
    @inline(__always) get { unsafe base[0].load(ordering: .acquiring) }
  }

  /// Says how far the writer has come; releases the records before.
  @inline(__always)
  func publish(_ position: UInt64) {
    // SAFETY: as above.
    unsafe base[0].store(position, ordering: .releasing)
  }

  /// The second position; acquires what was done before it was set.
  var limit: UInt64 {
    // SAFETY: place 8 holds an atomic.
    @inline(__always) get { unsafe base[8].load(ordering: .acquiring) }
  }

  /// The second position; what was done before it was set is for a fence to acquire.
  var unorderedLimit: UInt64 {
    // SAFETY: as above.
    @inline(__always) get { unsafe base[8].load(ordering: .relaxed) }
  }

  /// Sets the second position; releases what was done before.
  @inline(__always)
  func setLimit(_ position: UInt64) {
    // SAFETY: as above.
    unsafe base[8].store(position, ordering: .releasing)
  }

  /// Sets the second position; what was done before, or comes after, is for a fence to order.
  @inline(__always)
  func setUnorderedLimit(_ position: UInt64) {
    // SAFETY: as above.
    unsafe base[8].store(position, ordering: .relaxed)
  }
}
