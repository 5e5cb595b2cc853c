import Glibc
import GuestKit
import LinuxHost
import Testing
import VhostUser

@testable import Dataplane

/// What a step of the switch has done to one guest's memory, against what it has marked.
///
/// The guest does nothing within a step, so all that changes is the switch's doing.
final class LogOracle {
  private let bench: DrivenBench
  private let port: Int
  let log: DirtyPages
  private var before: [[UInt8]] = []

  var guest: VirtualGuest { bench.guests[port] }

  init(_ bench: DrivenBench, port: Int, offset: Int = 0) throws {
    self.bench = bench
    self.port = port
    log = try DirtyPages(of: bench.guests[port].memory, offset: offset)
    before = contents
  }

  /// Begins or ends the logging.
  func set(_ isOn: Bool) throws {
    try bench.worker.log(
      port: port,
      in: isOn
        ? LogRequest(size: UInt64(log.size), offset: UInt64(log.offset), descriptor: log.descriptor) : nil)
  }

  private var contents: [[UInt8]] {
    guest.memory.regions.map { guest.memory.bytes($0.guestAddress, count: Int($0.size)) }
  }

  func begin() {
    _ = log.take()
    before = contents
  }

  /// Pages that are not as they were.
  private var changed: Set<Int> {
    var pages: Set<Int> = []
    for (index, region) in guest.memory.regions.enumerated() {
      // Regions begin and end with pages here.
      for offset in stride(from: 0, to: Int(region.size), by: DirtyPages.pageSize) {
        let now = guest.memory.pointer(region.guestAddress + UInt64(offset), count: DirtyPages.pageSize)
        let isSame = before[index].withUnsafeBytes { bytes in
          bytes.baseAddress.map { memcmp($0 + offset, now, DirtyPages.pageSize) == 0 } ?? false
        }
        if !isSame { pages.insert((Int(region.guestAddress) + offset) / DirtyPages.pageSize) }
      }
    }
    return pages
  }

  private static func pages(_ address: UInt64, _ size: Int) -> Set<Int> {
    size == 0 ? [] : Set(Int(address) / DirtyPages.pageSize...(Int(address) + size - 1) / DirtyPages.pageSize)
  }

  /// Pages that a device may write to: of the rings themselves, and of the buffers that it says it has written.
  private func allowed(_ used: [UsedChain]) -> Set<Int> {
    var pages: Set<Int> = []
    for ring in guest.rings {
      let area = ring.format == .split ? 6 + 8 * ring.size : 4
      pages.formUnion(Self.pages(ring.addresses.log, area))
      if ring.format == .packed { pages.formUnion(Self.pages(ring.descriptorTable, 16 * ring.size)) }
    }
    for chain in used {
      var left = Int(chain.length)
      for segment in chain.segments {
        let size = min(left, Int(segment.length))
        pages.formUnion(Self.pages(segment.address, size))
        left -= size
      }
    }
    return pages
  }

  /// Ends a step: what changed is marked, and what is marked may have changed.
  ///
  /// The buffers go back to the device.
  /// - Parameter isOn: the pages were logged in all of the step; otherwise none may be marked.
  /// - Returns: frames' buffers that were used.
  @discardableResult
  func end(_ what: Comment, isOn: Bool = true) throws -> Int {
    let (changed, marked) = (changed, log.take())
    var used: [UsedChain] = []
    for pair in 0..<guest.options.pairs { used += try guest.rings[2 * pair].collect() }
    if isOn {
      #expect(changed.subtracting(marked).isEmpty, what)
      #expect(marked.subtracting(allowed(used)).isEmpty, what)
    } else {
      #expect(marked.isEmpty, what)
    }
    #expect(log.strayBytes == 0, what)
    for chain in used { try guest.rings[0].add(chain.segments, isIndirect: guest.options.receivesIndirect) }
    guest.rings[0].publish()
    try guest.reclaim()
    return used.count
  }
}
