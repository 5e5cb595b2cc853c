import Glibc

/// A null-terminated array of C strings (`char *const argv[]`); freed when the last reference goes.
@safe
final class CStrings {
  // SAFETY: `count` strings allocated by strdup, then null, all freed at the end.
  /// The array; valid as long as this object.
  @unsafe let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    unsafe pointer = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() { unsafe (pointer + index).initialize(to: strdup(string)) }
    unsafe (pointer + count).initialize(to: nil)
  }

  deinit {
    for index in 0..<count { unsafe free(pointer[index]) }
    unsafe pointer.deallocate()
  }
}
