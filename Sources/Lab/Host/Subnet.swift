/// The network that an address with a prefix length belongs to, as bits.
struct Subnet: Equatable, Sendable {
  /// 4 or 16 bytes, those beyond the prefix zero.
  private let network: [UInt8]
  private let length: Int

  /// nil for what is not `ADDRESS/LENGTH`.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let bytes = Self.bytes(parts[0]), let length = Int(parts[1]),
      (0...bytes.count * 8).contains(length)
    else { return nil }
    network = Self.masked(bytes, length)
    self.length = length
  }

  /// Whether the address (without a prefix length) is of this network.
  func contains(_ address: String) -> Bool {
    guard let bytes = Self.bytes(address[...]), bytes.count == network.count else { return false }
    return Self.masked(bytes, length) == network
  }

  /// The last address, with its prefix length, that is a host's and none of `taken`, with or without prefix lengths.
  ///
  /// nil when the last thousand are taken, or the network has no room for hosts.
  func lastHost(notIn taken: [String]) -> String? {
    let isV4 = network.count == 4
    guard length <= network.count * 8 - 2 else { return nil }
    let used = Set(taken.compactMap { Self.bytes($0.prefix { $0 != "/" }) })
    var address = network.enumerated().map { index, byte in
      let bits = min(max(length - index * 8, 0), 8)
      return byte | UInt8(truncatingIfNeeded: 0xFF >> bits)
    }
    for _ in 0..<1000 {
      // The very last is IPv4's broadcast address, the first names the network.
      Self.decrement(&address)
      guard Self.masked(address, length) == network, address != network else { return nil }
      if !used.contains(address) { return "\(Self.text(address, isV4: isV4))/\(length)" }
    }
    return nil
  }

  private static func decrement(_ address: inout [UInt8]) {
    for index in address.indices.reversed() {
      address[index] &-= 1
      if address[index] != 0xFF { return }
    }
  }

  private static func text(_ address: [UInt8], isV4: Bool) -> String {
    if isV4 { return address.map { String($0) }.joined(separator: ".") }
    return stride(from: 0, to: address.count, by: 2).map { index in
      String(UInt16(address[index]) << 8 | UInt16(address[index + 1]), radix: 16)
    }.joined(separator: ":")
  }

  private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
    bytes.enumerated().map { index, byte in
      let bits = min(max(length - index * 8, 0), 8)
      return byte & ~UInt8(truncatingIfNeeded: 0xFF >> bits)
    }
  }

  private static func bytes(_ text: Substring) -> [UInt8]? {
    text.contains(":") ? ipv6(text) : ipv4(text)
  }

  private static func ipv4(_ text: Substring) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    let bytes = parts.compactMap { $0 }
    return parts.count == 4 && bytes.count == 4 ? bytes : nil
  }

  /// RFC 4291 section 2.2: groups of 16 bits, one run of zeros as `::`, the last 32 bits possibly as IPv4.
  private static func ipv6(_ text: Substring) -> [UInt8]? {
    var halves: [[UInt8]] = [[]]
    var rest = text
    if rest.hasPrefix("::") {
      halves.append([])
      rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
      let group = rest.prefix { $0 != ":" }
      if group.contains(".") {
        guard let bytes = ipv4(group), group.endIndex == rest.endIndex else { return nil }
        halves[halves.count - 1] += bytes
      } else {
        guard group.count <= 4, let value = UInt16(group, radix: 16) else { return nil }
        halves[halves.count - 1] += [UInt8(value >> 8), UInt8(value & 0xFF)]
      }
      rest = rest[group.endIndex...]
      if rest.hasPrefix("::") {
        guard halves.count == 1 else { return nil }
        halves.append([])
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix(":") {
        rest = rest.dropFirst()
        guard !rest.isEmpty else { return nil }
      }
    }
    let known = halves.reduce(0) { $0 + $1.count }
    guard halves.count == 2 ? known <= 14 : known == 16 else { return nil }
    return halves[0] + [UInt8](repeating: 0, count: 16 - known) + (halves.count == 2 ? halves[1] : [])
  }
}
