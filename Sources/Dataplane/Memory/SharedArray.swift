import CLinux
import Glibc
internal import LinuxHost
import Synchronization

/// A type of which all bits zero are a value: atomics of numbers, and structures of them.
protocol Zeroable: ~Copyable {}

extension Atomic: Zeroable where Value: FixedWidthInteger {}

/// A fixed number of elements that several threads reach at once; each element sees to its own changes.
///
/// Memory is taken from the system when an element is first touched, so that a large table that is empty is small: the
/// first 2 MiB of each part are never in huge pages, even where the system gives them to all who do not refuse. Beyond
/// them memory is taken in huge pages where the system has them, since a table that is reached at random would otherwise
/// wait for page tables more often than for itself.
///
/// Unsafe code. Invariants: `base` points at `count` elements from `init` to `deinit`, aligned to a cache line, whose zeros
/// are values of theirs; every subscript checks its index. Elements are only ever borrowed, and what they allow to a
/// borrower they allow to several threads, since they are `Sendable`.
/// - Complexity: `init` and subscript O(1).
@safe
struct SharedArray<Element: ~Copyable & Zeroable & Sendable>: ~Copyable, @unchecked Sendable {
  private static var hugePage: Int { 2 << 20 }

  private let base: UnsafeMutablePointer<Element>
  /// What was mapped, and its size in bytes.
  private let mapping: UnsafeMutableRawPointer
  private let mappedSize: Int
  let count: Int

  /// Makes `count` elements whose bits are zero.
  ///
  /// - Parameter parts: parts of one size, each of which is used from its beginning on.
  /// - Throws: `SystemError` if the system has no room for them.
  init(count: Int, parts: Int = 1) throws(SystemError) {
    let size = max(count, 1) * MemoryLayout<Element>.stride
    let isHuge = size > Self.hugePage
    let mappedSize = isHuge ? size + Self.hugePage : size
    let memory = unsafe mmap(
      nil, mappedSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
      throw SystemError(call: "mmap", code: errno, context: "\(mappedSize) bytes")
    }
    let start = unsafe isHuge ? memory.alignedUp(toMultipleOf: Self.hugePage) : memory
    unsafe Self.advise(start, size: size, parts: parts)
    // SAFETY: a page is aligned to more than any element wants, and zeros are `count` values.
    unsafe base = start.bindMemory(to: Element.self, capacity: max(count, 1))
    unsafe mapping = memory
    self.mappedSize = mappedSize
    self.count = count
  }

  deinit { _ = unsafe munmap(mapping, mappedSize) }

  /// Says which of the memory may lie in huge pages; a system that has none does without.
  private static func advise(_ start: UnsafeMutableRawPointer, size: Int, parts: Int) {
    // SAFETY: from the mapping's first element to the end of the last one's page, which is inside of the mapping.
    _ = unsafe madvise(start, size, MADV_NOHUGEPAGE)
    // Whole huge pages, so that a part's beginning has none of the one before it.
    let part = size / parts
    for index in 0..<parts {
      let first = (index * part + 2 * hugePage - 1) / hugePage * hugePage
      let end = (index + 1) * part / hugePage * hugePage
      // SAFETY: as above.
      if first < end { _ = unsafe madvise(start + first, end - first, MADV_HUGEPAGE) }
    }
  }

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

  /// Asks for the cache line in which an element begins, before it is read; any index will do.
  @inline(__always)
  func prefetch(_ index: Int) {
    // SAFETY: nothing is read, and to ask for memory that is not there is no fault.
    unsafe clinux_prefetch(base + index)
  }
}
