import CLinux
import Synchronization

/// What workers say about the records that they have yet to publish, so that whoever merges their rings knows of what time
/// nothing more can come.
///
/// There is none with one worker.
///
/// Each worker has a *mark*: `open` before it reads the clock for the first burst of a breath that may be recorded, then
/// the time that it read, then 0 again when the records of the breath are published. A reader reads the clock, and then
/// all marks: what is earlier than its time and all marks has been published, for
/// - who had no mark when the reader looked had published what it recorded before, and will stamp what comes with a time
///   that is no earlier than the reader's. Both have a sequentially consistent fence between their two steps: the worker
///   sets its mark, then reads the clock; the reader reads the clock, then the mark. One of the two fences comes first. If
///   it is the worker's, the reader sees the mark; if it is the reader's, its clock was read before the worker's.
/// - who had a time as its mark stamps no record of the breath with an earlier one, as long as the clock does not step back;
///   what it recorded in breaths before was published before the mark was set.
/// - who had an open mark may stamp with any time since it set it, which is later than the last look's time or mark: so of
///   it, only what the last look has found is known.
///
/// So a step back of the clock can break the order, and nothing else (`RingMerger` sees to that).
///
/// Unsafe code. Invariants: a mark's pointer is into `words`.
@safe
final class BurstMarks: @unchecked Sendable {
  /// A worker is about to read the clock.
  fileprivate static let open: UInt64 = 1

  private let words: WorkerStripes

  init(workers: Int) { words = WorkerStripes(count: 1, workerCount: workers) }

  /// A worker's own; this must outlive it.
  func mark(of worker: Int) -> BurstMark { unsafe BurstMark(word: words.stripe(of: worker)) }

  /// The time of the earliest record that may yet be published, not beyond `time`; `known` while a worker has an open
  /// mark.
  ///
  /// Acquires what was published before.
  /// - Parameters:
  ///   - time: of the realtime clock, read by the caller before.
  ///   - known: what this gave last.
  func earliest(since known: UInt64, at time: UInt64) -> UInt64 {
    // The third kind of sequentially consistent fence; see above.
    clinux_fence()
    var earliest = time
    for worker in 0..<words.workerCount {
      // SAFETY: the word lives as long as this.
      let mark = unsafe words.stripe(of: worker).pointee.load(ordering: .acquiring)
      if mark == Self.open {
        earliest = min(earliest, known)
      } else if mark != 0 {
        earliest = min(earliest, mark)
      }
    }
    return earliest
  }
}

/// A worker's mark among those of `BurstMarks`: trivial.
///
/// Unsafe code. Invariants as in `BurstMarks`; one writer.
@safe
struct BurstMark: BitwiseCopyable {
  private let word: UnsafeMutablePointer<Atomic<UInt64>>

  /// None; never to be set.
  init() {
    // SAFETY: never dereferenced, as callers promise.
    unsafe word = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
  }

  @unsafe
  fileprivate init(word: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.word = word }

  /// Says that records may come of the time that is read next, or later.
  @inline(__always)
  func open() {
    store(BurstMarks.open)
    clinux_fence()
  }

  /// Says that no record will come of an earlier time.
  @inline(__always)
  func set(_ time: UInt64) { store(time) }

  /// Says that all records are published.
  @inline(__always)
  func clear() { store(0) }

  @inline(__always)
  private func store(_ value: UInt64) {
    // What was published before is seen by whoever sees this.
    unsafe word.pointee.store(value, ordering: .releasing)
  }
}
