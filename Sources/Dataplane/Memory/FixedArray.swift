/// A fixed number of elements in memory that one owner holds: no reference counting, no copy on write.
///
/// Unsafe code. Invariants: `base` points at `count` initialised elements from `init` to `deinit`; every subscript
/// checks its index, so the face is safe. Elements are reached in place, also those that cannot be copied.
/// - Complexity: subscript O(1), `init` and `deinit` O(count).
@safe
struct FixedArray<Element: ~Copyable>: ~Copyable {
  /// The elements, for loops in files that may use unsafe code.
  @unsafe private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count: Int

  /// Makes `count` elements, each by one call of `make`.
  init(count: Int, _ make: (Int) -> Element) {
    // SAFETY: every element is initialised before anybody can reach it.
    unsafe base = .allocate(capacity: max(count, 1))
    self.count = count
    for index in 0..<count { unsafe (base + index).initialize(to: make(index)) }
  }

  /// No elements; any of them would come by `grow`.
  init(empty: Void) {
    unsafe base = .allocate(capacity: 1)
    count = 0
  }

  deinit {
    // SAFETY: `count` elements are initialised; nobody else holds `base`.
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  /// The element in place.
  ///
  /// An index out of range is a mistake of this program, never of a guest, and traps.
  subscript(index: Int) -> Element {
    @inline(__always)
    unsafeAddress { unsafe UnsafePointer(address(of: index)) }
    @inline(__always)
    nonmutating unsafeMutableAddress { unsafe address(of: index) }
  }

  /// Where an element is, for an owner whose own subscript gives it out; an index out of range traps.
  @inline(__always) @unsafe
  func address(of index: Int) -> UnsafeMutablePointer<Element> {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    // SAFETY: the index is in range.
    return unsafe base + index
  }

  /// An element to be changed while other threads change others: the array as a whole, to which the compiler would take a change
  /// by subscript to belong, is not touched.
  ///
  /// To be used while the array lives and does not grow.
  @inline(__always)
  func place(_ index: Int) -> ElementPlace<Element> { unsafe ElementPlace(address(of: index)) }

  /// Makes room for `newCount` elements: the old ones move, the new ones are made by `make`.
  mutating func grow(to newCount: Int, _ make: (Int) -> Element) {
    guard newCount > count else { return }
    let grown = UnsafeMutablePointer<Element>.allocate(capacity: newCount)
    // SAFETY: the old elements move out of memory that nobody uses again; the new ones are initialised at once.
    unsafe grown.moveInitialize(from: base, count: count)
    for index in count..<newCount { unsafe (grown + index).initialize(to: make(index)) }
    unsafe base.deallocate()
    unsafe base = grown
    count = newCount
  }
}

/// Where one element of an array is.
///
/// Unsafe code. Invariant: who has it does not outlive the array, nor its next growth.
@safe
struct ElementPlace<Element: ~Copyable>: BitwiseCopyable {
  private let address: UnsafeMutablePointer<Element>

  @inline(__always)
  fileprivate init(_ address: UnsafeMutablePointer<Element>) { unsafe self.address = address }

  var element: Element {
    @inline(__always)
    unsafeAddress { unsafe UnsafePointer(address) }
    @inline(__always)
    nonmutating unsafeMutableAddress { unsafe address }
  }
}

/// One bit a VLAN identifier, 0...4095.
struct VLANBitmap: ~Copyable {
  private let words = FixedArray<UInt64>(count: 64) { _ in 0 }

  init() {}

  @inline(__always)
  func contains(_ vlan: UInt16) -> Bool {
    words[Int(vlan >> 6) & 63] & (1 << UInt64(vlan & 63)) != 0
  }

  /// Replaces the set.
  func assign(_ set: VLANSet) {
    for index in 0..<64 { words[index] = set.words[index] }
  }

  /// The same by another bitmap.
  func assign(_ other: borrowing VLANBitmap) {
    for index in 0..<64 { words[index] = other.words[index] }
  }

  func isSame(as other: borrowing VLANBitmap) -> Bool {
    for index in 0..<64 where words[index] != other.words[index] { return false }
    return true
  }
}
