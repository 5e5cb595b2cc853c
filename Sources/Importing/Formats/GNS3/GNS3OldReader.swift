import Topology

/// Reads the files of GNS3 1: no `revision`, or 1 to 4.
///
/// A link names its nodes and their ports by numbers, and each node lists its ports with theirs.
struct GNS3OldReader {
  var findings: Findings
  /// Reads a file beside the project; nil = there is none.
  let file: (String) throws(ImportFault) -> (text: String, path: String)?
  /// By the file's number: place among the nodes, and its ports by the file's numbers.
  private var nodes: [Int: (place: Int, ports: [Int: GNS3Port])] = [:]

  init(findings: Findings, file: @escaping (String) throws(ImportFault) -> (text: String, path: String)?) {
    self.findings = findings
    self.file = file
  }

  mutating func read(_ root: ForeignValue) throws(ImportFaults) -> GNS3Project {
    var project = GNS3Project()
    project.name = findings.text(root["name"], "name")
    let topology = root["topology"]
    for value in findings.mappings(topology?["nodes"], "topology.nodes") {
      guard let number = findings.number(value["id"], "id", in: Self.numbers) else {
        findings.fault("a node has no id", line: value.line)
        continue
      }
      if let first = nodes[number] {
        let earlier = project.nodes[first.place]
        let message = "node id \(number) is the one of \(earlier.name.inQuotes) in line \(earlier.line) too"
        findings.fault(message, line: value.line)
        continue
      }
      let (node, ports) = try node(value, number)
      nodes[number] = (project.nodes.count, ports)
      project.nodes.append(node)
    }
    for value in findings.mappings(topology?["links"], "topology.links") {
      if let link = link(value, &project) { project.links.append(link) }
    }
    return project
  }

  private static let numbers = 0...Int(Int32.max)

  // MARK: - Nodes

  private mutating func node(
    _ value: ForeignValue, _ number: Int
  ) throws(ImportFaults) -> (GNS3Node, [Int: GNS3Port]) {
    let properties = value["properties"] ?? ForeignValue(.mapping([]), line: value.line, column: 1)
    let name = properties["name"]?.text ?? value["label"]?["text"]?.text ?? "node \(number)"
    var word = findings.text(value["type"], "type") ?? ""
    if word.isEmpty, let platform = properties["platform"]?.text { word = platform.uppercased() }
    if word.isEmpty, value["dynamips_id"] != nil || value["router_id"] != nil { word = "C7200" }
    let role = GNS3Node.Role(word: word)
    if role == nil {
      findings.note(.changed, "nodes.\(name).type", line: value.line, "\(word.inQuotes) is taken for a machine")
    }
    var node = GNS3Node(id: "\(number)", name: name, role: role ?? .machine, word: word, line: value.line)
    GNS3Hardware.read(properties, into: &node, &findings)
    let ports = ports(&node, value, properties)
    if node.role == .host {
      for key in ["vm_id", "vpcs_id"] where node.script == nil {
        if let id = value[key]?.text { node.script = try GNS3Scripts.read(id: id, file: file) }
      }
    }
    return (node, ports)
  }

  /// The ports that a node lists, into the node; by the file's numbers.
  private mutating func ports(
    _ node: inout GNS3Node, _ value: ForeignValue, _ properties: ForeignValue
  ) -> [Int: GNS3Port] {
    var known: [Int: GNS3Port] = [:]
    let base = properties["mac_address"]?.text.flatMap { MACWords.bits($0) }
    for (index, item) in findings.mappings(value["ports"], "ports").enumerated() {
      guard let id = findings.number(item["id"], "id", in: Self.numbers) else {
        findings.fault("a port of \(node.name.inQuotes) has no id", line: item.line)
        continue
      }
      let adapter = item["adapter_number"] ?? item["slot_number"]
      let slot = findings.number(adapter, "adapter_number", in: 0...GNS3Reader.mostAdapters) ?? 0
      let number = findings.number(item["port_number"], "port_number", in: 0...GNS3Reader.mostPorts) ?? index
      let port = GNS3Port(adapter: slot, number: number)
      let name = item["name"]?.text ?? "port \(number)"
      guard known[id] == nil, node.ports[port] == nil else {
        let message = "two ports of \(node.name.inQuotes) are port \(number) of card \(slot), or have id \(id)"
        findings.fault(message, line: item.line)
        continue
      }
      var facts = GNS3PortFacts(name: name, line: item.line)
      facts.isSerial = ["Serial", "ATM", "POS"].contains { name.hasPrefix($0) }
      facts.model = properties["adapter_type"]?.text
      facts.mac = base.map { MACWords.text($0 &+ UInt64(slot)) }
      if node.role == .vlanSwitch {
        let kind = item["type"]?.text ?? "access"
        facts.vlan = GNS3VLAN.read(kind, item["vlan"], port: name, node: node.name, &findings)
      }
      known[id] = port
      node.ports[port] = facts
    }
    return known
  }

  // MARK: - Links

  private mutating func link(_ value: ForeignValue, _ project: inout GNS3Project) -> GNS3Link? {
    var ends: [GNS3Link.End] = []
    for side in ["source", "destination"] {
      guard let number = findings.number(value["\(side)_node_id"], "\(side)_node_id", in: Self.numbers),
        let known = nodes[number]
      else {
        let found = value["\(side)_node_id"]?.found ?? "nothing"
        findings.fault("a link's \(side)_node_id is \(found), which is no node", line: value.line)
        return nil
      }
      guard let id = findings.number(value["\(side)_port_id"], "\(side)_port_id", in: Self.numbers) else {
        findings.note(.lost, "links", line: value.line, "a link has no \(side)_port_id")
        return nil
      }
      let node = project.nodes[known.place]
      guard let port = known.ports[id] ?? (node.role == .foreign ? GNS3Port(adapter: 0, number: 0) : nil) else {
        let reason = "\(node.name.inQuotes) has no port of id \(id)"
        findings.note(.lost, "links.\(side)_port_id", line: value["\(side)_port_id"]?.line, reason)
        return nil
      }
      ends.append(GNS3Link.End(node: known.place, port: port))
    }
    return GNS3Link(ends: ends, line: value.line)
  }
}
