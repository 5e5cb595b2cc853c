/// Reverse ARP (RFC 903), sent for a guest that moved so that switches learn its new place.
package enum RARP {
  /// A broadcast request for the station's own address, 60 bytes.
  package static func announcement(of station: MACAddress) -> [UInt8] {
    var frame = MACAddress.broadcast.bytes + station.bytes
    frame += [0x80, 0x35, 0, 1, 0x08, 0, 6, 4, 0, 3]
    frame += station.bytes + [0, 0, 0, 0] + station.bytes + [0, 0, 0, 0]
    return frame + [UInt8](repeating: 0, count: 60 - frame.count)
  }
}
