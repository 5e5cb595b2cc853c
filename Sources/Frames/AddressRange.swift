/// The IPv4 or IPv6 addresses that begin alike: a prefix, of which a whole address is one of full length.
public struct AddressRange: Sendable, Hashable, Codable {
  /// Of IPv6; otherwise of IPv4.
  public var isIPv6: Bool
  /// The upper half of an IPv6 address; 0 of IPv4.
  ///
  /// Bits beyond the prefix are zero, in both halves.
  public var high: UInt64
  /// The lower half, or the 32 bits of an IPv4 address.
  public var low: UInt64
  /// Bits that addresses have in common: 0...32 or 0...128.
  public var length: Int

  /// Takes a prefix of an IPv4 address; `length` is held to 0...32, and bits beyond it are left out.
  public init(ipv4 address: UInt32, length: Int = 32) {
    isIPv6 = false
    self.length = min(max(length, 0), 32)
    high = 0
    low = UInt64(address) & (UInt64(UInt32.max) << UInt64(32 - self.length)) & UInt64(UInt32.max)
  }

  /// Takes a prefix of an IPv6 address by its upper and lower half; `length` is held to 0...128, and bits beyond it are
  /// left out.
  public init(ipv6 high: UInt64, _ low: UInt64, length: Int = 128) {
    isIPv6 = true
    self.length = min(max(length, 0), 128)
    self.high = self.length >= 64 ? high : high & ~(UInt64.max >> UInt64(self.length))
    self.low = self.length <= 64 ? 0 : low & ~(UInt64.max >> UInt64(self.length - 64))
  }
}
