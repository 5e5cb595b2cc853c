/// Walking descriptor chains of a packed ring (VIRTIO 1.2 sections 2.8.6 and 2.8.7).
///
/// A chain is the descriptors that lie one behind the other, over the ring's end too, and takes as many places; its id is
/// the last one's. It is bounded by the ring's size, an indirect table by its own.
extension PackedRing {
  @inline(__always)
  func single(_ access: ChainAccess) -> SingleBuffer? {
    let (address, rest) = words.descriptor(next.place)
    let direction = access == .write ? ChainPieces.DescriptorFlags.write : 0
    guard UInt16(truncatingIfNeeded: rest >> 48) == next.availableFlags | direction else { return nil }
    return SingleBuffer(
      chain: ChainToken(id: UInt16(truncatingIfNeeded: rest >> 32)), address: address,
      size: Int(UInt32(truncatingIfNeeded: rest)))
  }

  mutating func walk(
    _ cursor: inout PackedPosition, _ access: ChainAccess, _ pieces: inout ChainPieces,
    into segments: borrowing FixedArray<Segment>, memory: GuestMemory, hint: inout Int
  ) -> ChainWalk {
    let before = pieces.size
    var position = cursor
    var places = 0
    while places < size {
      let (address, rest) = words.descriptor(position.place)
      let (length, flags) = (UInt32(truncatingIfNeeded: rest), UInt16(truncatingIfNeeded: rest >> 48))
      // A driver makes the first available last, so all of the chain are by now.
      guard flags & PackedPosition.lapFlags == position.availableFlags else {
        return .fault(RingFault(.chainNotAvailable, seen: UInt64(position.place), limit: UInt64(size)))
      }
      position = position.advanced(by: 1, in: size)
      places += 1
      if flags & ChainPieces.DescriptorFlags.indirect != 0 {
        switch IndirectTable.find(address, length, flags, traits: traits, memory: memory, hint: &hint) {
        case .failure(let fault): return .fault(fault)
        case .success(let table):
          if let fault = walk(table, access, &pieces, into: segments, memory: memory, hint: &hint) {
            return .fault(fault)
          }
        }
      } else {
        if let fault = pieces.append(address, length, flags, access, memory, &hint, into: segments) {
          return .fault(fault)
        }
        if flags & ChainPieces.DescriptorFlags.next != 0 { continue }
      }
      cursor = position
      let token = ChainToken(
        id: UInt16(truncatingIfNeeded: rest >> 32), places: UInt16(truncatingIfNeeded: places))
      return .chain(token, size: pieces.size - before)
    }
    return .fault(RingFault(.chainTooLong, seen: 1, limit: UInt64(size)))
  }

  /// All of a table's descriptors belong to the chain, in order; of their flags only the direction counts, and that only
  /// where it is written to.
  ///
  /// DPDK's driver (22.11) says of the header of a frame that it sends that the device shall write it.
  private mutating func walk(
    _ table: IndirectTable, _ access: ChainAccess, _ pieces: inout ChainPieces,
    into segments: borrowing FixedArray<Segment>, memory: GuestMemory, hint: inout Int
  ) -> RingFault? {
    for index in 0..<table.count {
      let (address, rest) = table.descriptor(index)
      let flags = UInt16(truncatingIfNeeded: rest >> 48)
      guard flags & ChainPieces.DescriptorFlags.indirect == 0 else { return RingFault(.indirectNested) }
      let length = UInt32(truncatingIfNeeded: rest)
      let direction = access == .write ? flags : 0
      if let fault = pieces.append(address, length, direction, access, memory, &hint, into: segments) { return fault }
    }
    return nil
  }
}
