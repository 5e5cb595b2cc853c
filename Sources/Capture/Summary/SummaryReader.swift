/// A frame of a capture, in words.
package struct SummarizedFrame: Sendable, Equatable {
  /// Nanoseconds since 1970.
  package var time: UInt64
  /// Name of the port; `?` if the capture does not say.
  package var interface: String
  /// From the node into the switch.
  package var isInbound: Bool
  package var summary: FrameSummary
  /// Such as `dropped: no-buffer`; nil = nothing.
  package var comment: String?

  init(_ item: CaptureFilePacket) {
    time = item.packet.timestamp
    interface = item.interfaceName.isEmpty ? "?" : item.interfaceName
    isInbound = (item.packet.flags ?? 0) & 3 != Pcapng.Flags.outbound
    summary = FrameSummary(item.bytes, length: item.packet.originalLength)
    comment = item.packet.comment
  }
}

/// Reads a capture as its frames in words, wherever its pieces end.
package struct SummaryReader: Sendable {
  private var reader = CaptureFileReader()

  package init() {}

  /// Takes the next piece in.
  package mutating func append(_ bytes: [UInt8]) { reader.append(bytes) }

  /// The next frame; nil if more bytes are needed.
  /// - Throws: for bytes that are no capture.
  package mutating func next() throws(CaptureFileError) -> SummarizedFrame? {
    while let item = try reader.next() {
      if case .packet(let packet) = item { return SummarizedFrame(packet) }
    }
    return nil
  }
}
