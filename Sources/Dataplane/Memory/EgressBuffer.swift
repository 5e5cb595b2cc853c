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
