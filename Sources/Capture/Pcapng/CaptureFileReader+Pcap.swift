extension CaptureFileReader {
  /// Linux' PACKET_OUTGOING (`linux/if_packet.h`) in a modified record.
  private static let outgoing: UInt32 = 4

  /// The next record of a pcap file; nil if it is not there yet.
  ///
  /// Layout: seconds 4, micro- or nanoseconds 4, bytes kept 4, bytes of the frame 4, and of a modified file the bytes that
  /// `PcapForm` tells.
  mutating func nextRecord(_ form: PcapForm) throws(CaptureFileError) -> CaptureFileItem? {
    let head = form.isModified ? 24 : 16
    guard buffer.left >= head else { return nil }
    let count = Int(buffer.word(8))
    guard count <= Self.longestBlock else { throw .badBlock(offset: buffer.position) }
    guard buffer.left >= head + count else { return nil }
    var item = CaptureFilePacket()
    item.packet.timestamp =
      UInt64(buffer.word(0)) * 1_000_000_000 + UInt64(buffer.word(4)) * (form.hasNanoseconds ? 1 : 1000)
    item.packet.originalLength = Int(buffer.word(12))
    item.linkType = form.linkType
    if form.isModified {
      // The byte alone: it stands at the same place in both byte orders.
      let type = UInt32(buffer.bytes(22, 1).first ?? 0)
      item.packet.flags = type == Self.outgoing ? Pcapng.Flags.outbound : Pcapng.Flags.inbound
    }
    item.bytes = buffer.bytes(head, count)
    Self.removeCheck(form.checkSize, from: &item)
    buffer.drop(head + count)
    return .packet(item)
  }
}
