/// Walking descriptor chains of a split ring (VIRTIO 1.2 sections 2.7.5 and 2.7.5.3).
///
/// A chain is bounded by the ring's size, an indirect table by its own.
extension SplitRing {
  @inline(__always)
  func single(_ access: ChainAccess) -> SingleBuffer? {
    let head = words.head(at: nextAvailable)
    guard head <= words.mask else { return nil }
    let (address, rest) = words.descriptor(head)
    guard UInt16(truncatingIfNeeded: rest >> 32) == (access == .write ? ChainPieces.DescriptorFlags.write : 0) else {
      return nil
    }
    return SingleBuffer(
      chain: ChainToken(id: head), address: address, size: Int(UInt32(truncatingIfNeeded: rest)))
  }

  mutating func walk(
    _ cursor: inout UInt16, _ access: ChainAccess, _ pieces: inout ChainPieces,
    into segments: borrowing FixedArray<Segment>, memory: GuestMemory, hint: inout Int
  ) -> ChainWalk {
    let head = words.head(at: cursor)
    guard head <= words.mask else { return .fault(RingFault(.headOutOfRange, seen: UInt64(head), limit: UInt64(size))) }
    let before = pieces.size
    if let fault = walk(from: head, access, &pieces, into: segments, memory: memory, hint: &hint) {
      return .fault(fault)
    }
    cursor &+= 1
    return .chain(ChainToken(id: head), size: pieces.size - before)
  }

  private mutating func walk(
    from head: UInt16, _ access: ChainAccess, _ pieces: inout ChainPieces, into segments: borrowing FixedArray<Segment>,
    memory: GuestMemory, hint: inout Int
  ) -> RingFault? {
    var index = head
    for _ in 0..<size {
      let (address, rest) = words.descriptor(index)
      let length = UInt32(truncatingIfNeeded: rest)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      if flags & ChainPieces.DescriptorFlags.indirect != 0 {
        switch IndirectTable.find(address, length, flags, traits: traits, memory: memory, hint: &hint) {
        case .failure(let fault): return fault
        case .success(let table): return walk(table, access, &pieces, into: segments, memory: memory, hint: &hint)
        }
      }
      if let fault = pieces.append(address, length, flags, access, memory, &hint, into: segments) { return fault }
      guard flags & ChainPieces.DescriptorFlags.next != 0 else { return nil }
      index = UInt16(truncatingIfNeeded: rest >> 48)
      guard index <= words.mask else {
        return RingFault(.nextOutOfRange, seen: UInt64(index), limit: UInt64(size))
      }
    }
    return RingFault(.chainTooLong, seen: 1, limit: UInt64(size))
  }

  /// A table's descriptors are chained as those of the ring are.
  private mutating func walk(
    _ table: IndirectTable, _ access: ChainAccess, _ pieces: inout ChainPieces,
    into segments: borrowing FixedArray<Segment>, memory: GuestMemory, hint: inout Int
  ) -> RingFault? {
    var index = 0
    for _ in 0..<table.count {
      let (address, rest) = table.descriptor(index)
      let flags = UInt16(truncatingIfNeeded: rest >> 32)
      guard flags & ChainPieces.DescriptorFlags.indirect == 0 else { return RingFault(.indirectNested) }
      let length = UInt32(truncatingIfNeeded: rest)
      if let fault = pieces.append(address, length, flags, access, memory, &hint, into: segments) { return fault }
      guard flags & ChainPieces.DescriptorFlags.next != 0 else { return nil }
      index = Int(rest >> 48)
      guard index < table.count else {
        return RingFault(.nextOutOfRange, seen: UInt64(index), limit: UInt64(table.count))
      }
    }
    return RingFault(.chainTooLong, seen: 1, limit: UInt64(table.count))
  }
}
