import Topology

/// A virtual network of libvirt, as far as NICs depend on it.
struct LibvirtNetwork {
  /// A set of settings that NICs may name.
  struct PortGroup {
    var name: String
    var isDefault: Bool
    var vlan: LibvirtVLAN?
    var bandwidth: LibvirtBandwidth?
  }

  var name: String
  var line: Int
  /// The Linux or Open vSwitch bridge that it is.
  var bridge: String?
  /// nil = it is isolated; `nat` and so on.
  var forward: String?
  var vlan: LibvirtVLAN?
  private var portGroups: [String: PortGroup] = [:]
  private var defaultGroup: PortGroup?
  /// Whether any of its NICs may be in a VLAN.
  private(set) var hasVLANs = false
  var mtu: Int?
  /// By MAC addresses, with prefix lengths.
  private(set) var addresses: [String: [String]] = [:]
  /// Addresses that are left out, as their NIC has too many.
  private(set) var crowded = 0

  /// Addresses that the network gives one NIC.
  private static let mostAddresses = 64

  init(_ element: XMLElement, name: String) {
    self.name = name
    line = element.line
    bridge = element.first("bridge")?.attributes["name"]
    forward = element.first("forward").map { $0.attributes["mode"] ?? "nat" }
    vlan = element.first("vlan").map { LibvirtVLAN($0) }
    hasVLANs = vlan != nil
    mtu = element.first("mtu")?.attributes["size"].flatMap { Int($0) }
    for element in element.all("portgroup") {
      let group = PortGroup(
        name: element.attributes["name"] ?? "", isDefault: element.attributes["default"] == "yes",
        vlan: element.first("vlan").map { LibvirtVLAN($0) },
        bandwidth: element.first("bandwidth").map { LibvirtBandwidth($0) })
      if portGroups[group.name] == nil { portGroups[group.name] = group }
      if group.isDefault, defaultGroup == nil { defaultGroup = group }
      if group.vlan != nil { hasVLANs = true }
    }
    for address in element.all("ip") {
      guard let prefix = LibvirtWords.prefix(of: address) else { continue }
      for host in address.first("dhcp")?.all("host") ?? [] {
        guard let mac = host.attributes["mac"].flatMap({ ImportWord.mac($0) }), let ip = host.attributes["ip"] else {
          continue
        }
        if addresses[mac, default: []].count < Self.mostAddresses {
          addresses[mac, default: []].append("\(ip)/\(prefix)")
        } else {
          crowded += 1
        }
      }
    }
  }

  /// What a NIC that names this group, or none, has.
  func portGroup(_ wanted: String?) -> PortGroup? {
    guard let wanted else { return defaultGroup }
    return portGroups[wanted]
  }

  /// Id of the segment that it is: what is on its bridge by another way is there as well.
  var segment: String { bridge.map { "bridge \($0)" } ?? "network \(name)" }

  /// What is said of its way out; nil = there is none.
  var uplink: String? {
    switch forward {
    case nil: nil
    case "nat", "route", "open":
      "its way to the host and beyond (\(forward ?? "")) has no equal: the switch is isolated"
    case "bridge": "what else is on the host's bridge or interface is not here: the switch is isolated"
    default: "its NICs go by hardware of the host (\(ImportWord.shown(forward ?? ""))); here they are on a switch"
    }
  }
}

/// A `<vlan>`, understood once for all NICs that have it.
struct LibvirtVLAN {
  /// Changes of one element that are told one by one.
  private static let mostChanges = 8

  var line: Int
  var vlan: ForeignVLAN?
  var changes: [String]

  init(_ element: XMLElement) {
    line = element.line
    let (vlan, changes) = LibvirtWords.vlan(element)
    self.vlan = vlan
    self.changes = Array(changes.prefix(Self.mostChanges))
    let more = changes.count - self.changes.count
    if more > 0 { self.changes.append("\(more) more of its tags are not as they were") }
  }
}

/// A `<bandwidth>`, understood once for all NICs that have it.
struct LibvirtBandwidth {
  var line: Int
  /// Bits a second, towards the guest and from it.
  var inbound: UInt64?
  var outbound: UInt64?
  /// It says more than an average.
  var isMore: Bool

  init(_ element: XMLElement) {
    line = element.line
    inbound = LibvirtWords.rate(element.first("inbound"))
    outbound = LibvirtWords.rate(element.first("outbound"))
    isMore = element.children.contains { child in
      child.attributes.keys.contains { ["peak", "burst", "floor"].contains($0) }
    }
  }
}
