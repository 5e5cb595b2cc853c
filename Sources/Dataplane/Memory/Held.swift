/// An object that its owner keeps alive, reached without counting references.
///
/// Unsafe code. Invariant: who makes one keeps the object for as long as it is used, as `SwitchState` keeps its table.
@safe
struct Held<Object: AnyObject & Sendable> {
  private let reference: Unmanaged<Object>

  /// - Parameter object: kept alive by the caller for as long as this is used.
  init(_ object: Object) { unsafe reference = .passUnretained(object) }

  @inline(__always)
  func with<Result>(_ body: (Object) -> Result) -> Result {
    // SAFETY: the object lives.
    unsafe reference._withUnsafeGuaranteedRef(body)
  }
}
