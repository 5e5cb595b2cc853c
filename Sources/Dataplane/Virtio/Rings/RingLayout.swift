internal import VhostUser

/// Where the three areas of a ring lie, after translation and checks: a plain value for every format of ring.
///
/// VIRTIO 1.2 section 2.6 calls them descriptor, driver and device area; SET_VRING_ADDR says descriptors, available and
/// used, whatever they hold. Each format draws what is in them (`SplitWords`, `PackedWords`).
@safe
struct RingLayout: @unchecked Sendable {
  /// What a format needs of its areas.
  struct Areas {
    struct Area {
      /// For people.
      var name: String
      /// Bytes.
      var size: UInt64
      /// Bytes.
      var alignment: UInt64
    }

    var descriptors: Area
    var available: Area
    var used: Area
  }

  let descriptors: UnsafeMutableRawPointer
  let available: UnsafeMutableRawPointer
  let used: UnsafeMutableRawPointer
  /// Entries.
  let size: Int
  /// Where it is for the log of dirty pages.
  let log: RingLogAddresses

  /// Translates the addresses of a ring and checks alignment and extent.
  ///
  /// - Throws: `LayoutError` with the area, its address and what was expected.
  init(_ addresses: RingAddresses, size: Int, _ areas: Areas, in table: MemoryTable) throws(LayoutError) {
    let first = unsafe try Self.find(areas.descriptors, addresses.descriptors, table)
    unsafe descriptors = first.host
    unsafe available = try Self.find(areas.available, addresses.available, table).host
    unsafe used = try Self.find(areas.used, addresses.used, table).host
    self.size = size
    let isLogged = addresses.flags & RingAddresses.logFlag != 0
    log = RingLogAddresses(
      descriptors: unsafe first.guestAddress, used: isLogged ? addresses.log : nil, usedSize: areas.used.size)
  }

  /// The layout of a ring of the format that was negotiated.
  ///
  /// - Throws: `LayoutError` with the area, its address and what was expected.
  init(_ addresses: RingAddresses, size: Int, isPacked: Bool, in table: MemoryTable) throws(LayoutError) {
    let areas = isPacked ? PackedRing.areas(size: size) : SplitRing.areas(size: size)
    try self.init(addresses, size: size, areas, in: table)
  }

  private static func find(
    _ area: Areas.Area, _ address: UInt64, _ table: MemoryTable
  ) throws(LayoutError) -> (host: UnsafeMutableRawPointer, guestAddress: UInt64) {
    guard let place = unsafe table.find(userAddress: address, size: area.size) else {
      throw LayoutError(
        description:
          "\(area.name) of \(area.size) bytes at 0x\(String(address, radix: 16)) is not inside one memory region")
    }
    guard address % area.alignment == 0, unsafe UInt(bitPattern: place.host) % UInt(area.alignment) == 0 else {
      throw LayoutError(
        description: "\(area.name) at 0x\(String(address, radix: 16)) is not aligned to \(area.alignment) bytes")
    }
    return unsafe place
  }
}

/// A ring that cannot be where the front-end says.
struct LayoutError: Error, CustomStringConvertible { let description: String }
