import Frames
import GuestKit
import TestSupport

@testable import Dataplane

/// Frames and rules of all sorts, drawn from few values, so that they often meet.
struct RandomFrames {
  var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  private static let ports: [UInt16] = [22, 53, 67, 68, 80, 443, 546, 547, 5000, 65535]

  private mutating func address4() -> [UInt8] { [10, UInt8(below(2)), 0, UInt8(1 + below(3))] }
  private mutating func address6() -> [UInt8] {
    [0x20, 1, 0x0D, 0xB8, 0, 0, 0, UInt8(below(2))] + [UInt8](repeating: 0, count: 7) + [UInt8(1 + below(3))]
  }

  private func big(_ value: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
  }

  /// TCP, UDP, ICMP or something else, as it lies behind IP.
  private mutating func transport(_ isVersion6: Bool) -> (number: UInt8, bytes: [UInt8]) {
    let ports = big(Int(pick(Self.ports))) + big(Int(pick(Self.ports)))
    switch below(6) {
    case 0, 1: return (6, ports + [0, 0, 0, 1, 0, 0, 0, 2, 0x50, UInt8(below(64)), 0xFF, 0xFF, 0, 0, 0, 0])
    case 2, 3: return (17, ports + [0, 16, 0, 0] + [UInt8](repeating: 7, count: 8))
    case 4:
      let types: [UInt8] = isVersion6 ? [1, 128, 129, 133, 134, 135, 136, 137, 143] : [0, 3, 8, 11]
      return (
        isVersion6 ? 58 : 1, [pick(types), UInt8(below(8) / 7), 0, 0, 0, 1, 0, 2] + [UInt8](repeating: 9, count: 24)
      )
    default: return (pick([47, 50, 58, 1, 41, 59]), [UInt8](repeating: 5, count: 24))
    }
  }

  /// An IPv4 packet, now and then a fragment, with options, or one that says wrong lengths.
  private mutating func packet4() -> [UInt8] {
    let (number, bytes) = transport(false)
    let options = below(4) == 0 ? [UInt8](repeating: 1, count: 4 * below(11)) : []
    let offset = below(5) == 0 ? pick([0x2000, 1, 2, 185, 0x2001]) : 0x4000
    var header: [UInt8] = [UInt8(0x45 + options.count / 4), 0]
    header += big(20 + options.count + bytes.count) + [0, 1] + big(offset) + [64, number, 0, 0]
    var packet = header + address4() + address4() + options + bytes
    if below(20) == 0 { packet[pick([0, 2, 3])] = UInt8(truncatingIfNeeded: below(256)) }
    return packet
  }

  /// An IPv6 packet, now and then with extension headers.
  private mutating func packet6() -> [UInt8] {
    let (number, bytes) = transport(true)
    var (next, chain) = (number, bytes)
    for _ in 0..<(below(3) == 0 ? 1 + below(10) : 0) {
      let kind = pick([0, 43, 44, 51, 60, 60, 44] as [UInt8])
      switch kind {
      case 44: chain = [next, 0] + big(pick([0, 1, 8, 9, 1480])) + [0, 0, 0, 7] + chain
      case 51: chain = [next, 4] + [UInt8](repeating: 3, count: 22) + chain
      default:
        let size = pick([0, 0, 1, 3])
        chain = [next, UInt8(size)] + [UInt8](repeating: 0, count: 6 + 8 * size) + chain
      }
      next = kind
    }
    var packet = [0x60, 0, 0, 0] + big(chain.count) + [next, pick([255, 64])] + address6() + address6() + chain
    if below(20) == 0 { packet[pick([0, 4, 5])] = UInt8(truncatingIfNeeded: below(256)) }
    return packet
  }

  private mutating func packetARP() -> [UInt8] {
    var bytes = [0, 1, 8, 0, 6, 4, 0, UInt8(1 + below(2))] + FrameBuilder.station(1 + below(3)) + address4()
    bytes += FrameBuilder.station(1 + below(3)) + address4()
    if below(8) == 0 { bytes[below(6)] ^= 1 }
    return bytes
  }

  /// A frame, now and then with tags, or cut off anywhere.
  mutating func frame() -> [UInt8] {
    let tags = (0..<(below(3) == 0 ? 1 + below(3) : 0)).map { _ in
      FrameBuilder.Tag(UInt16(1 + below(3)), type: pick([0x8100, 0x88A8]))
    }
    let builder = FrameBuilder(
      to: FrameBuilder.station(2), from: FrameBuilder.station(1 + below(3)), tags: tags)
    var bytes: [UInt8]
    switch below(8) {
    case 0: bytes = builder.frame(type: pick([0x0806, 0x0806, 0x8035]), payload: packetARP())
    case 1, 2, 3: bytes = builder.frame(type: 0x0800, payload: packet4())
    case 4, 5, 6: bytes = builder.frame(type: 0x86DD, payload: packet6())
    default: bytes = builder.frame(type: pick([0x88B5, 0x8847]), payload: [UInt8](repeating: 1, count: 46))
    }
    if below(6) == 0 { return Array(bytes.prefix(14 + below(max(bytes.count - 14, 1)))) }
    if below(4) == 0 { bytes += [UInt8](repeating: 0, count: below(300)) }
    return bytes
  }

  private mutating func range() -> AddressRange? {
    switch below(4) {
    case 0:
      let bytes = address4().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return AddressRange(ipv4: bytes, length: pick([0, 8, 16, 31, 32]))
    case 1:
      let words = address6().enumerated().reduce(into: (UInt64(0), UInt64(0))) { words, item in
        if item.offset < 8 {
          words.0 = words.0 << 8 | UInt64(item.element)
        } else {
          words.1 = words.1 << 8 | UInt64(item.element)
        }
      }
      return AddressRange(ipv6: words.0, words.1, length: pick([0, 32, 64, 127, 128]))
    default: return nil
    }
  }

  private mutating func portRanges() -> [ClosedRange<UInt16>] {
    guard below(3) == 0 else { return [] }
    return (0..<(1 + below(3))).map { _ in
      let ports = [pick(Self.ports), below(2) == 0 ? pick(Self.ports) : 0]
      return ports[1] > ports[0] ? ports[0]...ports[1] : ports[0]...ports[0]
    }
  }

  /// A rule that can be.
  mutating func rule() -> AccessRule {
    while true {
      let number = pick([1, 6, 17, 47, 58, 59] as [UInt8])
      var rule = AccessRule(
        below(2) == 0 ? .allow : .deny, pick([.any, .arp, .ip, .ipv6, .tcp, .tcp, .udp, .udp, .icmp, .number(number)]),
        from: range(), to: range(), ports: portRanges(), fromPorts: below(3) == 0 ? portRanges() : [])
      if below(8) == 0 { rule.mac = FrameBuilder.address(1 + below(3)) }
      if below(10) == 0 { rule.etherType = pick([0x0800, 0x86DD, 0x0806, 0x88B5]) }
      if rule.problem == nil { return rule }
    }
  }
}
