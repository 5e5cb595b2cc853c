import Frames

/// Addresses that begin alike, as a lab file writes them: `10.9.0.0/16`, or one by itself, `10.9.0.7`.
package struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
  /// Its host part is zero.
  let prefix: IPPrefix

  init(_ prefix: IPPrefix) { self.prefix = prefix.network }

  /// Reads an address or a prefix without host bits; nil for anything else.
  package init?(_ text: String) {
    if let address = IPAddress(Substring(text)) {
      self.init(IPPrefix(address: address, length: address.family.width))
    } else if let prefix = IPPrefix(text), prefix == prefix.network {
      self.init(prefix)
    } else {
      return nil
    }
  }

  package var isIPv6: Bool { prefix.address.family == .ipv6 }

  /// It is a single address.
  var isAddress: Bool { prefix.length == prefix.address.family.width }

  /// Every address of the other one is in it.
  func contains(_ other: AddressBlock) -> Bool {
    prefix.length <= other.prefix.length && prefix.contains(other.prefix.address)
  }

  /// As the data plane takes it.
  package var range: AddressRange {
    let value = prefix.address.value
    guard isIPv6 else { return AddressRange(ipv4: UInt32(truncatingIfNeeded: value), length: prefix.length) }
    return AddressRange(
      ipv6: UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value), length: prefix.length)
  }

  /// What the data plane tells of.
  package init(_ range: AddressRange) {
    let value = range.isIPv6 ? UInt128(range.high) << 64 | UInt128(range.low) : UInt128(range.low)
    self.init(
      IPPrefix(address: IPAddress(family: range.isIPv6 ? .ipv6 : .ipv4, value: value), length: range.length))
  }

  /// The address of a NIC, without the length of its subnet; nil for text that is none.
  package init?(of definition: AddressDefinition) {
    guard let prefix = IPPrefix(definition.address) else { return nil }
    self.init(IPPrefix(address: prefix.address, length: prefix.address.family.width))
  }

  package var description: String { isAddress ? "\(prefix.address)" : "\(prefix)" }
}

/// A block is a text wherever it is written down.
extension AddressBlock: TextCoded {
  package static var mistake: String { "neither an address nor a prefix such as 10.9.0.0/16" }
}
