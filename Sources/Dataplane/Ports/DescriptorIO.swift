import CLinux
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
  /// A slot for the longest datagram of each frame, of which no more is touched than datagrams fill.
  private let datagrams: UnsafeMutableRawPointer
  /// Behind the longest datagram; no multiple of a page, so that the first bytes of all do not compete for the same places of
  /// a cache.
  private static let datagramStride = StreamInput.largest + 64
  private let sizes = FixedArray<UInt32>(count: Burst.capacity) { _ in 0 }

  init() {
    unsafe datagrams = .allocate(byteCount: Burst.capacity * Self.datagramStride, alignment: 64)
    unsafe memory = .allocate(byteCount: Burst.capacity * Self.slotSize + Self.largest, alignment: 64)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe datagrams.deallocate()
  }

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

  /// Takes up to `limit` datagrams into an empty burst, a frame each; one that is too long is a frame that nobody takes.
  ///
  /// - Returns: how many there were, or the negative number of an error.
  func readDatagrams(_ raw: Int32, into burst: borrowing Burst, _ limit: Int) -> Int {
    // SAFETY: there are as many slots and sizes as a burst has frames.
    let count = Int(
      unsafe clinux_receive_datagrams(
        raw, datagrams, Self.datagramStride, StreamInput.largest, sizes.base, UInt32(min(limit, Burst.capacity))))
    for index in 0..<max(count, 0) {
      let size = min(Int(sizes[index]), StreamInput.largest)
      let start = unsafe UnsafeRawPointer(datagrams) + index * Self.datagramStride
      burst.note(unsafe Frame(source: start, sourceSize: size, size: size))
    }
    return count
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

extension Burst {
  /// Adds a frame that lies in this program's memory as a whole, and had nothing in front of it.
  @inline(__always)
  func note(_ frame: Frame) {
    let index = count
    frames[index] = frame
    if frame.size > Ethernet.maximumFrameSize { frames[index].flags.insert(.headerInvalid) }
    fillScratch(index, &frames[index])
    count = index + 1
  }

  /// Frames that are IPv4 fragments and say that they must not be (DF), as e1000e and vmxnet3 of QEMU make of a large frame.
  ///
  /// A receiver puts them together; whoever looks at ports, or obeys the bit, loses them.
  func countForbiddenFragments() -> UInt64 {
    var found: UInt64 = 0
    for index in 0..<count where frames[index].scratchSize >= Self.scratchRule {
      // SAFETY: so many bytes of the slot are filled.
      let slot = unsafe UnsafeRawPointer(scratchSlot(index))
      var place = 12
      if unsafe slot.loadUnaligned(fromByteOffset: place, as: UInt16.self) == Ethernet.typeVLAN.bigEndian { place += 4 }
      guard unsafe slot.loadUnaligned(fromByteOffset: place, as: UInt16.self) == Ethernet.typeIPv4.bigEndian else {
        continue
      }
      // Flags and offset (RFC 791): DF, and MF or an offset.
      let word = UInt16(bigEndian: unsafe slot.loadUnaligned(fromByteOffset: place + 8, as: UInt16.self))
      if word & 0x4000 != 0, word & 0x3FFF != 0 { found &+= 1 }
    }
    return found
  }
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
