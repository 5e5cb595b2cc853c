import GuestKit
import LinuxHost

/// Rings word by word, for headers of any size, chains of any layout, and drivers that break the rules.
extension VirtualGuest {
  /// Says something by messages, and waits until the device has acted upon it.
  func say(_ body: (FrontEnd) throws -> Void) throws {
    guard let frontEnd else { throw GuestKitError.closed }
    try body(frontEnd)
    try frontEnd.barrier()
  }

  /// Transmits bytes as they are: header and frame together, in descriptors of these sizes; the last takes the rest.
  func sendRaw(_ bytes: [UInt8], pieces: [Int] = [], pair: Int = 0) throws {
    let buffer = memory.allocate(max(bytes.count, 1), alignment: 1)
    memory.write(bytes, at: buffer)
    var segments: [RingSegment] = []
    var position = 0
    for piece in pieces + [bytes.count] {
      let count = min(piece, bytes.count - position)
      segments.append(.init(buffer + UInt64(position), count, isWritable: false))
      position += count
    }
    try transmitRing(pair).submit(segments)
  }

  func transmitRing(_ pair: Int = 0) -> any RingDriver { rings[2 * pair + 1] }
  func receiveRing(_ pair: Int = 0) -> any RingDriver { rings[2 * pair] }

  /// All bytes of the next used receive chain, header included; nil if none comes.
  func receiveRaw(timeout milliseconds: Int = 10_000) throws -> [UInt8]? {
    let ring = receiveRing()
    guard ring.waitForUsed(until: Deadline(milliseconds: milliseconds)) else { return nil }
    guard let used = try ring.collect(atMost: 1).first else { return nil }
    return try contents(used)
  }

  /// Breaks the transmit ring by a buffer that is nowhere; the fault is `brokenRing`.
  func breakTransmitRing() {
    offerRaw([RawDescriptor(slot: 0, address: 0x1000, length: 112)], ring: transmitRing())
  }

  static let brokenRing = "ring 1: buffer of 112 bytes at 0x1000 is outside guest memory"

  /// Writes a chain of descriptors without any check, and makes it available.
  func offerRaw(_ descriptors: [RawDescriptor], ring: any RingDriver, id: UInt16? = nil) {
    ring.offer(descriptors, id: id)
    ring.publish()
    ring.kick()
  }
}
