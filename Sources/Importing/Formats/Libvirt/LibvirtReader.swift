import Topology

/// Makes a lab of libvirt's networks and domains.
struct LibvirtReader {
  /// What the user asked for in place of the format's own choice.
  let hostKind: ForeignNode.Kind?
  var lab = ForeignLab(tool: "libvirt", name: "")
  var networks: [String: LibvirtNetwork] = [:]
  /// Places of segments in the lab, by their ids.
  private var places: [String: Int] = [:]
  private var paths: Set<String> = []
  /// Of the document that is read.
  private(set) var path = ""

  init(hostKind: ForeignNode.Kind?) { self.hostKind = hostKind }

  mutating func read(_ documents: [LibvirtDocument], name: String) -> ForeignLab {
    lab.name = name
    for document in documents where document.root.name == "network" {
      path = document.path
      read(network: document.root)
    }
    for (number, document) in documents.enumerated() {
      path = document.path
      switch document.root.name {
      case "network": break
      case "domain": read(domain: document.root, number)
      default:
        note(.withoutEffect, document.root, document.root.name, "this is neither a domain nor a network")
      }
    }
    settle()
    return lab
  }

  mutating func note(_ outcome: ImportNote.Outcome, _ element: XMLElement, _ key: String, _ reason: String) {
    note(outcome, line: element.line, key, reason)
  }

  mutating func note(_ outcome: ImportNote.Outcome, line: Int, _ key: String, _ reason: String) {
    lab.notes.append(ImportNote(outcome, path: path, line: line, key: ImportWord.shown(key), reason: reason))
  }

  // MARK: - Networks

  private mutating func read(network element: XMLElement) {
    let name = element.value("name") ?? "network"
    guard networks[name] == nil else {
      return note(.lost, element, "network \(name)", "another file has a network of this name")
    }
    let network = LibvirtNetwork(element, name: name)
    networks[name] = network
    let place = segment(network.segment, name: name, line: element.line)
    if let mtu = network.mtu { lab.segments[place].mtu = mtu }
    if network.crowded > 0 {
      let reason = "\(network.crowded) addresses of NICs that have too many are left out"
      note(.lost, element, "network \(name).ip.dhcp", reason)
    }
    if let reason = network.uplink {
      note(.lost, element.first("forward") ?? element, "network \(name).forward", reason)
      lab.segments[place].comments.append(reason)
    }
    for child in element.children {
      switch child.name {
      case "name", "forward", "bridge", "vlan", "portgroup", "mtu", "uuid", "mac", "virtualport", "metadata": break
      case "ip":
        let address = child.attributes["address"] ?? ""
        let reason = "\(ImportWord.shown(address)) is the host's own address there"
        note(.lost, child, "network \(name).ip", reason)
        lab.segments[place].comments.append("\(reason): a node of kind tap on this switch would have it")
      default: note(.lost, child, "network \(name).\(child.name)", "it has no equal here")
      }
    }
  }

  /// The place of a segment, which is made if it is not there.
  mutating func segment(_ id: String, name: String, line: Int, isLine: Bool = false) -> Int {
    if let place = places[id] { return place }
    places[id] = lab.segments.count
    lab.segments.append(ForeignSegment(id: id, name: name, kind: isLine ? .plain : .bridge, line: line))
    return lab.segments.count - 1
  }

  /// Once all NICs are known: a switch that has VLANs anywhere has them everywhere.
  private mutating func settle() {
    var aware = Set(
      networks.values.filter(\.hasVLANs).map(\.segment))
    for nic in lab.nodes.flatMap(\.nics) {
      if let segment = nic.segment, nic.vlan != .none { aware.insert(segment) }
    }
    for index in lab.segments.indices where aware.contains(lab.segments[index].id) {
      lab.segments[index].kind = .vlanAware
    }
    for node in lab.nodes.indices {
      for nic in lab.nodes[node].nics.indices {
        guard let segment = lab.nodes[node].nics[nic].segment else { continue }
        if !aware.contains(segment) {
          lab.nodes[node].nics[nic].vlan = .none
        } else if lab.nodes[node].nics[nic].vlan == .none {
          // As a port of Open vSwitch without a tag.
          lab.nodes[node].nics[nic].vlan = .trunk(nil, native: 1)
        }
      }
    }
  }

  // MARK: - Domains

