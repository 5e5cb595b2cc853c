import Frames

/// What tells a flow from others at a port, the same for both of its directions.
struct FlowKey: BitwiseCopyable, Equatable {
  /// Port of the node and of the other side; protocol from bit 32, VLAN from bit 40, in bit 52 that it is of IPv6, in bit 63
  /// that it is a key at all.
  var meta: UInt64
  /// Of IPv4 both addresses, the node's first; of IPv6 the upper half of the node's.
  var first: UInt64
  var second: UInt64
  var third: UInt64
  var fourth: UInt64

  /// - Parameter isFromNode: the frame's source is the node.
  @inline(__always)
  init(_ view: FrameView, vlan: UInt16, isFromNode: Bool) {
    let word = view.word
    let ports = isFromNode ? word & 0xFFFF_FFFF : (word & 0xFFFF) << 16 | word >> 16 & 0xFFFF
    let isVersion6 = view.form.contains(.version6)
    meta = ports | word & 0xFF_0000_0000 | UInt64(vlan & 0x0FFF) << 40 | 1 << 63
    if isVersion6 {
      meta |= 1 << 52
      (first, second) = isFromNode ? (view.source, view.sourceLow) : (view.destination, view.destinationLow)
      (third, fourth) = isFromNode ? (view.destination, view.destinationLow) : (view.source, view.sourceLow)
    } else {
      first = isFromNode ? view.source : view.source << 32 | view.source >> 32
      (second, third, fourth) = (0, 0, 0)
    }
  }

  /// Of TCP or UDP over IPv4, whose words are at hand.
  @inline(__always)
  init(_ words: PlainWords, vlan: UInt16, isFromNode: Bool) {
    let (word, addresses) = (words.word, words.addresses)
    let ports = isFromNode ? word & 0xFFFF_FFFF : (word & 0xFFFF) << 16 | word >> 16 & 0xFFFF
    meta = ports | word & 0xFF_0000_0000 | UInt64(vlan & 0x0FFF) << 40 | 1 << 63
    first = isFromNode ? addresses : addresses << 32 | addresses >> 32
    (second, third, fourth) = (0, 0, 0)
  }

  init(meta: UInt64, _ addresses: (UInt64, UInt64, UInt64, UInt64)) {
    self.meta = meta
    (first, second, third, fourth) = addresses
  }

  @inline(__always) var isVersion6: Bool { meta & 1 << 52 != 0 }
  var proto: UInt8 { UInt8(truncatingIfNeeded: meta >> 32) }

  @inline(__always)
  func isLike(_ other: FlowKey) -> Bool {
    (meta ^ other.meta) | (first ^ other.first) | (second ^ other.second) | (third ^ other.third)
      | (fourth ^ other.fourth) == 0
  }
}

/// A flow that is remembered.
struct FlowEntry: BitwiseCopyable {
  var key = FlowKey(meta: 0, (0, 0, 0, 0))
  /// When its last frame came, in seconds.
  var lastSeen: UInt32 = 0
  /// Seconds that it counts after that.
  var lifetime: UInt32 = 0
  /// The rule that let it through, in the direction that it was opened in; 0xFFFF = there is no list.
  var rule: UInt16 = 0xFFFF
  /// The node has opened it.
  var isFromNode = false
  /// The other side has answered.
  var isAnswered = false
  /// TCP's FIN was seen, or its RST.
  var isClosing = false
  var isReset = false

  @inline(__always) var isFree: Bool { key.meta == 0 }

  @inline(__always)
  func isOver(_ tick: UInt32) -> Bool { tick &- lastSeen > lifetime && tick > lastSeen }

  /// What a frame does to its flow, which is known.
  ///
  /// - Parameter isForward: it goes the way that the flow was opened in.
  /// - Returns: false if it is none of the flow's: what answers does not open, and what opens does not answer.
  @inline(__always)
  mutating func take(_ view: FrameView, isForward: Bool, _ tick: UInt32) -> Bool {
    if view.word & 0xFF_0000_0000 == UInt64(FrameView.protocolTCP) << 32 {
      // FIN, SYN, RST; most frames have none.
      if view.detail & 0x07 != 0 || isReset || (!isForward && !isAnswered) {
        guard takeSignal(view.detail, isForward: isForward) else { return false }
      }
      if isReset { return true }
    } else {
      guard !isEcho || view.isEchoRequest == isForward else { return false }
      if !isForward { isAnswered = true }
    }
    lastSeen = tick
    return true
  }

  /// A frame that is judged by its words changes no more than the time: TCP without FIN, SYN and RST, or UDP.
  @inline(__always)
  func isPlain(_ words: PlainWords, isForward: Bool) -> Bool {
    guard isForward || isAnswered else { return false }
    return key.meta & 0xFF_0000_0000 != UInt64(FrameView.protocolTCP) << 32 || (words.flags & 0x07 == 0 && !isReset)
  }

  private var isEcho: Bool {
    key.proto == (key.isVersion6 ? FrameView.protocolICMP6 : FrameView.protocolICMP)
  }

  /// A TCP segment with a flag that matters, or the first answer.
  @inline(never)
  private mutating func takeSignal(_ flags: UInt8, isForward: Bool) -> Bool {
    let (fin, syn, rst, ack) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0, flags & 16 != 0)
    if syn, !ack {
      guard isForward else { return false }
      // The same ports again, for another connection.
      if isClosing || isReset { (isAnswered, isClosing, isReset) = (false, false, false) }
    }
    if !isForward, !rst { isAnswered = true }
    if fin { isClosing = true }
    if rst { (isClosing, isReset) = (true, true) }
    lifetime = isClosing || !isAnswered ? FlowStates.Lifetime.short : FlowStates.Lifetime.established
    return true
  }

  /// A flow that a frame opens.
  init(_ view: FrameView, _ key: FlowKey, rule: UInt16, isFromNode: Bool, _ tick: UInt32) {
    self.init()
    (self.key, self.rule, self.isFromNode, lastSeen) = (key, rule, isFromNode, tick)
    lifetime = isEcho ? FlowStates.Lifetime.echo : FlowStates.Lifetime.short
    guard view.proto == FrameView.protocolTCP else { return }
    isClosing = view.detail & 0x05 != 0
    isReset = view.detail & 0x04 != 0
  }

  init() {}
}
