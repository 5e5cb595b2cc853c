import Topology

/// Reads the files of GNS3 2 and later, `revision` 5 and up.
struct GNS3Reader {
  /// Cards that GNS3 itself lets a machine have.
  static let mostAdapters = 275
  /// Ports of a card or of a switch.
  static let mostPorts = 65_535

  var findings: Findings
  /// Reads a file beside the project; nil = there is none.
  let file: (String) throws(ImportFault) -> (text: String, path: String)?
  private var nodes: [String: Int] = [:]

  init(findings: Findings, file: @escaping (String) throws(ImportFault) -> (text: String, path: String)?) {
    self.findings = findings
    self.file = file
  }

  mutating func read(_ root: ForeignValue) throws(ImportFaults) -> GNS3Project {
    var project = GNS3Project()
    project.name = findings.text(root["name"], "name")
    let topology = root["topology"]
    for value in findings.mappings(topology?["nodes"], "topology.nodes") {
      guard let node = try node(value) else { continue }
      if let first = nodes[node.id] {
        let earlier = project.nodes[first]
        let message = "node_id \(node.id.inQuotes) is the one of \(earlier.name.inQuotes) in line \(earlier.line) too"
        findings.fault(message, line: node.line)
        continue
      }
      guard findings.hasRoom(forNICs: node.ports.count, line: node.line) else { break }
      nodes[node.id] = project.nodes.count
      project.nodes.append(node)
    }
    for value in findings.mappings(topology?["links"], "topology.links") {
      if let link = link(value) { project.links.append(link) }
    }
    return project
  }

  // MARK: - Nodes

  private mutating func node(_ value: ForeignValue) throws(ImportFaults) -> GNS3Node? {
    guard let id = findings.text(value["node_id"], "node_id") else {
      findings.fault("a node has no node_id", line: value.line)
      return nil
    }
    guard let word = findings.text(value["node_type"], "node_type") else {
      findings.fault("node \(id.inQuotes) has no node_type", line: value.line)
      return nil
    }
    let name = findings.text(value["name"], "name") ?? id
    let role = GNS3Node.Role(word: word)
    if role == nil {
      findings.note(
        .changed, "nodes.\(name).node_type", line: value["node_type"]?.line, "\(word.inQuotes) is taken for a machine")
    }
    var node = GNS3Node(id: id, name: name, role: role ?? .machine, word: word, line: value.line)
    let properties = value["properties"] ?? ForeignValue(.mapping([]), line: value.line, column: 1)
    GNS3Hardware.read(properties, into: &node, &findings)
    if node.role == .container { container(&node, properties) }
    switch word {
    case "dynamips": slots(&node, properties)
    case "iou": adapters(&node, properties)
    case "vpcs", "traceng": node.ports[GNS3Port(adapter: 0, number: 0)] = GNS3PortFacts(name: "Ethernet0")
    case "nat": node.ports[GNS3Port(adapter: 0, number: 0)] = GNS3PortFacts(name: "nat0")
    default:
      if node.role == .machine || node.role == .container {
        cards(&node, value, properties)
      } else {
        mapping(&node, properties)
      }
    }
    try script(&node, properties)
    return node
  }

