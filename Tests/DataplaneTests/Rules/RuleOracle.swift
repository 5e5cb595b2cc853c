import Dataplane
import Frames

/// A slow plain model of access lists: reads a frame field by field, nil where it cannot be seen, and asks each rule in turn.
struct RuleOracle {
  /// What is known of a frame.
  struct Seen {
    var etherType: UInt16?
    var isIPv6 = false
    var isARP = false
    /// Sources and destinations as bytes.
    var from: [UInt8]?
    var to: [UInt8]?
    var proto: UInt8?
    var ports: (from: UInt16, to: UInt16)?
    var isOverlapping = false
    var mac: [UInt8] = []
    /// What a node needs.
    var isNeighbours = false
    var isDHCP = false
    /// May be one of those, as far as it can be seen.
    var mayBeNeeded = false
  }

  /// Nil = the default; otherwise the number of the rule, or -1 for a frame that is needed.
  static func decide(_ rules: [AccessRule], _ frame: [UInt8]) -> (rule: Int?, allows: Bool) {
    let seen = look(Array(frame.prefix(256)))
    if seen.isOverlapping { return (nil, false) }
    for (number, rule) in rules.enumerated() {
      let verdict = fits(rule, seen)
      if rule.verdict == .allow, verdict == true { return (number, true) }
      if rule.verdict == .deny, verdict != false { return (number, false) }
    }
    return seen.isARP || seen.isNeighbours || seen.isDHCP ? (-1, true) : (nil, false)
  }

  /// Nil = it cannot be said.
  private static func fits(_ rule: AccessRule, _ seen: Seen) -> Bool? {
    let answers = [
      traffic(rule, seen), address(rule.from, seen.from, seen), address(rule.to, seen.to, seen), ports(rule, seen),
      rule.mac.map { $0.bytes == seen.mac } ?? true,
      rule.etherType.map { wanted in seen.etherType.map { $0 == wanted } } ?? true,
    ]
    if answers.contains(false) { return false }
    return answers.contains(nil) ? nil : true
  }

  private static func traffic(_ rule: AccessRule, _ seen: Seen) -> Bool? {
    let ports = !rule.ports.isEmpty || !rule.fromPorts.isEmpty
    var proto: UInt8?
    switch rule.traffic {
    case .any:
      let namesARP = rule.etherType == 0x0806 || rule.etherType == 0x8035
      if seen.isNeighbours || seen.isDHCP || (seen.isARP && !namesARP) { return false }
      if let range = rule.from ?? rule.to {
        guard let type = seen.etherType else { return nil }
        return type == (range.isIPv6 ? 0x86DD : 0x0800) || (namesARP && seen.isARP && !range.isIPv6)
      }
      return seen.mayBeNeeded && rule.verdict == .deny ? true : true
    case .arp: return seen.etherType == nil ? nil : seen.isARP
    case .ip, .ipv6:
      if seen.isNeighbours || seen.isDHCP { return false }
      return seen.etherType.map { $0 == (rule.traffic == .ip ? 0x0800 : 0x86DD) }
    case .tcp: proto = 6
    case .udp: proto = 17
    case .icmp: proto = nil
    case .number(let number): proto = number
    }
    guard let type = seen.etherType else { return nil }
    guard type == 0x0800 || type == 0x86DD else { return false }
    if seen.isDHCP, !(proto == 17 && ports) { return false }
    if seen.isNeighbours, proto != 58 { return false }
    guard let own = seen.proto else { return nil }
    return own == (proto ?? (seen.isIPv6 ? 58 : 1))
  }

