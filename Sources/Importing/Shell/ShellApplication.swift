import Topology

/// Puts what a script says of a machine's network into the node, and keeps the rest of its lines.
///
/// Lines that are not understood, or are about what is none of its NICs, become the node's `exec`: a machine or a
/// container runs them, in any other they are comments, and each of them is a note.
struct ShellApplication {
  /// How the file is called in notes.
  let path: String
  /// What the script is, as notes call it: `r1.startup`, `nodes.r1.exec`.
  let key: String
  private var indices: [String: Int] = [:]
  /// Routes that name no NIC, until all addresses are known.
  private var routes: [(to: String, via: String, line: ShellLines.Line)] = []
  private(set) var notes: [ImportNote] = []

  /// - Parameter aliases: other names of the node's NICs, by their places.
  init(path: String, key: String, node: ForeignNode, aliases: [String: Int] = [:]) {
    self.path = path
    self.key = key
    indices = aliases
    for (place, nic) in node.nics.enumerated() {
      if let number = nic.number, indices["eth\(number)"] == nil { indices["eth\(number)"] = place }
    }
    for (place, nic) in node.nics.enumerated() { indices[nic.name] = place }
  }

  /// Reads a script into a node; call `finish` when all of its scripts are read.
  ///
  /// - Parameters:
  ///   - first: the number of its first line in the file.
  ///   - isOneLine: all of it stands in one line of the file.
  mutating func apply(_ script: String, first: Int, isOneLine: Bool = false, to node: inout ForeignNode) {
    for var line in ShellLines.read(script, first: first) {
      if isOneLine { line.number = first }
      apply(line, to: &node)
    }
  }

  private mutating func apply(_ line: ShellLines.Line, to node: inout ForeignNode) {
    guard let fact = line.fact, take(fact, line, &node) else { return keep(line, &node) }
  }

  /// Answers false for what is about no NIC of the node.
  private mutating func take(_ fact: ShellLines.Fact, _ line: ShellLines.Line, _ node: inout ForeignNode) -> Bool {
    switch fact {
    case .nothing: return true
    case .several(let facts):
      var isTaken = true
      for fact in facts { isTaken = take(fact, line, &node) && isTaken }
      return isTaken
    case .sysctl(let key, let value): return takeSysctl(key, value, &node)
    case .route(let to, let via, let nic):
      guard let nic else {
        routes.append((to, via, line))
        return true
      }
      return change(nic, &node) { Self.add((to, via), to: &$0) }
    case .address(let nic, let address):
      return change(nic, &node) { if !$0.addresses.contains(address) { $0.addresses.append(address) } }
    case .addressGone(let nic, let address):
      return change(nic, &node) { nic in nic.addresses.removeAll { address == nil || $0 == address } }
    case .mac(let nic, let mac): return change(nic, &node) { $0.mac = mac }
    case .mtu(let nic, let mtu): return change(nic, &node) { $0.mtu = mtu }
    case .renamed(let nic, let name):
      guard let place = indices[nic] else { return false }
      indices[name] = place
      notes.append(
        ImportNote(
          .changed, path: path, line: line.number, key: "\(key): \(nic)", reason: "its name \(name) is no name here"))
      return true
    case .impairment(let nic, let value):
      return change(nic, &node) { $0.fromNode = $0.fromNode.followed(by: value) }
    }
  }

  private func change(_ nic: String, _ node: inout ForeignNode, _ body: (inout ForeignNIC) -> Void) -> Bool {
    guard let place = indices[nic], node.nics.indices.contains(place) else { return false }
    body(&node.nics[place])
    return true
  }

  private static func add(_ route: (to: String, via: String), to nic: inout ForeignNIC) {
    if route.to == "default" {
      if !nic.gateways.contains(route.via) { nic.gateways.append(route.via) }
    } else if !nic.routes.contains(where: { $0 == route }) {
      nic.routes.append(route)
    }
  }

  private func takeSysctl(_ key: String, _ value: String, _ node: inout ForeignNode) -> Bool {
    let forwarding = [
      "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.forwarding",
      "net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding",
    ]
    if forwarding.contains(key), value == "1" {
      node.isForwarding = true
      return true
    }
    guard key.hasPrefix("net.") else { return false }
    node.sysctl.removeAll { $0.key == key }
    node.sysctl.append((key, value))
    return true
  }

  /// Routes that name no NIC go to the one whose subnet has the next hop; lines about none are kept.
  mutating func finish(_ node: inout ForeignNode) {
    for route in routes {
      guard let gateway = IPAddress(Substring(route.via)),
        let place = node.nics.firstIndex(where: { nic in
          nic.addresses.contains { IPPrefix($0)?.contains(gateway) ?? false }
        })
      else {
        keep(route.line, &node)
        continue
      }
      Self.add((route.to, route.via), to: &node.nics[place])
    }
    routes = []
  }

  private mutating func keep(_ line: ShellLines.Line, _ node: inout ForeignNode) {
    node.exec.append((line.text, line.number))
    let runs = [.vm, .container].contains(node.kind)
    let reason =
      line.fact != nil ? "about none of the node's NICs: \(line.text)" : "nobody runs it here: \(line.text)"
    notes.append(
      ImportNote(
        runs ? .changed : .lost, path: path, line: line.number, key: key,
        reason: runs ? "it is run when the node is up: \(line.text)" : reason))
  }
}
