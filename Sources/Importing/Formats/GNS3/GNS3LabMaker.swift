import Topology

/// Turns a GNS3 project into a lab: nodes with their NICs in the order of cards and ports, links as lines or switches.
struct GNS3LabMaker {
  private let project: GNS3Project
  private let options: ImportOptions
  private(set) var findings: Findings
  private var lab: ForeignLab
  /// By place among the project's nodes: place among the lab's.
  private var machines: [Int: Int] = [:]
  /// By place among the project's nodes: place among the lab's segments.
  private var switches: [Int: Int] = [:]
  /// Of a machine's port: its place among the NICs.
  private var nics: [GNS3Link.End: Int] = [:]
  private var uplinks: [GNS3Link.End: String] = [:]
  private var taken: [GNS3Link.End: Int] = [:]
  private var macs: Set<String> = []

  init(_ project: GNS3Project, name: String, options: ImportOptions, findings: Findings) {
    self.project = project
    self.options = options
    self.findings = findings
    lab = ForeignLab(tool: "GNS3", name: name)
  }

  /// The lab; its notes are in `findings`.
  mutating func make() throws(ImportFaults) -> ForeignLab {
    var linked: [Int: Set<GNS3Port>] = [:]
    for end in project.links.flatMap(\.ends) { linked[end.node, default: []].insert(end.port) }
    for (place, node) in project.nodes.enumerated() {
      switch node.role {
      case .machine, .host, .container: machine(node, place, linked[place] ?? [])
      case .vlanSwitch, .hub:
        switches[place] = lab.segments.count
        let kind: ForeignSegment.Kind = node.role == .hub ? .bridge : .vlanAware
        lab.segments.append(ForeignSegment(id: "node \(node.id)", name: node.name, kind: kind, line: node.line))
      case .uplink:
        let reason = "it leads out of the lab: a node of kind nic or tap on its switch does so here"
        findings.note(.lost, "nodes.\(node.name)", line: node.line, reason)
      case .foreign:
        findings.note(.lost, "nodes.\(node.name)", line: node.line, "a \(node.word) carries no Ethernet frames")
      }
    }
    for (place, link) in project.links.enumerated() { self.link(link, place) }
    try findings.check()
    lab.notes = findings.notes
    return lab
  }

  // MARK: - Machines

  private mutating func machine(_ node: GNS3Node, _ place: Int, _ linked: Set<GNS3Port>) {
    var made = ForeignNode(id: "node \(node.id)", name: node.name, kind: .vm, line: node.line)
    switch node.role {
    case .host: made.kind = options.imagelessKind
    case .container: container(node, &made)
    default: image(node, &made)
    }
    if made.kind == .vm { (made.memory, made.cpus) = (node.memory, node.cpus) }
    made.comments += node.comments
    for (port, facts) in Self.ports(of: node, linked) {
      nics[GNS3Link.End(node: place, port: port)] = made.nics.count
      made.nics.append(nic(facts, of: node, isMachine: made.kind == .vm))
    }
    addresses(node, &made)
    machines[place] = lab.nodes.count
    lab.nodes.append(made)
  }

  /// QEMU's machines name their disk images; those of other programs are no disks of ours.
  private func image(_ node: GNS3Node, _ made: inout ForeignNode) {
    if node.word == "qemu" || node.word == "QemuVM", let image = node.image {
      made.image = image.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? "none"
      return
    }
    made.image = "none"
    made.comments.append("\(node.word)\(node.image.map { ", image \($0)" } ?? "")")
  }

  private func container(_ node: GNS3Node, _ made: inout ForeignNode) {
    made.kind = node.image == nil ? options.imagelessKind : options.hostKind ?? .netns
    guard made.kind == .container else {
      if let image = node.image { made.comments.append("container of image \(image)") }
      return
    }
    made.image = node.image
    made.command = node.command
    made.env = node.environment
  }

