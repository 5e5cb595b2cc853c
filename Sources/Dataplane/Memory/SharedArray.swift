import Glibc
import Synchronization

/// A type of which all bits zero are a value: atomics of numbers, and structures of them.
protocol Zeroable: ~Copyable {}

extension Atomic: Zeroable where Value: FixedWidthInteger {}

/// A fixed number of elements that several threads reach at once; each element sees to its own changes.
///
/// Memory is taken from the system when an element is first touched, so that a large table that is empty is small.
///
/// Unsafe code. Invariants: `base` points at `count` elements from `init` to `deinit`, whose zeros are values of theirs;
/// every subscript checks its index. Elements are only ever borrowed, and what they allow to a borrower they allow to
/// several threads, since they are `Sendable`.
/// - Complexity: `init` and subscript O(1).
@safe
struct SharedArray<Element: ~Copyable & Zeroable & Sendable>: ~Copyable, @unchecked Sendable {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  /// Makes `count` elements whose bits are zero.
  init(count: Int) {
    // A table's limit keeps this below 64 MiB, of which nothing is touched yet.
    guard let memory = unsafe calloc(max(count, 1), MemoryLayout<Element>.stride) else {
      preconditionFailure("no memory for \(count) elements of \(MemoryLayout<Element>.stride) bytes")
    }
    // SAFETY: calloc aligns to 16 bytes, more than any element of atomics wants, and its zeros are `count` values.
    unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { unsafe free(base) }

  /// The element in place.
  ///
  /// An index out of range is a mistake of this program, never of a guest, and traps.
  subscript(index: Int) -> Element {
    @inline(__always)
    unsafeAddress {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
      // SAFETY: the index is in range.
      return unsafe UnsafePointer(base + index)
    }
  }
}
