import LinuxHost
import VhostUser

/// A region that a front-end keeps for the back-end that follows (vhost-user, "Inflight I/O tracking").
package struct InflightKeeper: Sendable {
  package var size: UInt64
  package var fileOffset: UInt64 = 0
  package var ringCount: Int
  package var ringSize: Int
  package var file: Descriptor

  package init(size: UInt64, fileOffset: UInt64 = 0, ringCount: Int, ringSize: Int, file: Descriptor) {
    self.size = size
    self.fileOffset = fileOffset
    self.ringCount = ringCount
    self.ringSize = ringSize
    self.file = file
  }

  /// Both numbers as one word of the message.
  fileprivate var numbers: [UInt8] { words32(UInt32(ringCount) | UInt32(ringSize) << 16) }
}

extension FrontEnd {
  /// GET_INFLIGHT_FD.
  ///
  /// - Parameter isPadded: the message is as long as QEMU's, 24 bytes; otherwise 20.
  package func getInflight(ringCount: Int, ringSize: Int, isPadded: Bool = true) throws -> InflightKeeper {
    let numbers = words32(UInt32(ringCount) | UInt32(ringSize) << 16) + (isPadded ? words32(0) : [])
    let reply = try ask(.getInflightDescriptor, payload: words64(0, 0) + numbers)
    let files = transport.takeDescriptors()
    guard reply.count == 16 + numbers.count, reply.suffix(numbers.count) == numbers, files.count == 1 else {
      throw GuestKitError.badReply("\(reply) with \(files.count) descriptors for a region")
    }
    let words = WireReader(reply)
    return InflightKeeper(
      size: words.u64(0), fileOffset: words.u64(8), ringCount: ringCount, ringSize: ringSize, file: files[0])
  }

  /// SET_INFLIGHT_FD.
  package func setInflight(_ region: InflightKeeper, isPadded: Bool = true) throws {
    try tell(
      .setInflightDescriptor,
      payload: words64(region.size, region.fileOffset) + region.numbers + (isPadded ? words32(0) : []),
      descriptors: [region.file])
  }
}
