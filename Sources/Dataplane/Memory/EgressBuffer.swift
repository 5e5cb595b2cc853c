import Frames

/// One segment of a large frame: its headers are made of the whole's, its payload is a part of the whole's.
struct FrameCut: BitwiseCopyable {
  let layout: LargeFrame
  let header: SegmentHeader
  let payload: FrameRange
}

/// Room for the first bytes of one frame as it leaves, where they are not those in scratch, and for what it is cut from.
///
/// Unsafe code. Invariants: `base` points at `size` bytes until `deinit`: a slot of scratch and as much again, for what
/// grows or is put in front. Used by LeavingFrame+Bytes.swift alone, which writes before it reads.
@safe
struct EgressBuffer: ~Copyable {
  static var size: Int { 2 * Burst.scratchSlotSize }

  let base: UnsafeMutableRawPointer
  /// The segment that is leaving, if one is: in memory, so that a borrowed burst can be told.
  private let cuts = FixedArray<FrameCut?>(count: 1) { _ in nil }

  init() {
    unsafe base = .allocate(byteCount: Self.size, alignment: 64)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.size)
  }

  deinit { unsafe base.deallocate() }

  var cut: FrameCut? {
    get { cuts[0] }
    nonmutating set { cuts[0] = newValue }
  }
}
