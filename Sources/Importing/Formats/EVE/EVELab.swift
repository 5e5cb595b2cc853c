import Topology

/// What a lab of EVE-NG declares.
struct EVELab {
  struct Network {
    var id: Int
    var name: String
    /// `bridge`, `ovs`, or what leads out of the lab, such as `pnet0`.
    var type: String
    var line: Int
  }

  /// An interface that the file has: those without a link are left out there.
  struct Interface {
    var id: Int
    var name: String
    var isSerial: Bool
    /// Nil = it is on no network.
    var network: Int?
    var line: Int
  }

  struct Node {
    var id: Int
    var name: String
    /// `qemu`, `iol`, `dynamips`, `docker` or `vpcs`.
    var type: String
    var template: String
    var image: String
    /// NICs, or of `iol` slots of four.
    var ethernet: Int
    /// MiB.
    var ram: Int
    var cpus: Int
    var model: String
    var firstMAC: String
    /// Seconds.
    var delay: Int
    var hasConfiguration: Bool
    /// Cards of a router of Dynamips, by slot.
    var slots: [Int: String]
    var interfaces: [Interface]
    var line: Int
  }

  var name: String
  var nodes: [Node] = []
  var networks: [Network] = []

  init(_ root: XMLElement, _ findings: inout Findings) {
    name = root.attributes["name"] ?? ""
    let topology = root.first("topology")
    var configured: Set<Int> = []
    for config in root.first("objects")?.first("configs")?.all("config") ?? [] {
      guard let id = Int(config.attributes["id"] ?? ""), !config.text.allSatisfy(\.isWhitespace) else { continue }
      configured.insert(id)
    }
    var lines: [Int: Int] = [:]
    for element in topology?.first("networks")?.all("network") ?? [] {
      guard let network = Self.network(element, &findings) else { continue }
      if let line = lines.updateValue(element.line, forKey: network.id) {
        findings.fault("network \(network.id) is the one of line \(line) too", line: element.line)
      }
      networks.append(network)
    }
    lines = [:]
    for element in topology?.first("nodes")?.all("node") ?? [] {
      guard let node = Self.node(element, configured, &findings) else { continue }
      let count = node.type == "iol" ? 4 * node.ethernet : node.ethernet
      guard findings.hasRoom(forNICs: max(count, (node.interfaces.map(\.id).max() ?? 0) + 1), line: node.line) else {
        break
      }
      if let line = lines.updateValue(element.line, forKey: node.id) {
        findings.fault("node \(node.id) is the one of line \(line) too", line: element.line)
      }
      nodes.append(node)
    }
  }

  private static let ids = 0...Int(Int32.max)

  private static func network(_ element: XMLElement, _ findings: inout Findings) -> Network? {
    guard let id = number(element, "id", in: ids, &findings) else {
      findings.fault("a network has no id", line: element.line)
      return nil
    }
    let name = element.attributes["name"] ?? ""
    return Network(id: id, name: name, type: element.attributes["type"] ?? "bridge", line: element.line)
  }

  private static func node(_ element: XMLElement, _ configured: Set<Int>, _ findings: inout Findings) -> Node? {
    guard let id = number(element, "id", in: ids, &findings) else {
      findings.fault("a node has no id", line: element.line)
      return nil
    }
    let words = element.attributes
    let type = words["type"] ?? "qemu"
    var node = Node(
      id: id, name: words["name"] ?? "node\(id)", type: type, template: words["template"] ?? "",
      image: words["image"] ?? "", ethernet: 0, ram: 0, cpus: 0, model: words["qemu_nic"] ?? "",
      firstMAC: words["firstmac"] ?? "", delay: 0, hasConfiguration: configured.contains(id), slots: [:],
      interfaces: [], line: element.line)
    let most = type == "iol" ? 16 : 1024
    node.ethernet = number(element, "ethernet", in: 0...most, &findings) ?? (type == "vpcs" ? 1 : 0)
    node.ram = number(element, "ram", in: 0...1 << 20, &findings) ?? 0
    node.cpus = number(element, "cpu", in: 0...1024, &findings) ?? 0
    node.delay = number(element, "delay", in: 0...86400, &findings) ?? 0
    for slot in 0...6 { node.slots[slot] = words["slot\(slot)"] }
    var lines: [Int: Int] = [:]
    for child in element.all("interface") {
      guard let interface = interface(child, of: node, &findings) else { continue }
      guard !interface.isSerial else {
        node.interfaces.append(interface)
        continue
      }
      if let line = lines.updateValue(child.line, forKey: interface.id) {
        findings.fault("interface \(interface.id) of node \(id) is the one of line \(line) too", line: child.line)
      }
      node.interfaces.append(interface)
    }
    return node
  }

  private static func interface(_ element: XMLElement, of node: Node, _ findings: inout Findings) -> Interface? {
    guard let id = number(element, "id", in: 0...1023, &findings) else {
      findings.fault("an interface has no id", line: element.line)
      return nil
    }
    let name = element.attributes["name"] ?? "e\(id)"
    let network = number(element, "network_id", in: ids, &findings)
    let isSerial = element.attributes["type"] == "serial"
    for (key, value) in element.attributes.sorted(by: { $0.key < $1.key })
    where qualities.contains(key) && value != "" && value != "0" {
      findings.note(
        .lost, "nodes.\(node.name).\(name).\(key)", line: element.line, "\(value.inQuotes) of a line is left out")
    }
    return Interface(id: id, name: name, isSerial: isSerial, network: network == 0 ? nil : network, line: element.line)
  }

  /// What later versions say of an interface beyond its place.
  private static let qualities: Set<String> = ["quality", "suspend", "susp", "delay", "jitter", "loss", "bandwidth"]

  private static func number(
    _ element: XMLElement, _ key: String, in range: ClosedRange<Int>, _ findings: inout Findings
  ) -> Int? {
    guard let text = element.attributes[key], !text.isEmpty else { return nil }
    let value = ForeignValue(.scalar(text, isPlain: false), line: element.line, column: 1)
    return findings.number(value, "\(element.name): \(key)", in: range)
  }
}
