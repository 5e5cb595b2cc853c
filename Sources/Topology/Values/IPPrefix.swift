/// An address with a prefix length: `10.0.10.9/24`, `fd00::1/64`.
package struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
  package var address: IPAddress
  /// Bits of the network part.
  package var length: Int

  package init(address: IPAddress, length: Int) {
    self.address = address
    self.length = length
  }

  /// Reads `ADDRESS/LENGTH`; nil when it is not that.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(parts[0]), (1...3).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1]),
      length <= address.family.width
    else { return nil }
    self.init(address: address, length: length)
  }

  package var description: String { "\(address)/\(length)" }

  private var hostBits: Int { address.family.width - length }
  /// Ones in the host part.
  private var hostMask: UInt128 { hostBits >= 128 ? .max : (1 << UInt128(hostBits)) - 1 }

  /// The same prefix with the host part zero.
  package var network: IPPrefix {
    IPPrefix(address: IPAddress(family: address.family, value: address.value & ~hostMask), length: length)
  }

  /// Whether an address of the same family lies in the prefix.
  package func contains(_ other: IPAddress) -> Bool {
    other.family == address.family && (other.value & ~hostMask) == (address.value & ~hostMask)
  }

  /// The first and last address that a host may have: not the network's own address, not IPv4's broadcast.
  ///
  /// A prefix of one or two addresses has no such special ones (RFC 3021).
  var hosts: ClosedRange<UInt128> {
    let first = network.address.value
    let last = first | hostMask
    guard hostBits >= 2 else { return first...last }
    return (first + 1)...(address.family == .ipv4 ? last - 1 : last)
  }

  /// `network` or `broadcast` for an address in it that stands for all of it; nil for one that a host may have.
  func groupWord(of other: IPAddress) -> String? {
    guard !hosts.contains(other.value) else { return nil }
    return other == network.address ? "network" : "broadcast"
  }
}
