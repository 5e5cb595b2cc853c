import Frames

/// What a frame is to flows.
extension FrameView {
  /// It can be of a flow: all that tells one from another was seen.
  @inline(__always)
  var hasState: Bool {
    guard unseen.isEmpty, !form.contains(.later) else { return false }
    // TCP and UDP.
    if word & 0x198 << 40 != 0 { return true }
    return hasRareState
  }

  private var hasRareState: Bool {
    switch kind {
    case .icmp4, .icmp6: isEcho
    case .other4, .other6: true
    default: false
    }
  }

  /// It may be the first of a flow: no answer to an echo, and no end of a connection.
  var opensFlow: Bool {
    switch kind {
    case .icmp4, .icmp6: isEchoRequest
    case .tcp4, .tcp6: detail & 0x04 == 0
    default: true
    }
  }

  /// The packet that an ICMP error is about, if it was sent to or from who gets the message; nil = it cannot be seen.
  ///
  /// Of it the error has its IP header and at least 8 bytes more (RFC 792, RFC 4443 section 3).
  func quoted(_ bytes: HeaderBytes) -> FrameView? {
    let start = Int(transport) + 8
    guard transport != 0 else { return nil }
    var inner = FrameView()
    if form.contains(.version6) {
      inner.parseQuoted6(bytes, at: start)
    } else {
      inner.parseQuoted4(bytes, at: start)
    }
    guard inner.unseen.isEmpty, inner.transport != 0 else { return nil }
    // The message goes back to who sent the packet.
    let isTheirs =
      form.contains(.version6)
      ? destination == inner.source && destinationLow == inner.sourceLow
      : source >> 32 == inner.source & 0xFFFF_FFFF
    return isTheirs ? inner : nil
  }

  private mutating func parseQuoted4(_ bytes: HeaderBytes, at start: Int) {
    let header = Int(bytes[start] & 15) * 4
    unseen = .addresses
    guard start + 20 <= bytes.count, bytes[start] >> 4 == 4, header >= 20, bytes.half(start + 6) & 0x1FFF == 0
    else { return }
    unseen = []
    source = Self.memory(bytes, start + 12)
    parseQuotedTransport(bytes, bytes[start + 9], at: start + header)
  }

  private mutating func parseQuoted6(_ bytes: HeaderBytes, at start: Int) {
    form.insert(.version6)
    unseen = .addresses
    guard start + 40 <= bytes.count, bytes[start] >> 4 == 6 else { return }
    unseen = []
    (source, sourceLow) = (Self.memory(bytes, start + 8), Self.memory(bytes, start + 16))
    (destination, destinationLow) = (Self.memory(bytes, start + 24), Self.memory(bytes, start + 32))
    parseQuotedTransport(bytes, bytes[start + 6], at: start + 40)
  }

  /// Eight bytes of TCP, UDP or an echo.
  private mutating func parseQuotedTransport(_ bytes: HeaderBytes, _ number: UInt8, at start: Int) {
    guard start + 8 <= bytes.count else { return unseen = .ports }
    word = UInt64(number) << 32
    switch number {
    case Self.protocolTCP, Self.protocolUDP: word |= Self.memory(bytes, start, count: 4)
    case Self.protocolICMP, Self.protocolICMP6:
      detail = bytes[start]
      guard isEcho else { return unseen = .ports }
      let identifier = Self.memory(bytes, start + 4, count: 2)
      word |= identifier | identifier << 16
    default: return unseen = .ports
    }
    transport = UInt8(truncatingIfNeeded: start)
  }
}