  private mutating func read(domain element: XMLElement, _ number: Int) {
    let name = element.value("name") ?? "domain"
    let devices = element.all("devices").flatMap(\.children)
    let interfaces = devices.filter { $0.name == "interface" }
    let isOutside = interfaces.contains { $0.attributes["type"] == "vhostuser" }
    let isContainer = element.attributes["type"] == "lxc"
    let kind = hostKind ?? (isOutside ? .external : isContainer ? .netns : .vm)
    var node = ForeignNode(id: "domain \(number)", name: name, kind: kind, line: element.line)
    if kind == .external {
      node.comments.append("libvirt runs it: apus port show NODE.NIC --libvirt prints what its domain needs")
    }
    read(machine: element, into: &node)
    for interface in Self.inOrder(interfaces) {
      node.nics.append(nic(interface, of: node))
    }
    read(devices: devices, into: &node)
    if kind == .external, Self.lacksSharedMemory(element) {
      let reason = "it needs <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
      note(.lost, element, "\(name).memoryBacking", reason)
      node.comments.append(reason)
    }
    lab.nodes.append(node)
  }

  private mutating func read(machine element: XMLElement, into node: inout ForeignNode) {
    for child in element.children {
      switch child.name {
      case "memory" where node.kind == .vm:
        node.memory = LibvirtWords.memory(child)
        if node.memory == nil { note(.lost, child, "\(node.name).memory", "it is not understood") }
      case "vcpu" where node.kind == .vm:
        node.cpus = Int(child.attributes["current"] ?? LibvirtWords.word(child.text))
        if node.cpus == nil { note(.lost, child, "\(node.name).vcpu", "it is not understood") }
      case "commandline", "override", "os", "description", "title":
        guard node.kind == .vm else { break }
        if child.name == "os", child.children.allSatisfy({ ["type", "boot", "bootmenu"].contains($0.name) }) { break }
        note(.lost, child, "\(node.name).\(child.name)", "it has no equal here")
      default: break
      }
    }
  }

  private static func lacksSharedMemory(_ element: XMLElement) -> Bool {
    let backing = element.first("memoryBacking")
    let cells = element.first("cpu")?.first("numa")?.all("cell") ?? []
    if !cells.isEmpty, cells.allSatisfy({ $0.attributes["memAccess"] == "shared" }) { return false }
    return backing?.first("access")?.attributes["mode"] != "shared"
  }

  /// The order in which a machine finds them: by their places on PCI, where all have one.
  private static func inOrder(_ interfaces: [XMLElement]) -> [XMLElement] {
    let places = interfaces.map(place)
    guard places.allSatisfy({ $0 != nil }) else { return interfaces }
    return interfaces.enumerated().sorted { one, other in
      let (left, right) = (places[one.offset] ?? [], places[other.offset] ?? [])
      return left == right ? one.offset < other.offset : left.lexicographicallyPrecedes(right)
    }.map(\.element)
  }

  private static func place(_ interface: XMLElement) -> [Int]? {
    guard let address = interface.first("address"), address.attributes["type"] == "pci" else { return nil }
    var place: [Int] = []
    for key in ["domain", "bus", "slot", "function"] {
      let text = address.attributes[key] ?? "0"
      guard let number = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text) else { return nil }
      place.append(number)
    }
    return place
  }

  private mutating func read(devices: [XMLElement], into node: inout ForeignNode) {
    guard node.kind == .vm else { return }
    var lost: [String: (element: XMLElement, count: Int)] = [:]
    for device in devices {
      switch device.name {
      case "interface", "emulator", "controller", "input", "console", "serial", "graphics", "video", "memballoon",
        "channel", "audio", "sound", "rng", "watchdog", "panic":
        break
      case "disk"
      where node.image == nil && (device.attributes["device"] ?? "disk") == "disk"
        && (device.attributes["type"] ?? "file") == "file" && device.first("source")?.attributes["file"] != nil:
        node.image = device.first("source")?.attributes["file"]
      default: lost[device.name, default: (device, 0)].count += 1
      }
    }
    for (name, found) in lost.sorted(by: { $0.key < $1.key }) {
      let reason = found.count == 1 ? "it has no equal here" : "\(found.count) of them have no equal here"
      note(.lost, found.element, "\(node.name).devices.\(name)", reason)
    }
    if node.image == nil {
      node.image = "none"
      node.comments.append("none of its disks is a file that could be its image")
    }
  }

  /// Whether no other NIC has said this path.
  mutating func isFirst(_ socket: String) -> Bool { paths.insert(socket).inserted }
}
