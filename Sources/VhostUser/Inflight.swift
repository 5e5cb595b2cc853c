package import LinuxHost

/// A region of the front-end's keeping, in which a back-end notes what it has in hand (vhost-user, "Inflight I/O
/// tracking"): when the back-end dies, the next one is given it and goes on where the other was.
///
/// Numbers as the message says them, within the limits of the session; what is in the region is not looked at.
package struct InflightRegion: Sendable {
  /// Bytes.
  package var size: UInt64
  /// Offset of the first byte in the file.
  package var fileOffset: UInt64
  /// Rings that have a part of it, the lowest first.
  package var ringCount: Int
  /// Entries that each part has room for.
  package var ringSize: Int
  /// The file.
  package var descriptor: Descriptor

  package init(size: UInt64, fileOffset: UInt64, ringCount: Int, ringSize: Int, descriptor: Descriptor) {
    self.size = size
    self.fileOffset = fileOffset
    self.ringCount = ringCount
    self.ringSize = ringSize
    self.descriptor = descriptor
  }
}

/// How a region's parts are laid out, in bytes: `QueueRegionSplit` and `QueueRegionPacked` of the specification, each a
/// head and an entry for each descriptor of its ring.
package struct InflightLayout: Equatable, Sendable {
  package let headSize: Int
  package let entrySize: Int
  /// Parts begin at multiples of this, as other back-ends have it.
  package static let alignment = 64

  package init(isPacked: Bool) {
    headSize = isPacked ? 32 : 16
    entrySize = isPacked ? 32 : 16
  }

  /// Bytes from one part to the next, of rings of `entries`.
  package func stride(entries: Int) -> Int {
    (headSize + entries * entrySize + Self.alignment - 1) / Self.alignment * Self.alignment
  }
}

extension Session {
  /// GET_INFLIGHT_FD: makes a region of zeros, of a size that nobody can change, for as many rings as are asked for.
  ///
  /// Nothing of it is kept here: the front-end gives it back by SET_INFLIGHT_FD.
  func getInflight(_ message: Message) throws(Refusal) -> Outcome {
    let (ringCount, ringSize) = try inflightNumbers(message)
    let size = UInt64(ringCount * InflightLayout(isPacked: isPacked).stride(entries: ringSize))
    let file: Descriptor
    do throws(SystemError) {
      file = try Descriptor.sealedMemoryFile(size: size)
    } catch {
      throw Refusal("region of \(size) bytes: \(error)")
    }
    // The numbers asked for, and padding if it was sent, are answered as they came.
    var payload: [UInt8] = []
    payload.appendWire(size)
    payload.appendWire(UInt64(0))
    return .reply(Reply(payload: payload + message.payload.bytes.dropFirst(16), descriptors: [file]))
  }

  /// SET_INFLIGHT_FD: rings that start from now on have their parts of it.
  func setInflight(_ message: Message) throws(Refusal) -> Outcome {
    guard let descriptor = message.descriptors.first else { throw Refusal("came without a descriptor, expected 1") }
    let (ringCount, ringSize) = try inflightNumbers(message)
    let region = InflightRegion(
      size: message.payload.u64(0), fileOffset: message.payload.u64(8), ringCount: ringCount, ringSize: ringSize,
      descriptor: descriptor)
    try check(region)
    if let ring = rings.indices.first(where: { rings[$0].phase == .running }) {
      throw Refusal("ring \(ring) runs, expected the region before the rings start")
    }
    return .steps([.setInflight(region)])
  }

  /// Refuses what cannot be a region of this device; whether the file holds it, its mapping tells.
  func check(_ region: InflightRegion) throws(Refusal) {
    try checkInflight(ringCount: region.ringCount, ringSize: region.ringSize)
    let needed = region.ringCount * InflightLayout(isPacked: isPacked).stride(entries: region.ringSize)
    guard region.size >= UInt64(needed) else {
      throw Refusal(
        "region of \(region.size) bytes for \(region.ringCount) rings of \(region.ringSize) entries, expected \(needed)"
      )
    }
    guard !region.fileOffset.addingReportingOverflow(region.size).overflow else {
      throw Refusal("region of \(region.size) bytes at file offset \(hex(region.fileOffset)) wraps 64 bits")
    }
    guard region.fileOffset % UInt64(InflightLayout.alignment) == 0 else {
      throw Refusal(
        "region at file offset \(hex(region.fileOffset)), expected a multiple of \(InflightLayout.alignment)")
    }
    let kind = region.descriptor.kind
    guard case .sharedMemory = kind, region.descriptor.isReadWrite else {
      throw Refusal("region lies on \(kind.words), expected a file on \(DescriptorKind.memoryHomes) to read and write")
    }
  }

  private func checkInflight(ringCount: Int, ringSize: Int) throws(Refusal) {
    guard (1...max(rings.count, 1)).contains(ringCount) else {
      throw Refusal("region for \(ringCount) rings, expected 1 to \(rings.count)")
    }
    guard (1...Int(Self.maximumRingSize)).contains(ringSize) else {
      throw Refusal("region for rings of \(ringSize) entries, expected 1 to \(Self.maximumRingSize)")
    }
  }

  /// The message's last fields: `u16 num_queues, u16 queue_size`, and padding of four bytes where it was compiled so.
  private func inflightNumbers(_ message: Message) throws(Refusal) -> (ringCount: Int, ringSize: Int) {
    let word = message.payload.u32(16)
    let (ringCount, ringSize) = (Int(word & 0xFFFF), Int(word >> 16))
    try checkInflight(ringCount: ringCount, ringSize: ringSize)
    return (ringCount, ringSize)
  }
}
