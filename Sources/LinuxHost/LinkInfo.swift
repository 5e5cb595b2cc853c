/// One interface as the kernel lists it.
package struct LinkInfo: Sendable, Equatable {
  package var index: Int
  package var name: String
  /// In bytes.
  package var mtu: Int
  /// Link-layer address, `52:54:00:00:00:01`; empty if it has none.
  package var address: String
  /// Administrative state.
  package var isUp: Bool
  /// The cable is in (IFF_LOWER_UP); false while it is down.
  package var hasCarrier: Bool

  package init(index: Int, name: String, mtu: Int, address: String, isUp: Bool, hasCarrier: Bool = false) {
    self.index = index
    self.name = name
    self.mtu = mtu
    self.address = address
    self.isUp = isUp
    self.hasCarrier = hasCarrier
  }
}
