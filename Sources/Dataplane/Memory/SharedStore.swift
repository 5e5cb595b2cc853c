/// Elements that one owner makes and several threads reach in place; their number grows while only the owner runs.
///
/// Unsafe code. Invariants: `storage` points at one initialised `FixedArray` from `init` to `deinit`; who has a view does not
/// outlive this.
@safe
struct SharedStore<Element: ~Copyable>: ~Copyable {
  private let storage: UnsafeMutablePointer<FixedArray<Element>>

  /// An empty store.
  init() {
    // SAFETY: initialised at once, and lives until deinit; nothing is made of no elements.
    unsafe storage = .allocate(capacity: 1)
    unsafe storage.initialize(to: FixedArray(empty: ()))
  }

  deinit {
    unsafe storage.deinitialize(count: 1)
    unsafe storage.deallocate()
  }

  /// Reaches the elements, those that come later too; the store must outlive it.
  var view: SharedView<Element> { unsafe SharedView(storage: storage) }

  /// Elements that there are.
  var count: Int { unsafe storage.pointee.count }

  /// Makes room for `count` elements: those there move, and others are made by `make`; nobody may be at one meanwhile.
  func grow(to count: Int, _ make: (Int) -> Element) { unsafe storage.pointee.grow(to: count, make) }
}

/// The elements of a store in place: trivial, so that each worker has its own.
///
/// What keeps two threads from the same part of an element is said where the store is.
///
/// Unsafe code. Invariants: those of `SharedStore`, which outlives this, and of `FixedArray`, whose elements it gives out and
/// which checks their places.
@safe
struct SharedView<Element: ~Copyable>: BitwiseCopyable, @unchecked Sendable {
  private let storage: UnsafeMutablePointer<FixedArray<Element>>

  fileprivate init(storage: UnsafeMutablePointer<FixedArray<Element>>) { unsafe self.storage = storage }

  /// Elements that there are.
  var count: Int { unsafe storage.pointee.count }

  /// An element to be changed while other threads change others.
  @inline(__always)
  func place(_ place: Int) -> ElementPlace<Element> { unsafe storage.pointee.place(place) }

  /// The element at a place; one out of range is a mistake of this program, never of a guest, and traps.
  subscript(place: Int) -> Element {
    @inline(__always)
    unsafeAddress { unsafe UnsafePointer(storage.pointee.address(of: place)) }
    @inline(__always)
    nonmutating unsafeMutableAddress { unsafe storage.pointee.address(of: place) }
  }
}
