internal import LinuxHost
internal import VhostUser

/// The mapped memory of one guest: made by the reactor, then installed in the port by its worker.
///
/// Unsafe code. Invariants: every mapping lives as long as the table; `regions` has all of them by guest address, and
/// behind these once more by host address. Overlaps were refused by the session before.
@safe
final class MemoryTable: @unchecked Sendable {
  private struct Entry {
    let request: MemoryRegionRequest
    let mapping: MemoryMapping
  }

  private let entries: [Entry]
  private let regions: UnsafeMutablePointer<GuestRegion>

  /// Maps all regions; throws without leaving anything mapped.
  convenience init(_ requests: [MemoryRegionRequest]) throws(SystemError) {
    var entries: [Entry] = []
    for request in requests { entries.append(try Self.map(request)) }
    self.init(entries)
  }

  private init(_ entries: [Entry]) {
    self.entries = entries.sorted { $0.request.guestAddress < $1.request.guestAddress }
    let byHost = entries.sorted { unsafe $0.mapping.base < $1.mapping.base }
    unsafe regions = .allocate(capacity: max(2 * entries.count, 1))
    for (index, entry) in (self.entries + byHost).enumerated() {
      // SAFETY: index < 2 * entries.count; the mapping covers `size` bytes from `base`.
      unsafe (regions + index).initialize(
        to: GuestRegion(
          guestBase: entry.request.guestAddress, size: entry.request.size, hostBase: entry.mapping.base))
    }
  }

  deinit { unsafe regions.deallocate() }

  private static func map(_ request: MemoryRegionRequest) throws(SystemError) -> Entry {
    Entry(
      request: request,
      mapping: try MemoryMapping(
        descriptor: request.descriptor, fileOffset: request.fileOffset, size: request.size))
  }

  /// A table with one region more; the others are shared, not mapped again.
  func adding(_ request: MemoryRegionRequest) throws(SystemError) -> MemoryTable {
    MemoryTable(entries + [try Self.map(request)])
  }

  /// A table without the region of exactly these numbers; nil if there is none.
  func removing(guestAddress: UInt64, size: UInt64, userAddress: UInt64) -> MemoryTable? {
    let kept = entries.filter {
      $0.request.guestAddress != guestAddress || $0.request.size != size || $0.request.userAddress != userAddress
    }
    return kept.count == entries.count ? nil : MemoryTable(kept)
  }

  /// The view that the worker translates with.
  var memory: GuestMemory { unsafe GuestMemory(regions: regions, count: entries.count) }

  /// A truncated memory file was touched (SIGBUS); zeros stand in its place.
  var hasFaulted: Bool { entries.contains { $0.mapping.hasFaulted } }

  /// The mapped regions, for `port show`.
  var status: [MemoryRegionStatus] {
    entries.map {
      MemoryRegionStatus(
        guestAddress: $0.request.guestAddress, size: $0.request.size, fileOffset: $0.request.fileOffset)
    }
  }

  /// Where `size` bytes at an address of the front-end are, for us and for the guest, or nil unless one region holds
  /// them all.
  @unsafe
  func find(userAddress: UInt64, size: UInt64) -> (host: UnsafeMutableRawPointer, guestAddress: UInt64)? {
    for entry in entries {
      let offset = userAddress &- entry.request.userAddress
      guard offset < entry.request.size, size <= entry.request.size &- offset else { continue }
      // SAFETY: the range lies in the mapping.
      return unsafe (entry.mapping.base + Int(truncatingIfNeeded: offset), entry.request.guestAddress &+ offset)
    }
    return nil
  }
}
