import Frames
import Glibc

/// Buffers that frames from descriptors are read into, one set a worker, for all kinds of ports that read.
///
/// Unsafe code. Invariants: `memory` holds `Burst.capacity` slots of `slotSize` bytes and behind them room for the largest
/// frame; it lives as long as the pool and is free again at the next burst. A frame longer than its slot lies over those
/// behind it, and is the last of its burst.
@safe
struct ReceivePool: ~Copyable {
  /// Header and a frame of the usual MTU fit into one slot.
  static let slotSize = 2048
  /// Bytes of a message at most: a frame that a kernel left whole (65,535 bytes and a tag), or of the largest MTU, and what
  /// stands in front of it.
  private static let largest = Ethernet.maximumFrameSize + 64
  private let memory: UnsafeMutableRawPointer

  init() {
    unsafe memory = .allocate(byteCount: Burst.capacity * Self.slotSize + Self.largest, alignment: 64)
  }

  deinit { unsafe memory.deallocate() }

  /// Puts a frame made by this program into an empty burst; longer ones than the largest frame are cut.
  func note(_ bytes: [UInt8], in burst: borrowing Burst) {
    let size = min(bytes.count, Ethernet.maximumFrameSize)
    unsafe bytes.withUnsafeBytes { source in
      // SAFETY: `size` bytes are there, and behind the first slot.
      guard let base = source.baseAddress else { return }
      unsafe memory.copyMemory(from: base, byteCount: size)
    }
    burst.frames[0] = frame(size: size, prefix: 0, in: burst)
    burst.fillScratch(0, &burst.frames[0])
    burst.count = 1
  }

  // Reading. The burst's next frame has the slot of its number.

  /// Reads one message for the burst's next frame.
  ///
  /// - Returns: its bytes; 0 or less: there is none, or the descriptor fails.
  func read(_ raw: Int32, for burst: borrowing Burst) -> Int {
    var piece = unsafe iovec(iov_base: slot(burst), iov_len: Self.largest)
    // SAFETY: so many bytes lie behind every slot.
    return unsafe readv(raw, &piece, 1)
  }

  /// The frame behind the first `prefix` bytes of a message of `size` bytes that was just read.
  ///
  /// When it is longer than a slot, no more can be read in this burst.
  func frame(size: Int, prefix: Int, in burst: borrowing Burst) -> Frame {
    let start = unsafe slot(burst) + prefix
    var frame = unsafe Frame(source: UnsafeRawPointer(start), sourceSize: size - prefix, size: size - prefix)
    if size - prefix > Ethernet.maximumFrameSize { frame.flags.insert(.headerInvalid) }
    return frame
  }

  /// The first twelve bytes of a message that was just read and has so many.
  func header(for burst: borrowing Burst) -> DescriptorHeader {
    let start = unsafe slot(burst)
    // SAFETY: a slot is longer.
    return unsafe DescriptorHeader(
      first: start.loadUnaligned(as: UInt64.self), second: start.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
  }

  @unsafe
  private func slot(_ burst: borrowing Burst) -> UnsafeMutableRawPointer { unsafe memory + burst.count * Self.slotSize }
}

/// Up to twelve bytes in front of each frame on a descriptor, in the order of this host's memory.
struct DescriptorHeader {
  static let size = 12
  var first: UInt64 = 0
  var second: UInt32 = 0

  init(first: UInt64, second: UInt32) {
    self.first = first
    self.second = second
  }

  /// A virtio-net header, whose number of buffers a kernel does not look at.
  init(_ header: OffloadHeader) {
    first = header.word
    second = UInt32(header.checksumOffset)
  }

  /// What it says as a virtio-net header.
  var offload: OffloadHeader {
    OffloadHeader(word: first, checksumOffset: UInt16(truncatingIfNeeded: second))
  }
}

/// Writing: one system call a frame, straight from the sender's memory.
///
/// Unsafe code. Invariants: an `iovec` names only the header, memory of the pool, of scratch, or pieces that a ring
/// translated in this breath. A piece that the kernel cannot read (EFAULT) is its sender's loss.
extension LeavingFrame {
  /// Writes the frame, behind a header if there is one.
  ///
  /// - Parameter notes: room for the pieces.
  /// - Returns: 0 or the error's number.
  func write(
    behind header: DescriptorHeader?, to raw: Int32, of burst: borrowing Burst, _ notes: borrowing ScatterNotes
  ) -> Int32 {
    let pieces = unsafe notes.vectors.base
    var words = (header?.first ?? 0, header?.second ?? 0)
    return unsafe withUnsafeMutableBytes(of: &words) { words in
      var used = 0
      // SAFETY: `used` stays below the limit; header, prefix and tail live until the call returns.
      if header != nil {
        unsafe pieces[0] = iovec(iov_base: words.baseAddress, iov_len: DescriptorHeader.size)
        used = 1
      }
      var isComplete = true
      unsafe forEachPiece(of: burst) { base, size in
        guard used < ScatterNotes.vectorLimit else {
          isComplete = false
          return
        }
        unsafe pieces[used] = iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: size)
        used += 1
      }
      guard isComplete else { return EFAULT }
      let written = unsafe writev(raw, pieces, Int32(used))
      return written >= 0 ? 0 : errno
    }
  }
}
