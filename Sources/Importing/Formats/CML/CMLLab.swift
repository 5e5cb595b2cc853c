import Topology

/// What a lab of CML declares.
struct CMLLab {
  struct Interface {
    var id: String
    var label: String
    /// Nil = the file says none.
    var slot: Int?
    var mac: String?
    var line: Int
  }

  /// One text of a node's configuration.
  struct Document {
    /// Such as `node.cfg` or `user-data`; empty = the only one, as versions before 0.3.0 have it.
    var name: String
    var text: String
    /// Of its first line.
    var line: Int
  }

  struct Node {
    var id: String
    var label: String
    var definition: String
    var image: String
    /// MiB.
    var ram: Int
    var cpus: Int
    var documents: [Document]
    /// Physical ones in the order of their slots.
    var interfaces: [Interface]
    /// By their ids: places among the physical ones.
    var indices: [String: Int] = [:]
    /// Ids of those that carry no frames.
    var loopbacks: Set<String>
    var line: Int
  }

  struct Link {
    struct End: Hashable {
      /// Of the node in the lab.
      var node: Int
      /// Of the interface among the node's physical ones.
      var interface: Int
    }

    var ends: [End]
    var impairment: ForeignImpairment
    var line: Int
  }

  private(set) var title: String
  private(set) var nodes: [Node] = []
  private(set) var links: [Link] = []

  init(_ root: ForeignValue, _ findings: inout Findings) {
    title = findings.text(root["lab"]?["title"], "lab.title") ?? ""
    var places: [String: Int] = [:]
    for value in findings.mappings(root["nodes"], "nodes") {
      guard let node = Self.node(value, &findings) else { continue }
      if let first = places[node.id] {
        let message = "node id \(node.id.inQuotes) is the one of line \(nodes[first].line) too"
        findings.fault(message, line: node.line)
        continue
      }
      places[node.id] = nodes.count
      nodes.append(node)
    }
    for value in findings.mappings(root["links"], "links") {
      if let link = link(value, places, &findings) { links.append(link) }
    }
  }

  // MARK: - Nodes

  private static func node(_ value: ForeignValue, _ findings: inout Findings) -> Node? {
    guard let id = findings.text(value["id"], "id") else {
      findings.fault("a node has no id", line: value.line)
      return nil
    }
    let label = findings.text(value["label"], "label") ?? id
    var node = Node(
      id: id, label: label, definition: findings.text(value["node_definition"], "node_definition") ?? "",
      image: findings.text(value["image_definition"], "image_definition") ?? "",
      ram: findings.number(value["ram"], "\(label): ram", in: 0...1 << 20) ?? 0,
      cpus: findings.number(value["cpus"], "\(label): cpus", in: 0...1024) ?? 0,
      documents: documents(value["configuration"], &findings), interfaces: [], loopbacks: [], line: value.line)
    var lines: [String: Int] = [:]
    for item in findings.mappings(value["interfaces"], "interfaces") {
      guard let id = findings.text(item["id"], "id") else {
        findings.fault("an interface of \(label.inQuotes) has no id", line: item.line)
        continue
      }
      if let line = lines.updateValue(item.line, forKey: id) {
        findings.fault("interface \(id.inQuotes) of \(label.inQuotes) is the one of line \(line) too", line: item.line)
        continue
      }
      let name = findings.text(item["label"], "label") ?? id
      if item["type"]?.text == "loopback" || item["type"] == nil && name.hasPrefix("Loopback") {
        node.loopbacks.insert(id)
        continue
      }
      let slot = findings.number(item["slot"], "slot", in: 0...65_535)
      let mac = findings.text(item["mac_address"], "mac_address")
      node.interfaces.append(Interface(id: id, label: name, slot: slot, mac: mac, line: item.line))
    }
    let order = node.interfaces.enumerated().sorted { one, other in
      (one.element.slot ?? Int.max, one.offset) < (other.element.slot ?? Int.max, other.offset)
    }
    node.interfaces = order.map(\.element)
    for (index, interface) in node.interfaces.enumerated() { node.indices[interface.id] = index }
    return node
  }

