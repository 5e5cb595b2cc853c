import Frames

/// What a node of kind `dhcp` serves in its VLAN: the key `dhcp` of a VLAN, spelt out.
///
/// Its subnet and its own address are those of the node's one NIC.
package struct DHCPDefinition: Codable, Sendable, Equatable {
  /// Addresses from one to another, both included.
  package struct Range: Codable, Sendable, Equatable {
    package var first: String
    package var last: String
    package init(first: String, last: String) {
      self.first = first
      self.last = last
    }
  }

  /// A NIC of the lab that gets its own address.
  package struct Host: Codable, Sendable, Equatable {
    /// The node's name.
    package var name: String
    package var mac: MACAddress
    /// Without a prefix length, of either family; only IPv4 ones are given out.
    package var addresses: [String]
    package init(name: String, mac: MACAddress, addresses: [String]) {
      self.name = name
      self.mac = mac
      self.addresses = addresses
    }
  }

  /// What machines start from over the network.
  package struct Boot: Codable, Sendable, Equatable {
    /// Absolute path of the folder that TFTP and HTTP serve.
    package var root: String
    /// File in the folder, or an address such as `http://10.0.20.254/boot.ipxe`; nil = nothing for such machines.
    package var bios: String?
    /// As `bios`.
    package var uefi: String?
    package init(root: String) { self.root = root }
  }

  /// Addresses for whoever is not in the lab file; free of those that are.
  package var ranges: [Range] = []
  /// Seconds.
  package var lease: Double = Self.usualLease
  /// The router that is offered; nil = none.
  package var gateway: String?
  /// nil = nothing is served.
  package var boot: Boot?
  /// In file order, those that the server's frames get to before others; no address is there twice.
  package var hosts: [Host] = []
  package init() {}

  /// Seconds of a lease of which the file says nothing.
  package static let usualLease = 3600.0
}
