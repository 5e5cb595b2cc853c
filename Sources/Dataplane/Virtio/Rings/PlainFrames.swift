import CLinux
import Frames

/// Frames on their way to one port, as the loops of a ring over many plain ones see them: what is the same in every
/// format.
///
/// A frame is plain if it leaves as it came, in one piece, with nothing to complete: what Egress would make of it is the
/// frame itself. Unsafe code. Invariants: `items` has
/// as many frames as its user was told; frame numbers are below `Burst.capacity`, the length of the other three.
@safe
struct PlainFrames: BitwiseCopyable {
  /// The virtio-net header that plain frames get, in bytes: zeros, and `num_buffers` 1.
  static var headerSize: Int { 12 }
  /// Larger buffers of a sender take the slow way, where they are refused.
  static var largestDirect: Int { Ethernet.maximumFrameSize }
  /// Bytes of each sender's buffer that are asked for in any case, and at most.
  private static var prefetched: Int { 128 }
  private static var prefetchLimit: Int { 512 }

  let items: UnsafeMutablePointer<PendingFrame>
  let frames: UnsafeMutablePointer<Frame>
  /// Where the buffers that were found are noted.
  let places: UnsafeMutablePointer<ScatterNotes.Place>
  private let scratch: UnsafeMutableRawPointer

  @unsafe @inline(__always)
  init(
    _ items: UnsafeMutablePointer<PendingFrame>, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) {
    unsafe self.items = items
    unsafe frames = burst.frames.base
    unsafe places = notes.places.base
    unsafe scratch = burst.scratchSlot(0)
  }

  /// Asks for a sender's buffer; for more of a larger one, until the processor sees by itself where the copy goes.
  @unsafe @inline(__always)
  static func prefetch(_ base: UnsafeMutableRawPointer, _ size: Int) {
    unsafe clinux_prefetch(base)
    unsafe clinux_prefetch(base + 64)
    guard size > prefetched else { return }
    var offset = prefetched
    while offset < min(size, prefetchLimit) {
      unsafe clinux_prefetch(base + offset)
      offset &+= 64
    }
  }

  /// A pending frame may be plain.
  @inline(__always)
  static func isPlain(_ item: PendingFrame, of burst: borrowing Burst) -> Bool {
    item.kept.map { burst.frames[$0].isPlain } ?? false
  }

  /// Bytes of the frame in item `position`, if it is plain and no longer than `largest`; otherwise nil.
  @inline(__always)
  func size(_ position: Int, atMost largest: Int) -> Int? {
    guard let index = unsafe items[position].kept, unsafe frames[index].isPlain else { return nil }
    let size = unsafe frames[index].size
    return size <= largest ? size : nil
  }

  /// Bytes of a readable buffer that is all of its chain, by its descriptor's second word: as many as it says if none of
  /// its flags is set, otherwise more than 32 bits.
  ///
  /// Flags lie above the length, so that what is compared with a limit of 32 bits has been looked at for them.
  @inline(__always)
  static func readable(_ rest: UInt64) -> UInt64 { rest & 0xFFFF_FFFF_FFFF }

  /// The same of a writable one: if no other flag than WRITE is set.
  @inline(__always)
  static func writable(_ rest: UInt64) -> UInt64 {
    readable(rest) &- UInt64(ChainPieces.DescriptorFlags.write) << 32
  }

  /// Notes the buffer of `position`, which holds header and frame, and asks for its first bytes.
  @inline(__always)
  func note(_ position: Int, _ base: UnsafeMutableRawPointer, id: UInt16) {
    unsafe clinux_prefetch_to_write(base)
    unsafe clinux_prefetch_to_write(base + 64)
    unsafe places[position] = ScatterNotes.Place(base: base, id: id)
  }

  /// Host address and bytes of what was written for the frame of `position`, with its header.
  @inline(__always)
  func written(_ position: Int) -> (address: UInt, size: UInt64) {
    // SAFETY: as in `fill`.
    let size = unsafe frames[Int(items[position].frame)].size
    return unsafe (UInt(bitPattern: places[position].base), UInt64(truncatingIfNeeded: size &+ Self.headerSize))
  }

  /// Writes the frame of `position` to its buffer: header, first bytes from scratch, the rest from the sender's memory.
  ///
  /// - Returns: bytes of the frame.
  @inline(__always)
  func fill(_ position: Int) -> Int {
    // SAFETY: size + 12 bytes are writable at `base` (`note`, from the same private size); what was checked comes from
    // scratch.
    let index = unsafe Int(items[position].frame)
    let size = unsafe frames[index].size
    let base = unsafe places[position].base
    let checked = unsafe scratch + index &* Burst.scratchSlotSize
    let target = unsafe base + Self.headerSize
    unsafe base.storeBytes(of: 0, as: UInt64.self)
    unsafe base.storeBytes(of: 1 << 16, toByteOffset: 8, as: UInt32.self)
    guard size >= Burst.scratchRule else {
      unsafe target.copyMemory(from: checked, byteCount: size)
      return size
    }
    unsafe target.copy64(from: UnsafeRawPointer(checked))
    if size > Burst.scratchRule {
      unsafe (target + Burst.scratchRule).copyMemory(
        from: frames[index].source + Burst.scratchRule, byteCount: size &- Burst.scratchRule)
    }
    return size
  }
}
