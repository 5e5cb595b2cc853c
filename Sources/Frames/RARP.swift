/// Reverse ARP (RFC 903), sent for a guest that moved so that switches learn its new place.
package enum RARP {
  /// A broadcast request for the station's own address, 60 bytes.
  package static func announcement(of station: MACAddress) -> [UInt8] {
    var frame = MACAddress.broadcast.bytes + station.bytes
    frame += Self.big(Ethernet.typeRARP) + Self.ethernet + Self.big(Ethernet.typeIPv4) + [6, 4] + Self.requestReverse
    frame += station.bytes + [0, 0, 0, 0] + station.bytes + [0, 0, 0, 0]
    return frame + [UInt8](repeating: 0, count: 60 - frame.count)
  }

  /// Hardware type and operation.
  private static let (ethernet, requestReverse): ([UInt8], [UInt8]) = ([0, 1], [0, 3])

  private static func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}
