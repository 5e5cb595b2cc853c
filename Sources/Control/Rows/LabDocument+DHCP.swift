import Frames
import Lab
import Topology

extension LabDocument {
  /// What a node of kind `dhcp` serves.
  struct DHCP: Described, Equatable {
    struct Range: Described, Equatable {
      var first: String
      var last: String
    }

    struct Host: Described, Equatable {
      var name: String
      var mac: String
      var addresses: [String]
    }

    struct Boot: Described, Equatable {
      var root: String
      var bios: String?
      var uefi: String?
    }

    var ranges: [Range]?
    var lease: Double?
    var gateway: String?
    var boot: Boot?
    var hosts: [Host]?
  }
}

extension LabDocument.DHCP {
  init(_ definition: DHCPDefinition) {
    ranges = definition.ranges.map { Range(first: $0.first, last: $0.last) }
    lease = definition.lease
    gateway = definition.gateway
    boot = definition.boot.map { Boot(root: $0.root, bios: $0.bios, uefi: $0.uefi) }
    hosts = definition.hosts.map { Host(name: $0.name, mac: "\($0.mac)", addresses: $0.addresses) }
  }

  /// - Throws: `UserError` for a MAC address that is none.
  func definition(of node: String) throws(UserError) -> DHCPDefinition {
    var definition = DHCPDefinition()
    definition.ranges = (ranges ?? []).map { DHCPDefinition.Range(first: $0.first, last: $0.last) }
    definition.lease = lease ?? definition.lease
    definition.gateway = gateway
    if let boot {
      var files = DHCPDefinition.Boot(root: boot.root)
      (files.bios, files.uefi) = (boot.bios, boot.uefi)
      definition.boot = files
    }
    for host in hosts ?? [] {
      guard let mac = MACAddress(host.mac) else {
        throw UserError(.badInput, "node \(node): \"\(host.mac)\" is no MAC address")
      }
      definition.hosts.append(DHCPDefinition.Host(name: host.name, mac: mac, addresses: host.addresses))
    }
    return definition
  }

  static let shape = Shape.object(
    "LabDHCP", "What a node of kind `dhcp` serves.",
    [
      Field(optional: "ranges", .list(Range.shape), "Addresses for those who are none of `hosts`."),
      Field(optional: "lease", .numbers(Limits.lease), "Seconds for which an address is given; 3600 as a rule."),
      Field(optional: "gateway", .text, "The router that is offered."),
      Field(optional: "boot", Boot.shape, "What machines start from over the network."),
      Field(optional: "hosts", .list(Host.shape), "Who gets an address of its own."),
    ])
}

extension LabDocument.DHCP.Range {
  static let shape = Shape.object(
    "LabDHCPRange", "Addresses in a row.", [Field("first", .text, "The first."), Field("last", .text, "The last.")])
}

extension LabDocument.DHCP.Host {
  static let shape = Shape.object(
    "LabDHCPHost", "A NIC that gets its own address.",
    [
      Field("name", .text, "The node's name."), Field("mac", .text, "The NIC's."),
      Field("addresses", .list(.text), "Without a prefix length; the first one of IPv4 is given out."),
    ])
}

extension LabDocument.DHCP.Boot {
  static let shape = Shape.object(
    "LabDHCPBoot", "What TFTP and HTTP serve.",
    [
      Field("root", .text, "Absolute path of the folder.").onSocket(),
      Field(optional: "bios", .text, "File in it, or an http address, for machines with a BIOS."),
      Field(optional: "uefi", .text, "The same for machines with UEFI."),
    ])
}
