import Frames

/// What a DHCP server's answer gives to a node (RFC 2131).
struct DHCPLease: Equatable {
  var address: AddressRange
  /// Seconds.
  var time: UInt32

  private static let cookie: [UInt8] = [99, 130, 83, 99]
  private static let leaseTime: UInt8 = 51
  private static let messageType: UInt8 = 53
  private static let acknowledgement: UInt8 = 5
  /// Bytes of a message that are looked at.
  static let mostBytes = 1024

  /// - Parameters:
  ///   - message: what is behind the header of UDP.
  ///   - station: that the node has; nil = any.
  /// - Returns: nil if the message acknowledges no address.
  init?(_ message: [UInt8], for station: MACAddress?) {
    guard message.count >= 240, message[0] == 2, message[1] == 1, message[2] == 6,
      Array(message[236..<240]) == Self.cookie, let client = MACAddress(bytes: message[28..<34]),
      station == nil || client == station
    else { return nil }
    let options = Self.options(message)
    guard options[Self.messageType] == [Self.acknowledgement] else { return nil }
    let given = message[16..<20].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    // An answer to a question for settings gives none (DHCPINFORM).
    guard given != 0, let time = options[Self.leaseTime], time.count == 4 else { return nil }
    address = AddressRange(ipv4: given)
    self.time = time.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
  }

  private static func options(_ message: [UInt8]) -> [UInt8: [UInt8]] {
    var found: [UInt8: [UInt8]] = [:]
    var place = 240
    while place + 1 < message.count, message[place] != 255 {
      guard message[place] != 0 else {
        place += 1
        continue
      }
      let end = place + 2 + Int(message[place + 1])
      guard end <= message.count else { break }
      if found[message[place]] == nil { found[message[place]] = Array(message[(place + 2)..<end]) }
      place = end
    }
    return found
  }
}
