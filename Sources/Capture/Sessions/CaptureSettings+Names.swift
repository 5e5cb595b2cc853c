package import Frames

extension CaptureSettings {
  /// Adds names of stations.
  package mutating func addNames(_ stations: [(address: MACAddress, name: String)]) {
    names += stations.map { PcapngName(address: $0.address.bytes, name: $0.name) }
  }
}
