import Frames
import Lab
import Topology

/// The packet of a frame that somebody writes on a command line, in the words of access lists:
/// `from=10.0.0.1 to=10.0.0.2 proto=tcp port=80`.
struct PacketText {
  static let keys = ["from", "to", "proto", "port", "from-port"]

  /// A source port that nobody said.
  private static let usualPort = 40_000
  private static let numbers = ["icmp": 1, "tcp": 6, "udp": 17]

  private let isIPv6: Bool
  private let from: [UInt8]
  private let to: [UInt8]
  private let number: Int
  private let ports: [Int]

  var type: Int { isIPv6 ? 0x86DD : 0x0800 }

  /// Nil where no word of a packet is there.
  /// - Throws: `UserError`: the word that is wrong or missing.
  init?(_ values: [String: String]) throws(UserError) {
    guard Self.keys.contains(where: { values[$0] != nil }) else { return nil }
    if values["type"] != nil { throw UserError(.badInput, "\"type\" follows from the addresses, \"from\" and \"to\"") }
    let (source, destination) = (try Self.address(values, "from"), try Self.address(values, "to"))
    guard source.isIPv6 == destination.isIPv6 else {
      throw UserError(.badInput, "\"from\" and \"to\" are of different versions of IP")
    }
    isIPv6 = source.isIPv6
    (from, to) = (Self.bytes(source), Self.bytes(destination))
    let word = values["proto"] ?? (values["port"] ?? values["from-port"] == nil ? "icmp" : "tcp")
    guard let known = Self.numbers[word] ?? Int(word), (0...255).contains(known) else {
      throw UserError(.badInput, "proto=\"\(word)\" is none of icmp, tcp, udp, nor a number from 0 to 255")
    }
    number = known == 1 && isIPv6 && word == "icmp" ? 58 : known
    let hasPorts = [6, 17].contains(number)
    if let key = ["port", "from-port"].first(where: { values[$0] != nil }), !hasPorts {
      throw UserError(.badInput, "\"\(key)\" is of tcp and udp, and proto is \(word)")
    }
    ports = [
      try Self.port(values["from-port"], "from-port", or: Self.usualPort),
      try Self.port(values["port"], "port", or: 80),
    ]
  }

  private static func address(_ values: [String: String], _ key: String) throws(UserError) -> AddressRange {
    guard let text = values[key] else {
      throw UserError(
        .badInput, "a packet needs \"from\" and \"to\"", hint: "from=10.0.0.1 to=10.0.0.2 proto=tcp port=80")
    }
    guard !text.contains("/"), let block = AddressBlock(text) else {
      throw UserError(.badInput, "\(key)=\"\(text)\" is no address of IPv4 or IPv6")
    }
    return block.range
  }

  private static func port(_ text: String?, _ key: String, or usual: Int) throws(UserError) -> Int {
    guard let text else { return usual }
    guard let port = Int(text), (0...65_535).contains(port) else {
      throw UserError(.badInput, "\(key)=\"\(text)\" is not in 0..65535")
    }
    return port
  }

  // MARK: - Bytes

  private static func bytes(_ address: AddressRange) -> [UInt8] {
    address.isIPv6 ? big(address.high, 8) + big(address.low, 8) : big(address.low, 4)
  }

  private static func big(_ value: UInt64, _ count: Int) -> [UInt8] {
    (1...count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - $0))) }
  }

  private static func big(_ value: Int, _ count: Int) -> [UInt8] { big(UInt64(max(value, 0)), count) }

  /// A SYN, an empty datagram or an echo request, and nothing of another protocol.
  ///
  /// Sums of what is in IP are left at 0.
  private var payload: [UInt8] {
    let ends = ports.flatMap { Self.big($0, 2) }
    switch number {
    case 6: return ends + Self.big(0, 8) + [0x50, 0x02, 0xFF, 0xFF, 0, 0, 0, 0]
    case 17: return ends + Self.big(8, 2) + [0, 0]
    case 1: return [8, 0, 0, 0, 0, 1, 0, 1]
    case 58: return [128, 0, 0, 0, 0, 1, 0, 1]
    default: return [UInt8](repeating: 0, count: 8)
    }
  }

  /// The packet from its IP header on.
  var bytes: [UInt8] {
    let payload = payload
    if isIPv6 {
      return [0x60, 0, 0, 0] + Self.big(payload.count, 2) + [UInt8(truncatingIfNeeded: number), 64] + from + to
        + payload
    }
    var header: [UInt8] = [0x45, 0] + Self.big(20 + payload.count, 2) + [0, 0, 0x40, 0, 64]
    header += [UInt8(truncatingIfNeeded: number), 0, 0] + from + to
    var sum = stride(from: 0, to: header.count, by: 2).reduce(0) { $0 + Int(header[$1]) << 8 + Int(header[$1 + 1]) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    header.replaceSubrange(10..<12, with: Self.big(~sum & 0xFFFF, 2))
    return header + payload
  }
}
