import Topology

/// A virtual network of libvirt, as far as NICs depend on it.
struct LibvirtNetwork {
  /// A set of settings that NICs may name.
  struct PortGroup {
    var name: String
    var isDefault: Bool
    var vlan: XMLElement?
    var bandwidth: XMLElement?
  }

  var name: String
  var line: Int
  /// The Linux or Open vSwitch bridge that it is.
  var bridge: String?
  /// nil = it is isolated; `nat` and so on.
  var forward: String?
  var vlan: XMLElement?
  var portGroups: [PortGroup] = []
  var mtu: Int?
  /// By MAC addresses, with prefix lengths.
  var addresses: [String: [String]] = [:]

  init(_ element: XMLElement, name: String) {
    self.name = name
    line = element.line
    bridge = element.first("bridge")?.attributes["name"]
    forward = element.first("forward").map { $0.attributes["mode"] ?? "nat" }
    vlan = element.first("vlan")
    mtu = element.first("mtu")?.attributes["size"].flatMap { Int($0) }
    for group in element.all("portgroup") {
      portGroups.append(
        PortGroup(
          name: group.attributes["name"] ?? "", isDefault: group.attributes["default"] == "yes",
          vlan: group.first("vlan"), bandwidth: group.first("bandwidth")))
    }
    for address in element.all("ip") {
      guard let prefix = LibvirtWords.prefix(of: address) else { continue }
      for host in address.first("dhcp")?.all("host") ?? [] {
        guard let mac = host.attributes["mac"].flatMap({ ImportWord.mac($0) }), let ip = host.attributes["ip"] else {
          continue
        }
        addresses[mac, default: []].append("\(ip)/\(prefix)")
      }
    }
  }

  /// What a NIC that names this group, or none, has.
  func portGroup(_ wanted: String?) -> PortGroup? {
    guard let wanted else { return portGroups.first(where: \.isDefault) }
    return portGroups.first { $0.name == wanted }
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
