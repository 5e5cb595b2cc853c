/// What decides whether an interface of this host may be taken, and what is to be given back.
package struct InterfaceFacts: Sendable, Equatable {
  package var index = 0
  /// Administrative state.
  package var isUp = false
  /// In bytes.
  package var mtu = 0
  /// Link-layer address, `52:54:00:00:00:01`.
  package var address = ""
  /// Frames on it have Ethernet headers.
  package var isEthernet = false
  /// Name of the bridge, bond or the like whose port it is.
  package var master: String?
  /// The second name by which somebody marked it.
  package var mark: String?
  /// Its addresses with their prefixes, but for those that are valid on the link only.
  package var addresses: [String] = []
  /// Its IPv6 addresses that are valid on the link only (fe80::/10).
  package var linkLocalAddresses: [String] = []
  /// How the kernel makes those (IN6_ADDR_GEN_MODE); nil without IPv6.
  package var addressGeneration: UInt8?
  /// Interfaces on top of it, which send and receive by it: VLANs, macvlans.
  package var uppers: [String] = []
  package init() {}
}
