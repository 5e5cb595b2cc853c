/// Numbers of the pcapng format (draft-ietf-opsawg-pcapng).
package enum Pcapng {
  package enum Block {
    package static let section: UInt32 = 0x0A0D_0D0A
    package static let interface: UInt32 = 1
    package static let oldPacket: UInt32 = 2
    package static let simplePacket: UInt32 = 3
    package static let names: UInt32 = 4
    package static let statistics: UInt32 = 5
    package static let enhancedPacket: UInt32 = 6
  }

  package enum Option {
    package static let end: UInt16 = 0
    package static let comment: UInt16 = 1
    package static let sectionHardware: UInt16 = 2
    package static let sectionSystem: UInt16 = 3
    package static let sectionApplication: UInt16 = 4
    package static let interfaceName: UInt16 = 2
    package static let interfaceDescription: UInt16 = 3
    package static let interfaceAddress: UInt16 = 6
    package static let interfaceSpeed: UInt16 = 8
    package static let interfaceResolution: UInt16 = 9
    package static let interfaceFilter: UInt16 = 11
    package static let interfaceCheckSize: UInt16 = 13
    package static let interfaceOffset: UInt16 = 14
    package static let interfaceHardware: UInt16 = 15
    package static let packetFlags: UInt16 = 2
    package static let packetID: UInt16 = 5
    package static let packetQueue: UInt16 = 6
    package static let packetVerdict: UInt16 = 7
    package static let statisticsStart: UInt16 = 2
    package static let statisticsEnd: UInt16 = 3
    package static let statisticsReceived: UInt16 = 4
    package static let statisticsDropped: UInt16 = 5
    package static let statisticsAccepted: UInt16 = 6
    package static let statisticsSystemDropped: UInt16 = 7
    package static let statisticsDelivered: UInt16 = 8
  }

  /// Parts of `epb_flags`.
  package enum Flags {
    package static let inbound: UInt32 = 1
    package static let outbound: UInt32 = 2
    package static let unicast: UInt32 = 1 << 2
    package static let multicast: UInt32 = 2 << 2
    package static let broadcast: UInt32 = 3 << 2
    /// Bytes of the frame check sequence behind the frame; 0 = as the interface says.
    package static let checkSize: UInt32 = 15 << checkSizeShift
    static let checkSizeShift: UInt32 = 5
    package static let checksumNotReady: UInt32 = 1 << 9
    package static let segmentationOffloaded: UInt32 = 1 << 11
  }

  /// The record of an address and its names: `nrb_record_ipv4`, `nrb_record_ipv6`, `nrb_record_eui48`.
  static func nameRecord(addressSize: Int) -> UInt16? { [4: 1, 16: 2, 6: 3][addressSize] }
  /// Written first in a section, as this machine would; read the other way round in a file of the other byte order.
  static let byteOrderMagic: UInt32 = 0x1A2B_3C4D
  /// LINKTYPE_ETHERNET.
  package static let ethernet: UInt16 = 1
}

/// Bytes of pcapng blocks under construction, least significant byte first.
struct PcapngBytes {
  private(set) var bytes: [UInt8] = []
  /// Where the block that is under construction begins.
  private var start = 0

  var count: Int { bytes.count }

  /// Hands over all blocks and begins anew.
  mutating func take() -> [UInt8] {
    defer {
      bytes = []
      bytes.reserveCapacity(1 << 17)
    }
    return bytes
  }

  // Numbers.

  mutating func add(_ value: UInt8) { bytes.append(value) }

  mutating func add(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
  }

  mutating func add(_ value: UInt32) {
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value >> 16))
    bytes.append(UInt8(truncatingIfNeeded: value >> 24))
  }

  mutating func add(_ value: UInt64) {
    add(UInt32(truncatingIfNeeded: value))
    add(UInt32(truncatingIfNeeded: value >> 32))
  }

  /// A time in units of the interface's resolution: the upper half first.
  mutating func addTime(_ value: UInt64) {
    add(UInt32(truncatingIfNeeded: value >> 32))
    add(UInt32(truncatingIfNeeded: value))
  }

  mutating func add(_ value: [UInt8]) { bytes += value }

  /// Bytes, and zeros up to a multiple of four.
  mutating func addPadded(_ value: some Collection<UInt8>) {
    bytes.append(contentsOf: value)
    for _ in 0..<(4 - value.count & 3) & 3 { bytes.append(0) }
  }

  // Blocks.

  mutating func begin(_ type: UInt32) {
    start = bytes.count
    add(type)
    add(UInt32(0))
  }

  /// Completes a block whose body is a multiple of four bytes.
  mutating func finish() {
    let size = UInt32(truncatingIfNeeded: bytes.count - start + 4)
    add(size)
    for index in 0..<4 { bytes[start + 4 + index] = UInt8(truncatingIfNeeded: size >> UInt32(8 * index)) }
  }

  // Options.

  /// An option of at most 65535 bytes; what is longer is cut.
  mutating func addOption(_ code: UInt16, _ value: some Collection<UInt8>) {
    add(code)
    add(UInt16(clamping: value.count))
    if value.count <= 0xFFFF { addPadded(value) } else { addPadded(value.prefix(0xFFFF)) }
  }

  mutating func addOption(_ code: UInt16, _ text: String) { addOption(code, Array(text.utf8)) }

  mutating func addOption(_ code: UInt16, _ value: UInt32) {
    add(code)
    add(UInt16(4))
    add(value)
  }

  mutating func addOption(_ code: UInt16, _ value: UInt64) {
    add(code)
    add(UInt16(8))
    add(value)
  }

  mutating func addTimeOption(_ code: UInt16, _ value: UInt64) {
    add(code)
    add(UInt16(8))
    addTime(value)
  }

  mutating func endOptions() { add(UInt32(0)) }
}
