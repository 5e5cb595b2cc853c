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
  /// What the script says of NICs, by their places.
  private var lists: [Int: NICLists] = [:]
  /// Lines that set NICs down, by the NICs' places.
  private var down: [Int: Int] = [:]
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
    // A line is taken as a whole or kept as a whole.
    guard let fact = line.fact, isOurs(fact, node) else { return keep(line, &node) }
    take(fact, line, &node)
  }

  /// Whether all that a line says is about the node and its NICs.
  private func isOurs(_ fact: ShellLines.Fact, _ node: ForeignNode) -> Bool {
    switch fact {
    case .nothing, .state(_, isUp: true), .route(_, _, nic: nil): true
    case .several(let facts): facts.allSatisfy { isOurs($0, node) }
    case .sysctl(let key, _): key.hasPrefix("net.")
    case .route(_, _, let nic?), .address(let nic, _), .addressGone(let nic, _), .mac(let nic, _), .mtu(let nic, _),
      .renamed(let nic, _), .impairment(let nic, _), .state(let nic, _):
      indices[nic].map { node.nics.indices.contains($0) } ?? false
    }
  }

  private mutating func take(_ fact: ShellLines.Fact, _ line: ShellLines.Line, _ node: inout ForeignNode) {
    switch fact {
    case .nothing: break
    case .several(let facts): for fact in facts { take(fact, line, &node) }
    case .sysctl(let key, let value): Self.set(key, value, &node)
    case .route(let to, let via, nil): routes.append((to, via, line))
    case .route(let to, let via, let nic?): change(nic, node) { $0.add(to: to, via: via) }
    case .address(let nic, let address): change(nic, node) { $0.addresses.add(address) }
    case .addressGone(let nic, let address?): change(nic, node) { $0.addresses.remove(address) }
    case .addressGone(let nic, nil): change(nic, node) { $0.addresses = InOrder([]) }
    case .renamed(let nic, let name):
      indices[name] = indices[nic]
      let reason = "its name \(name) is no name here"
      notes.append(ImportNote(.changed, path: path, line: line.number, key: "\(key): \(nic)", reason: reason))
    case .mac(let nic, _), .mtu(let nic, _), .impairment(let nic, _), .state(let nic, _):
      guard let place = indices[nic], node.nics.indices.contains(place) else { return }
      if case .state(_, let isUp) = fact { down[place] = isUp ? nil : line.number }
      Self.set(fact, &node.nics[place])
    }
  }

  private static func set(_ fact: ShellLines.Fact, _ nic: inout ForeignNIC) {
    switch fact {
    case .mac(_, let mac): nic.mac = mac
    case .mtu(_, let mtu): nic.mtu = mtu
    case .impairment(_, let value): nic.fromNode = nic.fromNode.followed(by: value)
    case .state(_, let isUp): nic.isDown = !isUp
    default: break
    }
  }

  private mutating func change(_ nic: String, _ node: ForeignNode, _ body: (inout NICLists) -> Void) {
    guard let place = indices[nic], node.nics.indices.contains(place) else { return }
    body(&lists[place, default: NICLists(node.nics[place])])
  }

  private static func set(_ key: String, _ value: String, _ node: inout ForeignNode) {
    let forwarding = [
      "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.forwarding",
      "net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding",
    ]
    if forwarding.contains(key), value == "1" {
      node.isForwarding = true
    } else {
      node.sysctl.append((key, value))
    }
  }

  /// Routes that name no NIC go to the one whose subnet has the next hop; lines about none are kept.
  mutating func finish(_ node: inout ForeignNode) {
    for (place, known) in lists { known.put(into: &node.nics[place]) }
    let subnets = Subnets(of: node)
    for route in routes {
      guard let place = IPAddress(Substring(route.via)).flatMap({ subnets.place(of: $0) }) else {
        keep(route.line, &node)
        continue
      }
      lists[place, default: NICLists(node.nics[place])].add(to: route.to, via: route.via)
    }
    for (place, known) in lists { known.put(into: &node.nics[place]) }
    // The last value of a key counts, at its place among the others.
    node.sysctl = LastOfEach.of(node.sysctl)
    for (place, line) in down.sorted(by: { $0.key < $1.key }) {
      let reason = "it is down there: `apus link set PORT down` does so here"
      let key = "\(key): \(node.nics[place].name)"
      notes.append(ImportNote(.lost, path: path, line: line, key: key, reason: reason))
    }
    (routes, lists, down) = ([], [:], [:])
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