  /// A text, or since 0.3.0 a list of texts with names.
  private static func documents(_ value: ForeignValue?, _ findings: inout Findings) -> [Document] {
    guard let value, !value.isNull else { return [] }
    if let text = value.text { return [Document(name: "", text: text, line: first(value, text))] }
    var documents: [Document] = []
    for item in findings.mappings(value, "configuration") {
      guard let content = item["content"], let text = findings.text(content, "content"), !text.isEmpty else { continue }
      let name = findings.text(item["name"], "name") ?? ""
      documents.append(Document(name: name, text: text, line: first(content, text)))
    }
    return documents
  }

  /// The line in which a text begins: below its key when it has several.
  private static func first(_ value: ForeignValue, _ text: String) -> Int {
    value.line + (text.contains(where: \.isNewline) ? 1 : 0)
  }

  // MARK: - Links

  private func link(_ value: ForeignValue, _ places: [String: Int], _ findings: inout Findings) -> Link? {
    var ends: [Link.End] = []
    for (node, interface) in [("n1", "i1"), ("n2", "i2")] {
      guard let id = value[node]?.text, let place = places[id] else {
        findings.fault(
          "a link's \(node) is \(value[node]?.found ?? "nothing"), which is no node",
          line: value[node]?.line ?? value.line)
        return nil
      }
      let owner = nodes[place]
      guard let port = value[interface]?.text, let index = owner.indices[port] else {
        let found = value[interface]?.text ?? ""
        let what = owner.loopbacks.contains(found) ? "a loopback of" : "no interface of"
        let message = "a link's \(interface) is \(found.inQuotes), which is \(what) \(owner.label.inQuotes)"
        findings.fault(message, line: value[interface]?.line ?? value.line)
        return nil
      }
      ends.append(Link.End(node: place, interface: index))
    }
    return Link(ends: ends, impairment: Self.impairment(value["conditioning"], &findings), line: value.line)
  }

  /// What happens to frames in each direction.
  private static func impairment(_ value: ForeignValue?, _ findings: inout Findings) -> ForeignImpairment {
    var impairment = ForeignImpairment()
    guard let value, let entries = value.mapping, value["enabled"]?.boolean != false else { return impairment }
    for (key, line, value) in entries where !value.isNull && value.text != "0" {
      switch key {
      case "bandwidth":
        // Ours are at least a kilobit a second, as theirs.
        impairment.rate = findings.number(value, "conditioning.bandwidth", in: 0...1_000_000_000).map {
          UInt64($0) * 1000
        }
      case "latency": impairment.delayMicroseconds = microseconds(value, key, &findings)
      case "jitter": impairment.jitterMicroseconds = microseconds(value, key, &findings)
      case "loss": impairment.lossPercent = percent(value, key, &findings)
      case "duplicate": impairment.duplicatePercent = percent(value, key, &findings)
      case "corrupt_prob": impairment.corruptPercent = percent(value, key, &findings)
      case "enabled": continue
      default: findings.note(.lost, "links.conditioning.\(key)", line: line, "it has no equal here")
      }
    }
    impairment.jitterMicroseconds = min(impairment.jitterMicroseconds, impairment.delayMicroseconds)
    return impairment
  }

  private static func microseconds(_ value: ForeignValue, _ key: String, _ findings: inout Findings) -> UInt64 {
    UInt64(findings.number(value, "conditioning.\(key)", in: 0...3_600_000) ?? 0) * 1000
  }

  private static func percent(_ value: ForeignValue, _ key: String, _ findings: inout Findings) -> Double {
    if let text = value.text, let number = Double(text), (0...100).contains(number) { return number }
    findings.fault("conditioning.\(key) must be a number from 0 to 100, found \(value.found)", line: value.line)
    return 0
  }
}