  private static func address(_ range: AddressRange?, _ bytes: [UInt8]?, _ seen: Seen) -> Bool? {
    guard let range else { return true }
    guard let type = seen.etherType else { return nil }
    guard seen.isARP || type == 0x0800 || type == 0x86DD else { return false }
    guard seen.isIPv6 == range.isIPv6 else { return false }
    guard let bytes else { return range.length == 0 ? true : nil }
    var whole: [UInt8] = []
    for place in 0..<4 where !range.isIPv6 {
      whole.append(UInt8(truncatingIfNeeded: range.low >> UInt64(24 - 8 * place)))
    }
    for word in [range.high, range.low] where range.isIPv6 {
      for place in 0..<8 { whole.append(UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * place))) }
    }
    for bit in 0..<range.length where (bytes[bit / 8] ^ whole[bit / 8]) & (0x80 >> UInt8(bit % 8)) != 0 { return false }
    return true
  }

  private static func ports(_ rule: AccessRule, _ seen: Seen) -> Bool? {
    guard !rule.ports.isEmpty || !rule.fromPorts.isEmpty else { return true }
    guard let ports = seen.ports else { return nil }
    let to = rule.ports.isEmpty || rule.ports.contains { $0.contains(ports.to) }
    return to && (rule.fromPorts.isEmpty || rule.fromPorts.contains { $0.contains(ports.from) })
  }

  // Reading.

  static func look(_ frame: [UInt8]) -> Seen {
    var seen = Seen()
    seen.mac = Array(frame[6..<12])
    var place = 12
    func half(_ place: Int) -> UInt16? {
      place + 2 <= frame.count ? UInt16(frame[place]) << 8 | UInt16(frame[place + 1]) : nil
    }
    var tags = 0
    var type = half(place)
    while type == 0x8100 || type == 0x88A8 {
      tags += 1
      place += 4
      type = tags <= 2 ? half(place) : nil
    }
    seen.etherType = type
    let start = place + 2
    switch type {
    case nil: seen.mayBeNeeded = true
    case 0x0806, 0x8035:
      seen.isARP = true
      let isUsual = half(start) == 1 && half(start + 2) == 0x0800 && half(start + 4) == 0x0604
      if isUsual, start + 28 <= frame.count {
        (seen.from, seen.to) = (Array(frame[(start + 14)..<(start + 18)]), Array(frame[(start + 24)..<(start + 28)]))
      }
    case 0x0800: look4(frame, start, &seen)
    case 0x86DD: look6(frame, start, &seen)
    default: break
    }
    return seen
  }

  private static func look4(_ frame: [UInt8], _ start: Int, _ seen: inout Seen) {
    guard start + 20 <= frame.count, frame[start] >> 4 == 4, frame[start] & 15 >= 5 else { return }
    (seen.from, seen.to) = (Array(frame[(start + 12)..<(start + 16)]), Array(frame[(start + 16)..<(start + 20)]))
    seen.proto = frame[start + 9]
    let offset = Int(frame[start + 6] & 0x1F) << 8 | Int(frame[start + 7])
    if offset == 1, seen.proto == 6 { seen.isOverlapping = true }
    let end = start + (Int(frame[start + 2]) << 8 | Int(frame[start + 3]))
    guard offset == 0 else { return }
    lookTransport(frame, start + 4 * Int(frame[start] & 15), end, isPart: frame[start + 6] & 0x20 != 0, &seen)
  }

  private static func look6(_ frame: [UInt8], _ start: Int, _ seen: inout Seen) {
    seen.isIPv6 = true
    guard start + 40 <= frame.count, frame[start] >> 4 == 6 else { return }
    (seen.from, seen.to) = (Array(frame[(start + 8)..<(start + 24)]), Array(frame[(start + 24)..<(start + 40)]))
    let end = start + 40 + (Int(frame[start + 4]) << 8 | Int(frame[start + 5]))
    var (next, place, isPart, offset) = (frame[start + 6], start + 40, false, 0)
    var count = 0
    while [0, 43, 44, 51, 60, 135, 139, 140].contains(next) {
      count += 1
      guard offset == 0, count <= 8, place + 8 <= frame.count, place + 8 <= end else { return }
      let following = frame[place]
      if next == 44 {
        offset = Int(frame[place + 2]) << 8 | Int(frame[place + 3] & 0xF8)
        isPart = isPart || offset != 0 || frame[place + 3] & 1 != 0
        if offset == 8, following == 6 { seen.isOverlapping = true }
        place += 8
      } else {
        place += next == 51 ? 4 * (Int(frame[place + 1]) + 2) : 8 * (Int(frame[place + 1]) + 1)
      }
      next = following
    }
    seen.proto = next
    guard offset == 0 else { return }
    lookTransport(frame, place, end, isPart: isPart, &seen, hops: frame[start + 7])
  }

  private static func lookTransport(
    _ frame: [UInt8], _ start: Int, _ end: Int, isPart: Bool, _ seen: inout Seen, hops: UInt8 = 0
  ) {
    let least = [6: 14, 17: 8, 1: 8, 58: 8][seen.proto ?? 0] ?? 0
    guard start + least <= min(frame.count, end), least > 0 else { return }
    if seen.proto == 6 || seen.proto == 17 {
      let ports = (
        from: UInt16(frame[start]) << 8 | UInt16(frame[start + 1]),
        to: UInt16(frame[start + 2]) << 8 | UInt16(frame[start + 3])
      )
      seen.ports = ports
      let own: ClosedRange<UInt16> = seen.isIPv6 ? 546...547 : 67...68
      seen.isDHCP = seen.proto == 17 && own.contains(ports.from) && own.contains(ports.to)
    } else if seen.proto == 58, seen.isIPv6 {
      seen.isNeighbours = (133...137).contains(frame[start]) && frame[start + 1] == 0 && hops == 255 && !isPart
    }
  }
}
