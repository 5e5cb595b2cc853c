/// Why a capture file cannot be read on.
package enum CaptureFileError: Error, Sendable, Equatable, CustomStringConvertible {
  case notACapture
  /// A block or record that cannot be, `offset` bytes from the start.
  case badBlock(offset: UInt64)
  /// A frame of an interface that was not described.
  case unknownInterface(UInt32, offset: UInt64)
  /// The file ends in the middle of something.
  case cutShort

  package var description: String {
    switch self {
    case .notACapture: "not a capture file: neither pcapng nor pcap"
    case .badBlock(let offset): "the capture file is damaged at byte \(offset)"
    case .unknownInterface(let number, let offset):
      "the capture file has a frame of interface \(number), which it does not describe, at byte \(offset)"
    case .cutShort: "the capture file is cut short in the middle of a block"
    }
  }
}
