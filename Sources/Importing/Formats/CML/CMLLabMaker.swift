import Topology

/// Turns a lab of CML into ours.
struct CMLLabMaker {
  private let source: CMLLab
  private let options: ImportOptions
  private var findings: Findings
  private var lab: ForeignLab
  /// By place among the lab's nodes: place of the segment that an unmanaged switch or a connector is.
  private var switches: [Int: Int] = [:]
  /// By place among the lab's nodes: place among ours.
  private var machines: [Int: Int] = [:]
  private var macs: Set<String> = []

  init(_ source: CMLLab, name: String, options: ImportOptions, findings: Findings) {
    self.source = source
    self.options = options
    self.findings = findings
    lab = ForeignLab(tool: "CML", name: name)
  }

  mutating func make() throws(ImportFaults) -> ForeignLab {
    for (place, node) in source.nodes.enumerated() {
      switch node.definition {
      case "unmanaged_switch", "external_connector": segment(node, place)
      default: machine(node, place)
      }
    }
    var taken: [CMLLab.Link.End: Int] = [:]
    for (place, link) in source.links.enumerated() {
      for end in link.ends {
        guard let line = taken.updateValue(link.line, forKey: end) else { continue }
        let node = source.nodes[end.node]
        let name = "\(node.label) \(node.interfaces[end.interface].label)"
        findings.fault("\(name.inQuotes) has a link in line \(line) already", line: link.line)
      }
      self.link(link, place)
    }
    try findings.check()
    lab.notes = findings.notes
    return lab
  }

  // MARK: - Nodes

  private mutating func segment(_ node: CMLLab.Node, _ place: Int) {
    let id = "node \(node.id)"
    var segment = ForeignSegment(id: id, name: node.label, kind: .bridge, line: node.line)
    if node.definition == "external_connector" {
      let text = node.documents.first?.text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      let way = text.isEmpty ? "" : " (\(text))"
      segment.comments.append("external connector\(way): it leads out of the lab in CML")
      let reason = "it leads out of the lab: a node of kind nic or tap on its switch does so here"
      findings.note(.lost, "nodes.\(node.label)", line: node.line, reason)
    }
    switches[place] = lab.segments.count
    lab.segments.append(segment)
  }

  /// Hosts that run Linux, whose configuration is a script of the shell.
  private static let hosts: Set<String> = [
    "alpine", "alpine-trex", "alpine-wanem", "chrome", "desktop", "dnsmasq", "firefox", "net-tools", "nginx", "radius",
    "server", "syslog", "tacplus", "trex", "wan_emulator",
  ]
  /// Of a host's texts, those that are scripts.
  private static let scripts: Set<String> = ["", "boot.sh", "default", "iosxe_config.txt", "node.cfg"]

  private mutating func machine(_ node: CMLLab.Node, _ place: Int) {
    var made = ForeignNode(id: "node \(node.id)", name: node.label, kind: .vm, line: node.line)
    let isHost = Self.hosts.contains(node.definition)
    if isHost { made.kind = options.imagelessKind }
    if made.kind == .vm {
      if node.ram > 0 { made.memory = UInt64(node.ram) << 20 }
      if node.cpus > 0 { made.cpus = node.cpus }
    }
    let image = node.image.isEmpty ? "" : ", image \(node.image)"
    made.comments.append("\(node.definition)\(image)")
    if !isHost {
      let name = ImageWords.fileName(node.image.isEmpty ? node.definition : node.image)
      made.image = name.isEmpty ? "none" : "\(name).qcow2"
    }
    made.nics = node.interfaces.map { nic($0, of: node) }
    var others: [CMLLab.Document] = []
    for document in node.documents {
      switch document.name {
      case "user-data": made.userData = document.text
      case "network-config": made.networkConfig = document.text
      case _ where document.text.hasPrefix("#cloud-config"): made.userData = document.text
      case _ where isHost && Self.scripts.contains(document.name): script(document, of: node, &made)
      default: others.append(document)
      }
    }
    if isHost, made.userData != nil || made.networkConfig != nil { made.kind = .vm }
    for document in others where !Self.isComments(document.text) { keep(document, of: node, &made) }
    machines[place] = lab.nodes.count
    lab.nodes.append(made)
  }

  /// Nothing but comments of the shell, as CML's own defaults are.
  private static func isComments(_ text: String) -> Bool {
    text.split(whereSeparator: \.isNewline).allSatisfy { line in
      let start = line.first { !$0.isWhitespace }
      return start == nil || start == "#"
    }
  }

  private mutating func keep(_ document: CMLLab.Document, of node: CMLLab.Node, _ made: inout ForeignNode) {
    let name = document.name.isEmpty ? "a start-up configuration" : "the configuration \(document.name)"
    made.comments.append("it has \(name) in the file")
    let key = "nodes.\(node.label).configuration"
    findings.note(.lost, key, line: document.line, "the machine's own configuration stays where it is")
  }

  private mutating func script(_ document: CMLLab.Document, of node: CMLLab.Node, _ made: inout ForeignNode) {
    // What is set for the image's own programs is no command.
    let lines = document.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line in
      Self.settings.contains { line.hasPrefix($0) } ? "" : String(line)
    }
    var shell = ShellApplication(path: findings.path, key: "nodes.\(node.label).configuration", node: made)
    shell.apply(lines.joined(separator: "\n"), first: document.line, to: &made)
    shell.finish(&made)
    for note in shell.notes { findings.note(note) }
  }

  private static let settings = ["hostname ", "USERNAME=", "PASSWORD=", "TC_PASSWORD="]

  private mutating func nic(_ interface: CMLLab.Interface, of node: CMLLab.Node) -> ForeignNIC {
    var nic = ForeignNIC(name: interface.label, line: interface.line)
    guard let text = interface.mac, !text.isEmpty else { return nic }
    let key = "nodes.\(node.label).\(interface.label).mac_address"
    guard let mac = findings.mac(text, key, line: interface.line) else { return nic }
    if macs.insert(mac).inserted {
      nic.mac = mac
    } else {
      findings.note(.lost, key, line: interface.line, "another NIC has \(mac)")
    }
    return nic
  }

  // MARK: - Links

  private mutating func link(_ link: CMLLab.Link, _ place: Int) {
    let (one, other) = (link.ends[0], link.ends[1])
    switch (switches[one.node], switches[other.node]) {
    case (.some(let first), .some(let second)):
      if !link.impairment.isEmpty {
        findings.note(.lost, "links.conditioning", line: link.line, "that of a link between switches is left out")
      }
      lab.segments[first].joined.append((lab.segments[second].id, .none))
    case (.some(let segment), nil): plug(other, into: lab.segments[segment].id, link.impairment)
    case (nil, .some(let segment)): plug(one, into: lab.segments[segment].id, link.impairment)
    case (nil, nil):
      let id = "link \(place)"
      lab.segments.append(ForeignSegment(id: id, line: link.line))
      // What happens to frames counts once: at the first end.
      plug(one, into: id, link.impairment)
      plug(other, into: id, ForeignImpairment())
    }
  }

  private mutating func plug(_ end: CMLLab.Link.End, into segment: String, _ impairment: ForeignImpairment) {
    guard let machine = machines[end.node] else { return }
    lab.nodes[machine].nics[end.interface].segment = segment
    lab.nodes[machine].nics[end.interface].fromNode = impairment
    lab.nodes[machine].nics[end.interface].toNode = impairment
  }
}
