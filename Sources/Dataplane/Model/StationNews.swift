import Frames

/// Something that happened to the stations of a switch, as often as `count` says since it was told last.
package struct StationNews: Sendable, Equatable {
  package enum What: Sendable, Equatable {
    /// A station came up behind another port; nil = several stations, of which none is named.
    case moved(Station?, from: String?, to: String?)
    /// Stations of a port were forgotten to make room; nil = of several ports.
    ///
    /// The station is the last of them. `isOfPort`: the port has as many as it may; otherwise the table was full.
    case evicted(Station?, port: String?, isOfPort: Bool)
    /// There are as many stations as there may be; with a port, of that port.
    case full(port: String?, limit: Int)
  }

  /// A station in one VLAN.
  package struct Station: Sendable, Equatable {
    package var address: MACAddress
    package var vlan: Int

    package init(address: MACAddress, vlan: Int) { (self.address, self.vlan) = (address, vlan) }
  }

  package var switchName: String
  package var what: What
  package var count: UInt64

  package init(switchName: String, what: What, count: UInt64) {
    (self.switchName, self.what, self.count) = (switchName, what, count)
  }
}
