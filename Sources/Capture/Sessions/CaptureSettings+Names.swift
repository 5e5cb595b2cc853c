internal import Frames

extension CaptureSettings {
  /// Adds names of stations: addresses as `02:00:00:00:00:01`; what is no address is left out.
  package mutating func addNames(_ stations: [(address: String, name: String)]) {
    for station in stations {
      guard let address = MACAddress(station.address) else { continue }
      names.append(PcapngName(address: address.bytes, name: station.name))
    }
  }
}
