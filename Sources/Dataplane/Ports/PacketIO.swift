import CLinux
import Frames
import Glibc

/// Where a packet socket's frames are received: a slot for each of a burst, of which a small frame touches a page or two.
///
/// Unsafe code. Invariants: `memory` holds `Burst.capacity` slots of `stride` bytes; slot numbers are below that, as the
/// limit of every burst is; what the kernel wrote into a slot is described by the entry of `packets` with its number. The
/// slots are free again at the port's next burst.
@safe
struct PacketBuffers: ~Copyable {
  /// Bytes of a slot: the largest frame that a kernel leaves whole, with two tags, and what stands in front of it; the odd
  /// rest spreads the slots over the cache.
  private static let stride = 65_536 + 1600
  /// A longer frame was left whole, or is of a large MTU.
  static let smallSize = 4096
  private let memory: UnsafeMutableRawPointer
  private let packets = FixedArray<clinux_packet>(count: Burst.capacity) { _ in clinux_packet() }

  /// Takes address space, and memory for those slots alone that frames come to.
  init() { unsafe memory = .allocate(byteCount: Burst.capacity * Self.stride, alignment: 64) }

  deinit { unsafe memory.deallocate() }

  /// Receives up to `count` frames into the slots from `first` on.
  ///
  /// - Returns: how many; otherwise the negative error number.
  func receive(_ raw: Int32, from first: Int, _ count: Int) -> Int {
    guard raw >= 0, first >= 0, first < Burst.capacity else { return 0 }
    let count = UInt32(clamping: min(count, Burst.capacity - first))
    // SAFETY: so many slots and entries are there.
    return Int(
      unsafe clinux_packet_receive(raw, memory + first * Self.stride, Self.stride, count, packets.base + first))
  }

  /// The frame in a slot, with its tag in its place; nil if it was longer than a slot.
  func frame(_ slot: Int) -> Frame? {
    let packet = packets[slot]
    let size = Int(packet.size)
    guard size > 0 else { return nil }
    // SAFETY: the kernel filled so much of the slot.
    let start = unsafe UnsafeRawPointer(memory + slot * Self.stride + Int(packet.start))
    var frame = unsafe Frame(source: start, sourceSize: size, size: size)
    if size > Ethernet.maximumFrameSize { frame.flags.insert(.headerInvalid) }
    return frame
  }

  /// What stood in front of it; offsets count with the tag.
  func header(_ slot: Int) -> OffloadHeader {
    let packet = packets[slot]
    var header = OffloadHeader(word: packet.header, checksumOffset: packet.checksum_offset)
    if header.needsChecksum { header.word &+= UInt64(packet.tag_size) << 48 }
    return header
  }
}