  /// The Ethernet ports of a node in order: those that it has, and those that only links know.
  private static func ports(of node: GNS3Node, _ linked: Set<GNS3Port>) -> [(GNS3Port, GNS3PortFacts)] {
    var ports = node.ports
    for port in linked where ports[port] == nil {
      ports[port] = GNS3PortFacts(name: "Ethernet\(port.adapter)/\(port.number)")
    }
    // Machines number their cards by place: one before a linked one is there as well.
    if ["qemu", "docker", "vmware", "virtualbox"].contains(node.word), let last = ports.keys.max()?.adapter {
      let known = Set(ports.keys.map(\.adapter))
      for adapter in 0..<last where !known.contains(adapter) {
        ports[GNS3Port(adapter: adapter, number: 0)] = GNS3PortFacts(name: "Ethernet\(adapter)")
      }
    }
    return ports.filter { !$0.value.isSerial }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private mutating func nic(_ facts: GNS3PortFacts, of node: GNS3Node, isMachine: Bool) -> ForeignNIC {
    var nic = ForeignNIC(name: facts.name, line: facts.line)
    let key = "nodes.\(node.name).\(facts.name)"
    if let text = facts.mac, let mac = findings.mac(text, "\(key).mac_address", line: facts.line ?? node.line) {
      if macs.insert(mac).inserted {
        nic.mac = mac
      } else {
        findings.note(.lost, "\(key).mac_address", line: facts.line ?? node.line, "another NIC has \(mac)")
      }
    }
    if let model = facts.model, isMachine, model != "virtio-net-pci" {
      nic.model = NICModel(rawValue: model)
      if nic.model == nil { nic.comments.append("adapter_type: \(model)") }
    }
    return nic
  }

  /// What a small host's script says, onto its NIC.
  private mutating func addresses(_ node: GNS3Node, _ made: inout ForeignNode) {
    guard !made.nics.isEmpty else { return }
    if let (address, gateway) = node.address {
      made.nics[0].addresses.append(address.contains("/") ? address : "\(address)/24")
      if let gateway, !gateway.isEmpty { made.nics[0].gateways.append(gateway) }
    }
    guard let (text, path) = node.script else { return }
    let script = VPCSScript(text)
    made.nics[0].addresses += script.addresses
    made.nics[0].gateways += script.gateways
    for (line, text) in script.lost.prefix(100) {
      // A script within the project has its lines in one of it.
      let place = path == findings.path ? node.line : line
      let reason = "\(text.inQuotes) has no equal here"
      findings.note(ImportNote(.lost, path: path, line: place, key: "nodes.\(node.name)", reason: reason))
      made.comments.append("script: \(text)")
    }
  }

  // MARK: - Links

  private mutating func link(_ link: GNS3Link, _ place: Int) {
    let nodes = link.ends.map { project.nodes[$0.node] }
    let key = "links.\(nodes[0].name)--\(nodes[1].name)"
    for (end, node) in zip(link.ends, nodes) where node.role != .foreign {
      if let first = taken[end] {
        let port = node.ports[end.port]?.name ?? "\(end.port.adapter)/\(end.port.number)"
        findings.fault("\(port.inQuotes) of \(node.name.inQuotes) has a link in line \(first) already", line: link.line)
        return
      }
      taken[end] = link.line
    }
    if nodes.contains(where: { $0.role == .foreign }) {
      findings.note(.lost, key, line: link.line, "it carries no Ethernet frames")
      return
    }
    if zip(link.ends, nodes).contains(where: { $1.ports[$0.port]?.isSerial == true }) {
      findings.note(.lost, key, line: link.line, "a serial line carries no Ethernet frames")
      return
    }
    switch (machines[link.ends[0].node], machines[link.ends[1].node]) {
    case (nil, nil): join(link, key)
    case (.some, nil): plug(link.ends[0], link, into: segment(of: link.ends[1]), .none, opposite: link.ends[1])
    case (nil, .some): plug(link.ends[1], link, into: segment(of: link.ends[0]), .none, opposite: link.ends[0])
    case (.some, .some):
      let id = "link \(place)"
      lab.segments.append(ForeignSegment(id: id, line: link.line))
      plug(link.ends[0], link, into: id, .none, opposite: nil)
      // What a filter does counts once: at the first end.
      var other = link
      other.impairment = ForeignImpairment()
      plug(link.ends[1], other, into: id, .none, opposite: nil)
    }
  }

  /// Puts a machine's NIC on a segment; `opposite` = the port of the switch there.
  private mutating func plug(
    _ end: GNS3Link.End, _ link: GNS3Link, into segment: String, _ vlan: ForeignVLAN, opposite: GNS3Link.End?
  ) {
    guard let machine = machines[end.node], let place = nics[end] else { return }
    var nic = lab.nodes[machine].nics[place]
    nic.segment = segment
    nic.isDown = link.isSuspended
    nic.fromNode = link.impairment
    nic.toNode = link.impairment
    if let opposite { nic.vlan = self.vlan(of: opposite) }
    lab.nodes[machine].nics[place] = nic
  }

  /// How a switch's port is set; one that the switch does not list is in VLAN 1, as GNS3 makes them.
  private func vlan(of end: GNS3Link.End) -> ForeignVLAN {
    let node = project.nodes[end.node]
    return node.role == .vlanSwitch ? node.ports[end.port]?.vlan ?? .access(1) : .none
  }

  /// The segment of a port of a switch, or of one that leads out of the project: there, a switch for each such port.
  private mutating func segment(of end: GNS3Link.End) -> String {
    if let place = switches[end.node] { return lab.segments[place].id }
    if let id = uplinks[end] { return id }
    let node = project.nodes[end.node]
    let port = node.ports[end.port]?.name ?? ""
    let isOnly = node.word == "nat" || node.ports.count <= 1
    let id = "uplink \(end.node) \(end.port.adapter) \(end.port.number)"
    var segment = ForeignSegment(
      id: id, name: isOnly ? node.name : "\(node.name)-\(port)", kind: .bridge, line: node.line)
    segment.comments.append(
      "\(node.word) \(node.name)\(port.isEmpty ? "" : ", \(port)"): it leads out of the lab in GNS3")
    lab.segments.append(segment)
    uplinks[end] = id
    return id
  }

  /// A link without machines: two switches, or a way out of a switch.
  private mutating func join(_ link: GNS3Link, _ key: String) {
    guard let one = switches[link.ends[0].node], let other = switches[link.ends[1].node] else {
      for (end, opposite) in [(link.ends[0], link.ends[1]), (link.ends[1], link.ends[0])] {
        guard let place = switches[end.node] else { continue }
        let node = project.nodes[opposite.node]
        lab.segments[place].comments.append("it has a way out of the lab in GNS3: \(node.name)")
      }
      return
    }
    if link.isSuspended {
      findings.note(.lost, key, line: link.line, "it is suspended there; a link of switches is left out")
      return
    }
    if !link.impairment.isEmpty {
      findings.note(.lost, "\(key).filters", line: link.line, "filters between switches are left out")
    }
    let vlans = link.ends.map { vlan(of: $0) }.filter { $0 != .none }
    if vlans.count == 2, vlans[0] != vlans[1] {
      let reason = "its ports are set unlike: both are as \(project.nodes[link.ends[0].node].name.inQuotes) has it"
      findings.note(.changed, key, line: link.line, reason)
    }
    lab.segments[one].joined.append((lab.segments[other].id, vlans.first ?? .none))
  }
}
