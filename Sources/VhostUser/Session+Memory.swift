internal import LinuxHost

/// Addresses of a region that the owner has accepted.
struct MemoryRange: Hashable {
  var guestAddress: UInt64
  var size: UInt64
  var userAddress: UInt64

  init(guestAddress: UInt64, size: UInt64, userAddress: UInt64) {
    self.guestAddress = guestAddress
    self.size = size
    self.userAddress = userAddress
  }

  init(_ region: MemoryRegionRequest) {
    self.init(guestAddress: region.guestAddress, size: region.size, userAddress: region.userAddress)
  }

  /// True if they share a guest address or a user address.
  ///
  /// Neither range wraps.
  func overlaps(_ other: MemoryRange) -> Bool {
    func meet(_ a: UInt64, _ b: UInt64) -> Bool {
      a < b ? b - a < size : a - b < other.size
    }
    return meet(guestAddress, other.guestAddress) || meet(userAddress, other.userAddress)
  }

  var description: String {
    "\(hex(guestAddress))+\(hex(size)) (user address \(hex(userAddress)))"
  }
}

// What can be judged without looking at the file: kinds, sizes, wraps and overlaps. The file's size and the mapping are
// the owner's.
extension Session {
  func setMemoryTable(_ message: Message) throws(Refusal) -> Outcome {
    let count = Int(message.payload.u32(0))
    guard message.payload.bytes.count == 8 + 32 * count else {
      throw Refusal("says \(count) regions in \(message.payload.bytes.count) bytes of payload")
    }
    guard message.descriptors.count == count else {
      throw Refusal("came with \(message.descriptors.count) descriptors for \(count) regions")
    }
    var regions: [MemoryRegionRequest] = []
    for (position, descriptor) in message.descriptors.enumerated() {
      let region = memoryRegion(message.payload, offset: 8 + 32 * position, descriptor)
      try check(region, against: regions.map(MemoryRange.init))
      regions.append(region)
    }
    return .steps(try loggingSteps(before: regions) + [.setMemory(regions)])
  }

  func addMemoryRegion(_ message: Message) throws(Refusal) -> Outcome {
    guard let descriptor = message.descriptors.first else { throw Refusal("came without a descriptor, expected 1") }
    let region = memoryRegion(message.payload, offset: 8, descriptor)
    // QEMU 7.2 sends its list once for every ring pair.
    guard !knows(MemoryRange(region)) else {
      repeats.noteAdded(MemoryRange(region), pairs: rings.count / 2)
      return .steps([])
    }
    guard regions.count < offer.memorySlots else {
      throw Refusal("all \(offer.memorySlots) memory slots are taken")
    }
    try check(region, against: regions.map(MemoryRange.init))
    return .steps(try loggingSteps(before: regions + [region]) + [.addMemory(region)])
  }

  /// "Identified by guest address, user address and size"; the offset is not looked at.
  ///
  /// One that is not there is refused, unless it was added as often as it is removed: QEMU 7.2 does both once for every
  /// ring pair.
  func removeMemoryRegion(_ message: Message) throws(Refusal) -> Outcome {
    let payload = message.payload
    let range = MemoryRange(guestAddress: payload.u64(8), size: payload.u64(16), userAddress: payload.u64(24))
    guard knows(range) else {
      guard repeats.takeRemoval(range) else { throw Refusal("region \(range.description) is not there") }
      return .steps([])
    }
    return .steps([.removeMemory(range)])
  }

  func getMaximumMemorySlots(_ message: Message) -> Outcome {
    reply(UInt64(max(0, offer.memorySlots)))
  }

  private func knows(_ range: MemoryRange) -> Bool { regions.contains { MemoryRange($0) == range } }

  private func memoryRegion(
    _ payload: WireReader, offset: Int, _ descriptor: Descriptor
  ) -> MemoryRegionRequest {
    MemoryRegionRequest(
      guestAddress: payload.u64(offset), size: payload.u64(offset + 8), userAddress: payload.u64(offset + 16),
      fileOffset: payload.u64(offset + 24), descriptor: descriptor)
  }

  func check(_ region: MemoryRegionRequest, against others: [MemoryRange]) throws(Refusal) {
    let range = MemoryRange(region)
    guard region.size > 0 else { throw Refusal("region \(range.description) is empty") }
    for start in [region.guestAddress, region.userAddress, region.fileOffset] {
      guard !start.addingReportingOverflow(region.size).overflow else {
        throw Refusal("region \(range.description) at file offset \(hex(region.fileOffset)) wraps 64 bits")
      }
    }
    if let other = others.first(where: range.overlaps) {
      throw Refusal("region \(range.description) overlaps region \(other.description)")
    }
    let kind = region.descriptor.kind
    guard case .sharedMemory = kind else {
      throw Refusal(
        "region \(range.description) lies on \(kind.words), expected a file on \(DescriptorKind.memoryHomes)")
    }
    guard region.descriptor.isReadWrite else {
      throw Refusal("region \(range.description) came with a descriptor that does not allow reading and writing")
    }
  }
}
