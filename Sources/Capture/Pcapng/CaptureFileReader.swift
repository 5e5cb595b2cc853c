/// A frame read from a capture file.
package struct CaptureFilePacket: Sendable, Equatable {
  /// As in the file; the times in nanoseconds, whatever they were there, and without the frame check sequence.
  package var packet = PcapngPacket()
  package var bytes: [UInt8] = []
  /// Name of its interface; empty if the file has none.
  package var interfaceName = ""
  /// LINKTYPE_*; 1 = Ethernet.
  package var linkType: UInt16 = 0
  /// The file says when it was; false for simple packet blocks.
  package var hasTime = true
  package init() {}
}

/// Something read from a capture file.
package enum CaptureFileItem: Sendable, Equatable {
  /// The next interface of the section; the first is number 0.
  case interface(PcapngInterface)
  case packet(CaptureFilePacket)
  case statistics(PcapngStatistics)
}

/// Reads pcapng and pcap, from bytes in pieces of any size.
///
/// Both byte orders, several sections, packet blocks of all three kinds; times of any resolution become nanoseconds; frame
/// check sequences, where the file says that there are any, are taken off. Blocks of other kinds are passed over. Bytes
/// are whatever somebody put into a file: nothing of them is believed before it was compared with what is there, and a
/// block is `longestBlock` bytes at most.
package struct CaptureFileReader: Sendable {
  /// Bytes of a block that is read; a longer one is damage.
  package static let longestBlock = 16 << 20
  /// Interfaces of a section.
  static let mostInterfaces = 65_536

  enum Form: Sendable {
    case unknown
    case pcapng
    case pcap(PcapForm)
  }

  /// What the head of a pcap file says of its records.
  struct PcapForm: Sendable {
    var hasNanoseconds: Bool
    /// Records have eight more bytes before the frame: interface 4, protocol 2, direction 1, unused 1.
    var isModified: Bool
    var linkType: UInt16
    /// Bytes at a frame's end that are its check sequence.
    var checkSize: Int
  }

  var buffer = FileBytes()
  private var form = Form.unknown
  var interfaces: [InterfaceTraits] = []

  /// What a packet needs of its interface.
  struct InterfaceTraits: Sendable {
    var name = ""
    var linkType: UInt16
    var snapLength: UInt32
    /// Bytes at a frame's end that are its check sequence, unless the packet says otherwise (`if_fcslen`).
    var checkSize = 0
    var resolution = PcapngResolution()
  }

  /// First words of pcap files; the last is that of Kuznetzov's libpcap, which some firewalls still write.
  private static let microseconds: UInt32 = 0xA1B2_C3D4
  private static let nanoseconds: UInt32 = 0xA1B2_3C4D
  private static let modified: UInt32 = 0xA1B2_CD34

  package init() {}

  /// Takes in what comes next in the file.
  package mutating func append(_ bytes: [UInt8]) { buffer.append(bytes) }

  /// To be asked when the file is at its end: whether it ends where a block does.
  package func finish() throws(CaptureFileError) {
    guard buffer.left == 0 else {
      if case .unknown = form { throw .notACapture }
      throw .cutShort
    }
  }

  /// The next thing in the file; nil if more bytes are needed.
  package mutating func next() throws(CaptureFileError) -> CaptureFileItem? {
    if case .unknown = form {
      guard try findForm() else { return nil }
    }
    switch form {
    case .unknown: return nil
    case .pcap(let form): return try nextRecord(form)
    case .pcapng: return try nextBlock()
    }
  }

  /// Takes the check sequence off the end of a frame of which the file has all or the first bytes.
  static func removeCheck(_ size: Int, from item: inout CaptureFilePacket) {
    guard size > 0 else { return }
    item.packet.originalLength = max(0, item.packet.originalLength - size)
    if item.bytes.count > item.packet.originalLength {
      item.bytes.removeLast(item.bytes.count - item.packet.originalLength)
    }
  }

  /// Looks at the first word; false if it is not there yet.
  private mutating func findForm() throws(CaptureFileError) -> Bool {
    guard buffer.left >= 4 else { return false }
    if buffer.word(0) == Pcapng.Block.section {
      form = .pcapng
      return true
    }
    for isBig in [false, true] {
      buffer.isBig = isBig
      let magic = buffer.word(0)
      guard [Self.microseconds, Self.nanoseconds, Self.modified].contains(magic) else { continue }
      guard buffer.left >= 24 else { return false }
      let link = buffer.word(20)
      form = .pcap(
        PcapForm(
          hasNanoseconds: magic == Self.nanoseconds, isModified: magic == Self.modified,
          linkType: UInt16(truncatingIfNeeded: link),
          // Bit 26: the upper four bits say how long frame check sequences are, in units of two bytes.
          checkSize: link & 1 << 26 != 0 ? Int(link >> 28) * 2 : 0))
      buffer.drop(24)
      return true
    }
    throw .notACapture
  }
}