  private mutating func container(_ node: inout GNS3Node, _ properties: ForeignValue) {
    node.command = findings.text(properties["start_command"], "start_command").flatMap { $0.isEmpty ? nil : $0 }
    for line in (findings.text(properties["environment"], "environment") ?? "").split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if parts.count == 2, !parts[0].isEmpty { node.environment.append((parts[0], parts[1])) }
    }
    node.environment = LastOfEach.of(node.environment)
    if let volumes = properties["extra_volumes"], volumes.list?.isEmpty == false {
      findings.note(.lost, "nodes.\(node.name).extra_volumes", line: volumes.line, "containers keep no volumes here")
    }
  }

  /// The cards of a machine of QEMU, Docker, VirtualBox or VMware: one port each.
  private mutating func cards(_ node: inout GNS3Node, _ value: ForeignValue, _ properties: ForeignValue) {
    let count = findings.number(properties["adapters"], "\(node.name): adapters", in: 0...Self.mostAdapters) ?? 1
    let format = value["port_name_format"]?.text ?? "Ethernet{0}"
    let model = properties["adapter_type"]?.text
    let base = mac(of: node, properties)
    for index in 0..<count {
      var facts = GNS3PortFacts(name: index == 0 ? value["first_port_name"]?.text ?? "" : "")
      if facts.name.isEmpty { facts.name = Self.name(format, index) }
      facts.model = model
      facts.mac = base.map { MACWords.text($0 &+ UInt64(index)) }
      node.ports[GNS3Port(adapter: index, number: 0)] = facts
    }
    for custom in findings.mappings(value["custom_adapters"] ?? properties["custom_adapters"], "custom_adapters") {
      let range = 0...Self.mostAdapters - 1
      guard let index = findings.number(custom["adapter_number"], "adapter_number", in: range) else { continue }
      let port = GNS3Port(adapter: index, number: 0)
      guard var facts = node.ports[port] else { continue }
      facts.line = custom.line
      if let name = custom["port_name"]?.text, !name.isEmpty { facts.name = name }
      if let type = custom["adapter_type"]?.text, !type.isEmpty { facts.model = type }
      if let mac = custom["mac_address"]?.text, !mac.isEmpty { facts.mac = mac }
      node.ports[port] = facts
    }
  }

  /// The address of the first card of a machine: its own, or what QEMU's gets from the node's id.
  private mutating func mac(of node: GNS3Node, _ properties: ForeignValue) -> UInt64? {
    guard node.word == "qemu" else { return nil }
    let text = properties["mac_address"]?.text ?? ""
    if !text.isEmpty {
      if let bits = MACWords.bits(text) { return bits }
      let key = "nodes.\(node.name).mac_address"
      findings.note(.lost, key, line: properties["mac_address"]?.line, "\(text.inQuotes) is no MAC address")
      return nil
    }
    guard node.id.utf8.count == 36, let bits = UInt64(node.id.dropFirst(2).prefix(6), radix: 16) else { return nil }
    return 0x0c << 40 | bits << 16
  }

  /// Bytes of a format that is used: each card's name repeats it.
  private static let longestFormat = 64

  /// The name of a card's port: `{0}` and `{port0}` count from 0, `{port1}` from 1.
  private static func name(_ format: String, _ index: Int) -> String {
    guard format.utf8.count <= longestFormat else { return "Ethernet\(index)" }
    var name = format
    for (word, number) in [("{0}", index), ("{port0}", index), ("{1}", index + 1), ("{port1}", index + 1)] {
      name = name.split(separator: word, omittingEmptySubsequences: false).joined(separator: "\(number)")
    }
    return name.contains("{") ? "Ethernet\(index)" : name
  }

  /// The cards of an IOU device: four ports each, those with Ethernet first.
  private mutating func adapters(_ node: inout GNS3Node, _ properties: ForeignValue) {
    let ethernet = findings.number(properties["ethernet_adapters"], "ethernet_adapters", in: 0...16) ?? 2
    let serial = findings.number(properties["serial_adapters"], "serial_adapters", in: 0...16) ?? 2
    for adapter in 0..<ethernet + serial {
      let isSerial = adapter >= ethernet
      for number in 0..<4 {
        let name = "\(isSerial ? "Serial" : "Ethernet")\(adapter)/\(number)"
        node.ports[GNS3Port(adapter: adapter, number: number)] = GNS3PortFacts(name: name, isSerial: isSerial)
      }
    }
  }

  /// The cards of a router of Dynamips.
  private mutating func slots(_ node: inout GNS3Node, _ properties: ForeignValue) {
    for slot in 0...6 {
      guard let module = properties["slot\(slot)"]?.text else { continue }
      guard let ports = DynamipsModules.ports(ofModule: module) else {
        let line = properties["slot\(slot)"]?.line
        findings.note(
          .changed, "nodes.\(node.name).slot\(slot)", line: line,
          "the card \(module.inQuotes) is not known: its ports are those that are linked")
        continue
      }
      for port in ports {
        let name = "\(port.word)\(slot)/\(port.number)"
        node.ports[GNS3Port(adapter: slot, number: port.number)] = GNS3PortFacts(name: name, isSerial: port.isSerial)
      }
    }
    for bay in 0...2 {
      let card = properties["wic\(bay)"]?.text ?? ""
      for port in DynamipsModules.ports(ofCard: card, bay: bay) ?? [] {
        let name = "\(port.word)0/\(port.number)"
        node.ports[GNS3Port(adapter: 0, number: port.number)] = GNS3PortFacts(name: name, isSerial: port.isSerial)
      }
    }
  }

  /// The ports of a switch, a hub or a cloud.
  private mutating func mapping(_ node: inout GNS3Node, _ properties: ForeignValue) {
    for value in findings.mappings(properties["ports_mapping"], "ports_mapping") {
      let range = 0...Self.mostPorts
      guard let number = findings.number(value["port_number"], "port_number", in: range) else { continue }
      var facts = GNS3PortFacts(name: value["name"]?.text ?? "port \(number)", line: value.line)
      if node.role == .vlanSwitch {
        let kind = value["type"]?.text ?? "access"
        facts.vlan = GNS3VLAN.read(kind, value["vlan"], port: facts.name, node: node.name, &findings)
      }
      node.ports[GNS3Port(adapter: 0, number: number)] = facts
    }
  }

  /// What a small host is told when it starts.
  private mutating func script(_ node: inout GNS3Node, _ properties: ForeignValue) throws(ImportFaults) {
    guard node.role == .host else { return }
    if let text = properties["ip_address"]?.text, !text.isEmpty {
      node.address = (text, properties["default_gateway"]?.text)
    }
    if let text = properties["startup_script"]?.text, !text.isEmpty {
      node.script = (text, findings.path)
      return
    }
    node.script = try GNS3Scripts.read(id: node.id, file: file)
  }

  // MARK: - Links

  private mutating func link(_ value: ForeignValue) -> GNS3Link? {
    let values = findings.mappings(value["nodes"], "links.nodes")
    guard values.count == 2 else {
      findings.fault("a link has two nodes, this one has \(values.count)", line: value.line)
      return nil
    }
    var ends: [GNS3Link.End] = []
    for end in values {
      guard let id = end["node_id"]?.text, let node = nodes[id] else {
        findings.fault(
          "a link leads to node \((end["node_id"]?.text ?? "").inQuotes), which is not there", line: end.line)
        return nil
      }
      let adapter = findings.number(end["adapter_number"], "adapter_number", in: 0...Self.mostAdapters - 1)
      let number = findings.number(end["port_number"], "port_number", in: 0...Self.mostPorts)
      guard let adapter, let number else {
        findings.fault("a link's end has no adapter_number and port_number", line: end.line)
        return nil
      }
      ends.append(GNS3Link.End(node: node, port: GNS3Port(adapter: adapter, number: number)))
    }
    var link = GNS3Link(ends: ends, line: value.line)
    link.isSuspended = value["suspend"]?.boolean ?? false
    if let filters = value["filters"]?.mapping { link.impairment = GNS3Filters.read(filters, &findings) }
    return link
  }
}
