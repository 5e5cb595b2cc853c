internal import LinuxHost
internal import VhostUser

/// The mapped region of one front-end: made by the reactor, kept by the port while its rings run.
@safe
final class InflightMap: @unchecked Sendable {
  private let mapping: MemoryMapping
  private let region: InflightRegion

  init(_ region: InflightRegion) throws(SystemError) {
    self.region = region
    mapping = try MemoryMapping(
      descriptor: region.descriptor, fileOffset: region.fileOffset, size: region.size)
  }

  /// The file was cut and touched (SIGBUS); zeros stand in its place.
  var hasFaulted: Bool { mapping.hasFaulted }

  /// The part of a ring, and what is wrong with it; neither if the region has none for this ring.
  func record(ring: Int, size: Int, isPacked: Bool) -> (record: InflightRecord?, fault: RingFault?) {
    guard ring < region.ringCount else { return (nil, nil) }
    // Another format than when the region came needs more room, perhaps.
    let stride = InflightLayout(isPacked: isPacked).stride(entries: region.ringSize)
    guard size <= region.ringSize, region.size >= UInt64(stride * region.ringCount) else {
      return (nil, RingFault(.inflightTooSmall, seen: UInt64(size), limit: UInt64(region.ringSize)))
    }
    // SAFETY: the part ends within the mapping, by the sizes compared above; the offset in the file is a multiple of 64
    // bytes (`Session.check`), so all words are aligned.
    let record = unsafe InflightRecord(base: mapping.base + ring * stride)
    guard record.version <= InflightRecord.version else {
      return (nil, RingFault(.inflightVersion, seen: UInt64(record.version), limit: UInt64(InflightRecord.version)))
    }
    return (record, nil)
  }
}
