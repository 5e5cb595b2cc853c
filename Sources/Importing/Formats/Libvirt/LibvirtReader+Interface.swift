import Topology

/// NICs of domains.
extension LibvirtReader {
  /// What a NIC is plugged into: the segment's id and name; nil = nothing that is here.
  typealias Plug = (id: String, name: String)

  mutating func nic(_ element: XMLElement, of node: ForeignNode) -> ForeignNIC {
    let number = node.nics.count
    let key = "\(node.name).interface \(number + 1)"
    var nic = ForeignNIC(name: "interface \(number + 1)", line: element.line)
    if let text = element.first("mac")?.attributes["address"] {
      nic.mac = ImportWord.mac(text)
      if nic.mac == nil { note(.lost, element, "\(key).mac", "\(ImportWord.quoted(text)) is no NIC's MAC address") }
    }
    let source = element.first("source")
    let network = element.attributes["type"] == "network" ? source?.attributes["network"] : nil
    if let plug = plug(element, key, &nic) {
      let place = segment(plug.id, name: plug.name, line: element.line, isLine: plug.id.hasPrefix("tcp "))
      nic.segment = lab.segments[place].id
    }
    readDevice(element, key, node, &nic)
    let known = network.flatMap { networks[$0] }
    let group = known?.portGroup(source?.attributes["portgroup"])
    if let wanted = source?.attributes["portgroup"], known != nil, group == nil {
      note(.lost, element, "\(key).portgroup", "its network has no port group \(ImportWord.quoted(wanted))")
    }
    readVLAN(element.first("vlan").map { LibvirtVLAN($0) } ?? group?.vlan ?? known?.vlan, key, &nic)
    readBandwidth(element.first("bandwidth").map { LibvirtBandwidth($0) } ?? group?.bandwidth, key, &nic)
    if let mac = nic.mac, let addresses = known?.addresses[mac] { nic.addresses += addresses }
    for address in element.all("ip") {
      guard let text = address.attributes["address"] else { continue }
      nic.addresses.append("\(text)/\(address.attributes["prefix"] ?? (text.contains(":") ? "64" : "24"))")
    }
    return nic
  }

  // MARK: - Where it is plugged in

  private mutating func plug(_ element: XMLElement, _ key: String, _ nic: inout ForeignNIC) -> Plug? {
    let source = element.first("source")
    let type = element.attributes["type"] ?? ""
    let place = "\(source?.attributes["address"] ?? "127.0.0.1"):\(source?.attributes["port"] ?? "")"
    switch type {
    case "network":
      let name = source?.attributes["network"] ?? "network"
      return (networks[name]?.segment ?? "network \(name)", name)
    case "bridge":
      let name = source?.attributes["bridge"] ?? "bridge"
      return ("bridge \(name)", name)
    case "internal":
      let name = source?.attributes["name"] ?? "internal"
      return ("internal \(name)", name)
    case "mcast": return ("mcast \(place)", "mcast \(place)")
    // The two ends of a connection, which meet by its port: a server's address is where it listens.
    case "server", "client":
      let port = source?.attributes["port"] ?? ""
      return ("tcp \(port)", "tcp \(port)")
    case "direct" where source?.attributes["mode"] == "bridge":
      let name = source?.attributes["dev"] ?? "direct"
      note(.lost, element, "\(key).source", "\(ImportWord.shown(name)) of the host is not here: the switch is isolated")
      return ("direct \(name)", name)
    case "vhostuser":
      readSocket(source, element, key, &nic)
      note(.changed, element, key, "its domain does not say which switch its socket is of; here it is vhost-user")
      return ("vhostuser", "vhost-user")
    default:
      let reason = "interfaces of type \(ImportWord.quoted(type)) have no equal: it is unplugged"
      note(.lost, element, key, reason)
      nic.comments.append(reason)
      return nil
    }
  }

  /// QEMU listens in mode `server`, so Apus connects.
  private mutating func readSocket(
    _ source: XMLElement?, _ element: XMLElement, _ key: String, _ nic: inout ForeignNIC
  ) {
    nic.connects = source?.attributes["mode"] == "server"
    guard let path = source?.attributes["path"], isFirst(path) else {
      return note(.lost, element, "\(key).source", "it has no path of its own; it has our usual one here")
    }
    nic.socket = path
  }

  // MARK: - What it is

  private mutating func readDevice(
    _ element: XMLElement, _ key: String, _ node: ForeignNode, _ nic: inout ForeignNIC
  ) {
    let wording = element.first("model")?.attributes["type"]
    let model = LibvirtWords.model(wording)
    switch node.kind {
    case .vm:
      nic.model = model ?? .e1000
      if model == nil {
        note(.changed, element, "\(key).model", "\(ImportWord.quoted(wording ?? "")) is not here; it is an e1000")
      }
    case .external where element.attributes["type"] != "vhostuser":
      note(.changed, element, key, "its domain needs an interface of type vhostuser in its place")
    default: break
    }
    if let queues = element.first("driver")?.attributes["queues"], node.kind != .netns {
      nic.queues = Int(queues)
    }
    if let size = element.first("mtu")?.attributes["size"] { nic.mtu = Int(size) }
    nic.isDown = element.first("link")?.attributes["state"] == "down"
    let known: Set<String> = [
      "mac", "source", "model", "target", "alias", "address", "vlan", "bandwidth", "mtu", "link", "driver", "ip",
      "virtualport", "rom", "backend", "backenddomain", "script", "acpi",
    ]
    for child in element.children where !known.contains(child.name) {
      note(.lost, child, "\(key).\(child.name)", "it has no equal here")
    }
  }

  private mutating func readVLAN(_ vlan: LibvirtVLAN?, _ key: String, _ nic: inout ForeignNIC) {
    guard let vlan else { return }
    for change in vlan.changes { note(.lost, line: vlan.line, "\(key).vlan", change) }
    nic.comments += vlan.changes
    if let vlan = vlan.vlan { nic.vlan = vlan }
  }

  /// `inbound` is towards the guest.
  private mutating func readBandwidth(_ bandwidth: LibvirtBandwidth?, _ key: String, _ nic: inout ForeignNIC) {
    guard let bandwidth else { return }
    nic.toNode.rate = bandwidth.inbound
    nic.fromNode.rate = bandwidth.outbound
    guard bandwidth.isMore else { return }
    let reason = "peak, burst and floor have no equal; average is the rate"
    note(.lost, line: bandwidth.line, "\(key).bandwidth", reason)
  }
}
