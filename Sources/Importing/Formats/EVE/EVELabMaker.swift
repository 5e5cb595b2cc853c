import Topology

/// Turns a lab of EVE-NG into ours: networks of two are lines, all others switches that pass every frame.
struct EVELabMaker {
  private let source: EVELab
  private let options: ImportOptions
  private var findings: Findings
  private var lab: ForeignLab
  private var networks: [Int: EVELab.Network] = [:]
  private var macs: Set<String> = []

  init(_ source: EVELab, name: String, options: ImportOptions, findings: Findings) {
    self.source = source
    self.options = options
    self.findings = findings
    lab = ForeignLab(tool: "EVE-NG", name: name)
    networks = Dictionary(source.networks.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func make() throws(ImportFaults) -> ForeignLab {
    for network in source.networks { segment(network) }
    for node in source.nodes { self.node(node) }
    try findings.check()
    lab.notes = findings.notes
    return lab
  }

  /// The types that lead to no host.
  private static let inner: Set<String> = ["bridge", "ovs", "internal", "private"]

  private mutating func segment(_ network: EVELab.Network) {
    let name = network.name.isEmpty ? nil : network.name
    var segment = ForeignSegment(id: "network \(network.id)", name: name, line: network.line)
    if !Self.inner.contains(network.type) {
      segment.kind = .bridge
      segment.comments.append("network of type \(network.type): it leads out of the lab in EVE-NG")
      let reason = "it leads out of the lab: a node of kind nic or tap on its switch does so here"
      findings.note(.lost, "networks.\(network.name)", line: network.line, reason)
    }
    lab.segments.append(segment)
  }

  private mutating func node(_ node: EVELab.Node) {
    var made = ForeignNode(id: "node \(node.id)", name: node.name, kind: .vm, line: node.line)
    let image = node.image.isEmpty ? "" : ", image \(node.image)"
    let template = node.template.isEmpty || node.template == node.type ? "" : " \(node.template)"
    switch node.type {
    case "vpcs":
      made.kind = options.imagelessKind
      findings.note(.lost, "nodes.\(node.name)", line: node.line, "addresses of VPCS are not in the file")
    case "docker":
      made.kind = node.image.isEmpty ? options.imagelessKind : options.hostKind ?? .netns
      if made.kind == .container { made.image = node.image } else { made.comments.append("docker\(template)\(image)") }
    default:
      // EVE-NG names the folder that the machine's disks lie in.
      let name = ImageWords.fileName(node.image)
      made.image = node.type == "qemu" && !name.isEmpty ? "\(name).qcow2" : "none"
      made.comments.append("\(node.type)\(template)\(image)")
    }
    if made.kind == .vm {
      made.memory = node.ram > 0 ? UInt64(node.ram) << 20 : nil
      made.cpus = node.cpus > 0 ? node.cpus : nil
    }
    if node.delay > 0 {
      made.comments.append("it starts \(node.delay) s later than the others in EVE-NG")
      findings.note(
        .changed, "nodes.\(node.name).delay", line: node.line, "it is a comment; \"after\" orders starts here")
    }
    if node.hasConfiguration {
      made.comments.append("it has a start-up configuration in the file")
      findings.note(
        .lost, "nodes.\(node.name).config", line: node.line, "the machine's own configuration stays where it is")
    }
    made.nics = nics(of: node, isMachine: made.kind == .vm)
    lab.nodes.append(made)
  }

  // MARK: - NICs

  private mutating func nics(of node: EVELab.Node, isMachine: Bool) -> [ForeignNIC] {
    var names: [Int: String] = [:]
    for (id, name) in Self.ports(of: node) { names[id] = name }
    var linked: [Int: EVELab.Interface] = [:]
    for interface in node.interfaces {
      if interface.isSerial {
        let reason = "a serial line carries no Ethernet frames"
        findings.note(.lost, "nodes.\(node.name).\(interface.name)", line: interface.line, reason)
      } else {
        linked[interface.id] = interface
        names[interface.id] = interface.name
      }
    }
    // Machines number their cards by place: one before a linked one is there as well.
    if node.type == "qemu" || node.type == "docker", let last = names.keys.max() {
      for id in 0..<last where names[id] == nil { names[id] = "e\(id)" }
    }
    let order = names.keys.sorted { Self.place($0, node) < Self.place($1, node) }
    let base = firstMAC(of: node)
    return order.map { id in
      var nic = ForeignNIC(name: names[id] ?? "", line: linked[id]?.line)
      nic.mac = base.flatMap { mac($0 &+ UInt64(id), of: node) }
      nic.segment = segment(of: linked[id], node)
      if isMachine, !node.model.isEmpty, node.model != "virtio-net-pci" {
        nic.model = NICModel(rawValue: node.model)
        if nic.model == nil { nic.comments.append("qemu_nic: \(node.model)") }
      }
      return nic
    }
  }

  /// The ports that a node of its type has, by the numbers that EVE-NG gives them.
  private static func ports(of node: EVELab.Node) -> [(id: Int, name: String)] {
    switch node.type {
    case "iol":
      return (0..<node.ethernet).flatMap { slot in (0..<4).map { (slot + 16 * $0, "e\(slot)/\($0)") } }
    case "dynamips":
      let board = ["c1710": ["e0", "fa0"], "c3725": ["fa0/0", "fa0/1"], "c7200": ["fa0/0"]][node.template] ?? []
      let cards = node.slots.sorted { $0.key < $1.key }.flatMap { slot, module in
        (DynamipsModules.ports(ofModule: module) ?? []).filter { !$0.isSerial && slot > 0 }.map {
          (16 * slot + $0.number, "\($0.word)\(slot)/\($0.number)")
        }
      }
      return board.enumerated().map { ($0.offset, $0.element) } + cards
    default: return (0..<node.ethernet).map { ($0, "e\($0)") }
    }
  }

  /// Where a port stands among its node's; IOL counts slots in the low digits: 0 is e0/0, 16 e0/1, 1 e1/0.
  private static func place(_ id: Int, _ node: EVELab.Node) -> Int {
    node.type == "iol" ? id % 16 * 1024 + id / 16 : id
  }

  private mutating func segment(of interface: EVELab.Interface?, _ node: EVELab.Node) -> String? {
    guard let interface, let id = interface.network else { return nil }
    guard networks[id] != nil else {
      let message = "\(interface.name.inQuotes) of \(node.name.inQuotes) is on network \(id), which is not there"
      findings.fault(message, line: interface.line)
      return nil
    }
    return "network \(id)"
  }

  private mutating func firstMAC(of node: EVELab.Node) -> UInt64? {
    guard !node.firstMAC.isEmpty else { return nil }
    if let bits = MACWords.bits(node.firstMAC) { return bits }
    let reason = "\(node.firstMAC.inQuotes) is no MAC address"
    findings.note(.lost, "nodes.\(node.name).firstmac", line: node.line, reason)
    return nil
  }

  private mutating func mac(_ bits: UInt64, of node: EVELab.Node) -> String? {
    let key = "nodes.\(node.name).firstmac"
    guard let mac = findings.mac(MACWords.text(bits), key, line: node.line) else { return nil }
    if macs.insert(mac).inserted { return mac }
    findings.note(.lost, key, line: node.line, "another NIC has \(mac)")
    return nil
  }
}
