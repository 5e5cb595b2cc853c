/// The first bytes of a frame as it leaves, all of them checked or made here.
///
/// Good until the prefix of another frame of the burst is asked for, or scratch is filled again.
@safe
struct LeavingPrefix: BitwiseCopyable {
  let base: UnsafeRawPointer
  /// Bytes at `base`.
  let size: Int
  /// Where in the sender's frame the rest begins.
  let tail: Int

  @unsafe @inline(__always)
  init(base: UnsafeRawPointer, size: Int, tail: Int) {
    unsafe self.base = base
    self.size = size
    self.tail = tail
  }
}
