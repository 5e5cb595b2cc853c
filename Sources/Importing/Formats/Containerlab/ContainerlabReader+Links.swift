import Topology

/// Links and their ends.
extension ContainerlabReader {
  /// An end of a link as it is written.
  struct End {
    var node: String
    var interface: String
    var line: Int
    var mac: String?
    var addresses: [String] = []
  }

  mutating func readLinks(_ links: ForeignValue?) {
    guard let links, !links.isNull else { return }
    guard let items = links.list else { return fault(links.line, "\"links\" must be a list, found \(links.found)") }
    for (number, link) in items.enumerated() {
      guard link.mapping != nil else {
        fault(link.line, "a link must be a mapping with \"endpoints\", found \(link.found)")
        continue
      }
      for entry in link.mapping ?? [] where !Self.linkKeys.contains(entry.key) {
        note(.lost, entry.line, "links.\(entry.key)", "it is not known here")
      }
      switch link["type"]?.text ?? "veth" {
      case "veth", "veth-stitch": readPair(link, number)
      case "host": readHost(link, number)
      case "dummy": readDummy(link, number)
      case "mgmt-net", "macvlan", "vxlan", "vxlan-stitch": readUplink(link)
      case let type: fault(link["type"]?.line ?? link.line, "there is no type of links called \"\(type)\"")
      }
    }
  }

  private static let linkKeys: Set<String> = [
    "type", "endpoints", "endpoint", "mtu", "vars", "labels", "host-interface", "remote", "vni", "dst-port", "src-port",
    "udp-port", "mode", "mac", "ipv4", "ipv6", "name",
  ]

  // MARK: - ends

