/// Room for the first bytes of one frame as it leaves, where they are not those in scratch.
///
/// Unsafe code. Invariants: `base` points at `size` bytes until `deinit`: a slot of scratch and as much again, for what
/// grows or is put in front. Used by LeavingFrame+Bytes.swift alone, which writes before it reads.
@safe
struct EgressBuffer: ~Copyable {
  static var size: Int { 2 * Burst.scratchSlotSize }

  let base: UnsafeMutableRawPointer

  init() {
    unsafe base = .allocate(byteCount: Self.size, alignment: 64)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.size)
  }

  deinit { unsafe base.deallocate() }
}

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
