/// Walking descriptor chains of any layout (VIRTIO 1.2 sections 2.7.5 and 2.7.5.3).
///
/// Unsafe code. Invariants: a chain is bounded by the ring's size, an indirect table by `Burst.chainCapacity`; a table
/// in guest memory need not be aligned, so each of its descriptors is copied once into a local before it is looked at.
extension SplitRing {
  /// What a chain's buffers must be.
  enum Access { case read, write }

  /// The result of a walk: the end of the pieces and their bytes together, or what is wrong.
  enum Walk {
    case chain(end: Int, size: Int)
    case fault(RingFault)
  }

  /// A chain with its place among the pieces.
  private struct Cursor {
    var end: Int
    var size = 0
  }

  /// Notes the pieces of a chain behind `from`.
  ///
  /// A fault `.chainTooLong` with `seen` 0 means that the pieces found no room, which a chain walked with all the room
  /// never meets.
  mutating func walk(
    _ head: UInt16, access: Access, memory: GuestMemory, segments: borrowing FixedArray<Segment>, from: Int
  ) -> Walk {
    var cursor = Cursor(end: from)
    var index = head
    for _ in 0..<size {
      let (address, rest) = areas.descriptor(index)
      let length = UInt32(truncatingIfNeeded: rest)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      if flags & DescriptorFlags.indirect != 0 {
        if let fault = walkTable(
          address, length, flags, access: access, memory: memory, segments: segments, &cursor)
        {
          return .fault(fault)
        }
        return .chain(end: cursor.end, size: cursor.size)
      }
      if let fault = append(address, length, flags, access, memory, segments, &cursor) { return .fault(fault) }
      guard flags & DescriptorFlags.next != 0 else { return .chain(end: cursor.end, size: cursor.size) }
      index = UInt16(truncatingIfNeeded: rest >> 48)
      guard index <= mask else {
        return .fault(RingFault(.nextOutOfRange, seen: UInt64(index), limit: UInt64(size)))
      }
    }
    return .fault(RingFault(.chainTooLong, seen: 1, limit: UInt64(size)))
  }

  private mutating func walkTable(
    _ address: UInt64, _ length: UInt32, _ flags: UInt16, access: Access, memory: GuestMemory,
    segments: borrowing FixedArray<Segment>, _ cursor: inout Cursor
  ) -> RingFault? {
    guard hasIndirect else { return RingFault(.indirectNotNegotiated) }
    guard flags & DescriptorFlags.next == 0 else { return RingFault(.indirectWithNext) }
    let count = Int(length) / 16
    guard length % 16 == 0, count > 0, count <= Burst.chainCapacity else {
      return RingFault(.indirectSize, seen: UInt64(length), limit: UInt64(16 * Burst.chainCapacity))
    }
    guard let table = unsafe memory.translate(address, size: UInt64(length), hint: &regionHint) else {
      return RingFault(.indirectOutsideMemory, seen: address)
    }
    var index = 0
    for _ in 0..<count {
      // SAFETY: index < count, and the table's whole size was translated.
      let entry = unsafe table + 16 * index
      let buffer = unsafe entry.loadUnaligned(as: UInt64.self)
      let rest = unsafe entry.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      guard flags & DescriptorFlags.indirect == 0 else { return RingFault(.indirectNested) }
      let size = UInt32(truncatingIfNeeded: rest)
      if let fault = append(buffer, size, flags, access, memory, segments, &cursor) { return fault }
      guard flags & DescriptorFlags.next != 0 else { return nil }
      index = Int(rest >> 48)
      guard index < count else {
        return RingFault(.nextOutOfRange, seen: UInt64(index), limit: UInt64(count))
      }
    }
    return RingFault(.chainTooLong, seen: 1, limit: UInt64(count))
  }

  /// Translates one buffer and notes its pieces: usually one, several where it crosses from region to region.
  private func append(
    _ address: UInt64, _ length: UInt32, _ flags: UInt16, _ access: Access, _ memory: GuestMemory,
    _ segments: borrowing FixedArray<Segment>, _ cursor: inout Cursor
  ) -> RingFault? {
    let isWritable = flags & DescriptorFlags.write != 0
    switch access {
    case .read where isWritable: return RingFault(.writableInTransmit)
    case .write where !isWritable: return RingFault(.readableInReceive)
    default: break
    }
    var left = UInt64(length)
    var position = address
    while left > 0 {
      guard let piece = unsafe memory.piece(at: position, size: left), piece.size > 0 else {
        return RingFault(.bufferOutsideMemory, seen: address, limit: UInt64(length))
      }
      guard cursor.end < segments.count else { return RingFault(.chainTooLong, seen: 0, limit: UInt64(segments.count)) }
      segments[cursor.end] = piece
      cursor.end += 1
      left &-= UInt64(piece.size)
      let (next, wraps) = position.addingReportingOverflow(UInt64(piece.size))
      guard !wraps || left == 0 else {
        return RingFault(.bufferOutsideMemory, seen: address, limit: UInt64(length))
      }
      position = next
    }
    // Sums of at most 32768 lengths of 32 bits cannot overflow 64 bits.
    cursor.size += Int(length)
    return nil
  }
}
