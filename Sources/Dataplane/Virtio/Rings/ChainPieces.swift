/// The pieces of guest memory that descriptor chains consist of, noted one behind the other in a list of segments.
///
/// Unsafe code. Invariants: only what was translated with its size is noted; the segments are their owner's memory.
struct ChainPieces: BitwiseCopyable {
  /// VIRTQ_DESC_F_NEXT, _WRITE, _INDIRECT (VIRTIO 1.2 sections 2.7.5 and 2.8.5: the same bits in both formats).
  enum DescriptorFlags {
    static let next: UInt16 = 1
    static let write: UInt16 = 2
    static let indirect: UInt16 = 4
  }

  /// Place behind the last piece in the list.
  private(set) var end: Int
  /// Bytes that were noted.
  private(set) var size = 0

  /// - Parameter start: place in the list where the first piece goes.
  init(from start: Int) { end = start }

  /// Translates one buffer and notes its pieces: usually one, several where it crosses from region to region.
  ///
  /// - Parameter hint: the region that is looked into first; set to the one that was found.
  @inline(__always)
  mutating func append(
    _ address: UInt64, _ length: UInt32, _ flags: UInt16, _ access: ChainAccess, _ memory: GuestMemory,
    _ hint: inout Int,
    into segments: borrowing FixedArray<Segment>
  ) -> RingFault? {
    let isWritable = flags & DescriptorFlags.write != 0
    switch access {
    case .read where isWritable: return RingFault(.writableInTransmit)
    case .write where !isWritable: return RingFault(.readableInReceive)
    default: break
    }
    guard length > 0, end < segments.count,
      let base = unsafe memory.translate(address, size: UInt64(length), hint: &hint)
    else { return appendPieces(address, length, memory, into: segments) }
    segments[end] = unsafe Segment(base: base, size: Int(length))
    end &+= 1
    size &+= Int(length)
    return nil
  }

  /// The same, piece by piece.
  @inline(never)
  private mutating func appendPieces(
    _ address: UInt64, _ length: UInt32, _ memory: GuestMemory, into segments: borrowing FixedArray<Segment>
  ) -> RingFault? {
    var left = UInt64(length)
    var position = address
    while left > 0 {
      guard let piece = unsafe memory.piece(at: position, size: left), piece.size > 0 else {
        return RingFault(.bufferOutsideMemory, seen: address, limit: UInt64(length))
      }
      guard end < segments.count else { return RingFault(.chainTooLong, seen: 0, limit: UInt64(segments.count)) }
      segments[end] = piece
      end += 1
      left &-= UInt64(piece.size)
      let (next, wraps) = position.addingReportingOverflow(UInt64(piece.size))
      guard !wraps || left == 0 else {
        return RingFault(.bufferOutsideMemory, seen: address, limit: UInt64(length))
      }
      position = next
    }
    // Sums of at most 32768 lengths of 32 bits cannot overflow 64 bits.
    size += Int(length)
    return nil
  }
}

/// An indirect table in guest memory (VIRTIO 1.2 sections 2.7.5.3 and 2.8.7), translated whole.
///
/// Unsafe code. Invariants: `count` descriptors of 16 bytes lie at `base`. They need not be aligned, so each is copied
/// once into a local before it is looked at.
@safe
struct IndirectTable: BitwiseCopyable {
  private let base: UnsafeMutableRawPointer
  /// Descriptors, 1 to `Burst.chainCapacity`.
  let count: Int

  private init(base: UnsafeMutableRawPointer, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  /// Finds the table that a descriptor names, if tables were negotiated and this one may be.
  static func find(
    _ address: UInt64, _ length: UInt32, _ flags: UInt16, traits: RingTraits, memory: GuestMemory, hint: inout Int
  ) -> Result<IndirectTable, RingFault> {
    guard traits.hasIndirect else { return .failure(RingFault(.indirectNotNegotiated)) }
    guard flags & ChainPieces.DescriptorFlags.next == 0 else { return .failure(RingFault(.indirectWithNext)) }
    let count = Int(length) / 16
    guard length % 16 == 0, count > 0, count <= Burst.chainCapacity else {
      return .failure(RingFault(.indirectSize, seen: UInt64(length), limit: UInt64(16 * Burst.chainCapacity)))
    }
    guard let base = unsafe memory.translate(address, size: UInt64(length), hint: &hint) else {
      return .failure(RingFault(.indirectOutsideMemory, seen: address))
    }
    return .success(unsafe IndirectTable(base: base, count: count))
  }

  /// A descriptor's address, and its packed length and what follows.
  func descriptor(_ index: Int) -> (address: UInt64, rest: UInt64) {
    // SAFETY: the index is below `count`, or is made so.
    let entry = unsafe base + 16 * max(min(index, count - 1), 0)
    return unsafe (
      entry.loadUnaligned(as: UInt64.self), entry.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    )
  }
}
