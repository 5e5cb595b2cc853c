internal import VhostUser

/// Where the three areas of a split ring lie, after translation and checks (VIRTIO 1.2 section 2.7).
@safe
struct RingLayout: @unchecked Sendable {
  /// `struct virtq_desc { le64 addr; le32 len; le16 flags; le16 next; }` times size; 16-byte aligned.
  let descriptors: UnsafeMutableRawPointer
  /// `struct virtq_avail { le16 flags; le16 idx; le16 ring[size]; le16 used_event; }`; 2-byte aligned.
  let available: UnsafeMutableRawPointer
  /// `struct virtq_used { le16 flags; le16 idx; struct { le32 id; le32 len; } ring[size]; le16 avail_event; }`; 4-byte aligned.
  let used: UnsafeMutableRawPointer
  let size: Int

  /// Translates the addresses of a ring and checks alignment and extent, event words included.
  ///
  /// - Throws: `LayoutError` with the area, its address and what was expected.
  init(_ addresses: RingAddresses, size: Int, in table: MemoryTable) throws(LayoutError) {
    let count = UInt64(size)
    unsafe descriptors = try Self.area("descriptor area", addresses.descriptors, 16 * count, 16, table)
    unsafe available = try Self.area("available ring", addresses.available, 6 + 2 * count, 2, table)
    unsafe used = try Self.area("used ring", addresses.used, 6 + 8 * count, 4, table)
    self.size = size
  }

  private static func area(
    _ name: String, _ address: UInt64, _ size: UInt64, _ alignment: UInt64, _ table: MemoryTable
  ) throws(LayoutError) -> UnsafeMutableRawPointer {
    guard let host = unsafe table.host(userAddress: address, size: size) else {
      throw LayoutError(
        description: "\(name) of \(size) bytes at 0x\(String(address, radix: 16)) is not inside one memory region")
    }
    guard address % alignment == 0, UInt(bitPattern: host) % UInt(alignment) == 0 else {
      throw LayoutError(
        description: "\(name) at 0x\(String(address, radix: 16)) is not aligned to \(alignment) bytes")
    }
    return unsafe host
  }
}

/// A ring that cannot be where the front-end says.
struct LayoutError: Error, CustomStringConvertible { let description: String }