  /// The end `node:interface`, cut at the first colon, or a mapping of both.
  private mutating func end(_ value: ForeignValue) -> End? {
    if let text = value.text {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        fault(value.line, "an end must be NODE:INTERFACE, found \"\(text)\"")
        return nil
      }
      return End(node: String(parts[0]), interface: String(parts[1]), line: value.line)
    }
    guard let node = value["node"]?.text, let interface = value["interface"]?.text else {
      fault(
        value.line, "an end must be NODE:INTERFACE, or a mapping of \"node\" and \"interface\", found \(value.found)")
      return nil
    }
    var end = End(node: node, interface: interface, line: value.line, mac: value["mac"]?.text)
    end.addresses = ["ipv4", "ipv6"].compactMap { value[$0]?.text }
    return end
  }

  /// The one end of a link of a type with a mapping `endpoint`.
  private mutating func only(_ link: ForeignValue) -> End? {
    if let value = link["endpoint"] {
      guard var end = end(value) else { return nil }
      end.mac = end.mac ?? link["mac"]?.text
      return end
    }
    guard let items = link["endpoints"]?.list, items.count == 1 else {
      fault(link.line, "a link of type \(link["type"]?.text ?? "") needs \"endpoint\"")
      return nil
    }
    return end(items[0])
  }

  private mutating func readPair(_ link: ForeignValue, _ number: Int) {
    guard let value = link["endpoints"] else { return fault(link.line, "a link needs \"endpoints\"") }
    guard let items = value.list, items.count == 2 else {
      return fault(value.line, "a link has two ends, found \(value.list.map { "\($0.count)" } ?? value.found)")
    }
    let (first, second) = (end(items[0]), end(items[1]))
    guard var first, var second else { return }
    for key in ["ipv4", "ipv6"] {
      guard let list = link[key]?.list, list.count == 2 else { continue }
      if let text = list[0].text { first.addresses.append(text) }
      if let text = list[1].text { second.addresses.append(text) }
    }
    join(first, second, mtu: mtu(link), number)
  }

  private mutating func mtu(_ link: ForeignValue) -> Int? {
    guard let value = link["mtu"] else { return nil }
    guard let mtu = value.text.flatMap({ Int($0) }) else {
      fault(value.line, "\"mtu\" must be a number, found \(value.found)")
      return nil
    }
    return mtu
  }

  /// Words before the colon that name no node.
  private static let reserved: Set<String> = ["host", "mgmt-net", "macvlan"]

  private mutating func join(_ first: End, _ second: End, mtu: Int?, _ number: Int) {
    let ends = [first, second]
    let uplinks = ends.filter { Self.reserved.contains($0.node) && roles[$0.node] == nil }
    if let uplink = uplinks.first {
      guard uplinks.count == 1,
        let inner = ends.first(where: { !Self.reserved.contains($0.node) || roles[$0.node] != nil })
      else { return fault(first.line, "no end of the link is a node") }
      guard uplink.node == "host" else { return leave(inner, "\(uplink.node):\(uplink.interface)", mtu: mtu) }
      return joinHost(inner, uplink.interface, uplink.line, mtu: mtu, number)
    }
    switch (role(first), role(second)) {
    case (.segment(let one)?, .segment(let other)?):
      lab.segments[one].joined.append((lab.segments[other].id, .none))
    case (.segment(let place)?, .node?): plug(second, into: lab.segments[place].id, mtu: mtu)
    case (.node?, .segment(let place)?): plug(first, into: lab.segments[place].id, mtu: mtu)
    case (.node?, .node?):
      let id = "link \(number)"
      lab.segments.append(ForeignSegment(id: id, line: first.line))
      plug(first, into: id, mtu: mtu)
      plug(second, into: id, mtu: mtu)
    default: return
    }
  }

  private mutating func role(_ end: End) -> Role? {
    if let role = roles[end.node] { return role }
    fault(end.line, "there is no node \"\(end.node)\"")
    return nil
  }

  /// Gives a node a NIC on a segment; nil = plugged in nowhere.
  private mutating func plug(_ end: End, into segment: String?, mtu: Int?, comment: String? = nil) {
    guard case .node(let place)? = role(end) else { return }
    guard taken.insert("\(lab.nodes[place].id)\n\(end.interface)").inserted else {
      return fault(end.line, "\(end.node):\(end.interface) has a link already")
    }
    var nic = ForeignNIC(name: end.interface, line: end.line)
    nic.segment = segment
    nic.mac = end.mac
    nic.mtu = mtu
    nic.addresses = end.addresses
    if let comment { nic.comments.append(comment) }
    lab.nodes[place].nics.append(nic)
  }

  // MARK: - ends that are no nodes

  private mutating func readHost(_ link: ForeignValue, _ number: Int) {
    guard let end = only(link) else { return }
    let name = link["host-interface"]?.text ?? "tap\(number)"
    joinHost(end, name, link["host-interface"]?.line ?? end.line, mtu: mtu(link), number)
  }

  /// `host:x`: an interface of this host, which the lab makes: a TAP.
  private mutating func joinHost(_ inner: End, _ interface: String, _ line: Int, mtu: Int?, _ number: Int) {
    guard let role = role(inner) else { return }
    guard taken.insert("host\n\(interface)").inserted else {
      return fault(line, "the host's interface \(interface) has a link already")
    }
    let id: String
    switch role {
    case .segment(let place): id = lab.segments[place].id
    case .node:
      id = "link \(number)"
      lab.segments.append(ForeignSegment(id: id, line: inner.line))
      plug(inner, into: id, mtu: mtu)
    }
    var nic = ForeignNIC(name: interface, line: line)
    nic.segment = id
    nic.mtu = mtu
    let place = hostPlace ?? lab.nodes.count
    hostPlace = place
    if place == lab.nodes.count { lab.nodes.append(ForeignNode(id: Self.hostID, name: "host", kind: .tap, line: line)) }
    lab.nodes[place].nics.append(nic)
    note(.changed, line, "host:\(interface)", "an interface of the host there is a TAP of the lab here")
  }

  /// No name of a node has a line break.
  static let hostID = "\nhost"

  private mutating func readDummy(_ link: ForeignValue, _ number: Int) {
    guard let end = only(link) else { return }
    let id = "link \(number)"
    lab.segments.append(ForeignSegment(id: id, name: "dummy-\(end.node)-\(end.interface)", line: end.line))
    plug(end, into: id, mtu: mtu(link), comment: "a dummy interface there: it has a carrier, and leads nowhere")
    note(.changed, end.line, "\(end.node):\(end.interface)", "a dummy interface there is a port alone on a switch here")
  }

  private mutating func readUplink(_ link: ForeignValue) {
    guard let end = only(link) else { return }
    leave(end, "a link of type \(link["type"]?.text ?? "")", mtu: mtu(link))
  }

  /// Leaves a NIC there that led out of the lab.
  private mutating func leave(_ end: End, _ what: String, mtu: Int?) {
    guard case .node? = role(end) else {
      return note(
        .lost, end.line, "\(end.node):\(end.interface)", "\(what) has no equal: the switch is not joined to it")
    }
    plug(end, into: nil, mtu: mtu, comment: "led to \(what)")
    note(
      .lost, end.line, "\(end.node):\(end.interface)", "\(what) has no equal: the NIC is there, and plugged in nowhere")
  }

  // MARK: - order

  /// NICs get the numbers that they have in their containers, the others those that are free from 1 on.
  mutating func numberNICs() {
    for (name, _, definition) in definitions where merged[name] == nil {
      guard case .node(let place)? = roles[name] else { continue }
      number(place, kind: definition.kind)
    }
  }

  private mutating func number(_ place: Int, kind: String) {
    var nics = lab.nodes[place].nics
    nics.sort { ContainerlabKind.precedes($0.name, $1.name) }
    var used: Set<Int> = []
    for index in nics.indices {
      guard let number = ContainerlabKind.number(of: nics[index].name, kind: kind), used.insert(number).inserted else {
        continue
      }
      nics[index].number = number
    }
    var next = 1
    for index in nics.indices where nics[index].number == nil {
      while !used.insert(next).inserted { next += 1 }
      nics[index].number = next
    }
    // A machine counts its NICs by their order: the first is that of management, whatever has a link.
    if lab.nodes[place].kind == .vm, !used.contains(0) {
      var management = ForeignNIC(name: "eth0")
      management.number = 0
      nics.append(management)
      used.insert(0)
      for number in 0..<min(used.max() ?? 0, MachineLimits.nics) where !used.contains(number) {
        var nic = ForeignNIC(name: "eth\(number)")
        nic.number = number
        nics.append(nic)
      }
    }
    nics.sort { ($0.number ?? 0) < ($1.number ?? 0) }
    lab.nodes[place].nics = nics
  }
}
