import Topology

/// The section `nodes`.
extension LabFileWriter {
  func writeNodes(_ lines: inout LabLines) {
    guard !lab.nodes.isEmpty else { return lines.add("nodes: {}") }
    lines.section("nodes") { lines in
      for (place, node) in lab.nodes.enumerated() {
        let name = names.nodes[place]
        lines.add("\(name):\(was(node.name, name))", .kind(node: place))
        var node = node
        if let reason = dropped[.kind(node: place)] {
          lines.inner { $0.comment("no \(node.kind.rawValue): \(reason)") }
          node.kind = .netns
        }
        lines.inner { writeNode(place, node, &$0) }
      }
    }
  }

  private func writeNode(_ place: Int, _ whole: ForeignNode, _ lines: inout LabLines) {
    let node = fitting(whole, &lines)
    for comment in node.comments { lines.comment(comment) }
    lines.add("kind: \(node.kind.rawValue)")
    writeMachine(place, node, &lines)
    let after = node.after.enumerated().compactMap { index, id -> (text: String, item: LabItem)? in
      let item = LabItem.after(node: place, index)
      guard let name = names.byID[id], keeps(item, "after: \(name)", &lines) else { return nil }
      return (name, item)
    }
    lines.values("after", after)
    if node.isForwarding, keeps(.forwarding(node: place), "forwarding: on", &lines) {
      lines.add("forwarding: on", .forwarding(node: place))
    }
    writeSettings(place, node, &lines)
    writeExec(place, node, &lines)
    writeNICs(place, node, &lines)
  }

  private func writeMachine(_ place: Int, _ node: ForeignNode, _ lines: inout LabLines) {
    if let image = node.image {
      // A machine without its image can be checked and drawn; the image is put in later.
      let isThere = node.kind != .vm || image == "builtin" || image == "none" || hasImage(image)
      if !isThere { lines.comment("image: \(ForeignText.scalar(image)) (put it beside this file, and write it here)") }
      if keeps(.image(node: place), "image: \(image)", &lines) {
        lines.add("image: \(isThere ? Self.image(image, of: node) : "none")", .image(node: place))
        // A machine without an image starts from the network, or from an empty disk where it has no NIC.
        if node.kind == .vm, !isThere || image == "none", node.nics.isEmpty { lines.add("disk: 1M") }
      }
    }
    if let memory = node.memory {
      let text = memory % (1 << 20) == 0 ? "\(memory >> 20)M" : "\(memory)"
      if keeps(.memory(node: place), "memory: \(text)", &lines) {
        lines.add("memory: \(text)", .memory(node: place))
      }
    }
    if let cpus = node.cpus, keeps(.cpus(node: place), "cpus: \(cpus)", &lines) {
      lines.add("cpus: \(cpus)", .cpus(node: place))
    }
    guard node.userData != nil || node.networkConfig != nil else { return }
    lines.section("cloud-init") { lines in
      if let text = node.userData, keeps(.userData(node: place), "user-data", &lines) {
        lines.text("user-data", document(text), .userData(node: place))
      }
      if let text = node.networkConfig, keeps(.networkConfig(node: place), "network-config", &lines) {
        lines.text("network-config", document(text), .networkConfig(node: place))
      }
    }
  }

  /// By its name, or also by what of an appliance it is.
  private static func image(_ name: String, of node: ForeignNode) -> String {
    let parts = [("file", name), ("system", node.imageSystem), ("configuration", node.imageConfiguration)]
    let said = parts.compactMap { key, value in value.map { "\(key): \(ForeignText.scalar($0))" } }
    return said.count == 1 ? ForeignText.scalar(name) : "{ \(said.joined(separator: ", ")) }"
  }

  /// A document of cloud-init has several lines, or it would be the name of a file.
  private func document(_ text: String) -> String {
    text.hasSuffix("\n") ? text : text + "\n"
  }

  private func writeSettings(_ place: Int, _ node: ForeignNode, _ lines: inout LabLines) {
    if let command = node.command, keeps(.command(node: place), "command: \(command)", &lines) {
      lines.add("command: \(ForeignText.quoted(command))", .command(node: place))
    }
    lines.section("env", .section(node: place, "env")) { lines in
      guard dropped[.section(node: place, "env")] == nil else { return }
      for (index, entry) in node.env.enumerated() {
        let item = LabItem.env(node: place, index)
        guard keeps(item, entry.key, &lines) else { continue }
        lines.add("\(ForeignText.scalar(entry.key)): \(ForeignText.quoted(entry.value))", item)
      }
    }
    lines.section("sysctl", .section(node: place, "sysctl")) { lines in
      guard dropped[.section(node: place, "sysctl")] == nil else { return }
      for (index, entry) in node.sysctl.enumerated() {
        let item = LabItem.sysctl(node: place, index)
        guard keeps(item, "\(entry.key): \(entry.value)", &lines) else { continue }
        lines.add("\(ForeignText.scalar(entry.key)): \(ForeignText.quoted(entry.value))", item)
      }
    }
    lines.section("files", .section(node: place, "files")) { lines in
      guard dropped[.section(node: place, "files")] == nil else { return }
      for (index, file) in node.files.enumerated() {
        let item = LabItem.file(node: place, index)
        guard keeps(item, file.path, &lines) else { continue }
        lines.text(ForeignText.quoted(file.path), document(file.text), item)
      }
    }
  }

  /// The node with what its kind has: the rest is said in comments.
  private func fitting(_ whole: ForeignNode, _ lines: inout LabLines) -> ForeignNode {
    var node = whole
    var lost: [String] = []
    func leave(_ key: String, _ isThere: Bool, _ body: (inout ForeignNode) -> Void) {
      guard isThere else { return }
      lost.append(key)
      body(&node)
    }
    let isMachine = node.kind == .vm
    let isContainer = node.kind == .container
    let isBuiltin = isMachine && (node.image ?? "builtin") == "builtin"
    if !isMachine && !isContainer { leave("image", node.image != nil) { $0.image = nil } }
    if !isMachine {
      leave("memory", node.memory != nil) { $0.memory = nil }
      leave("cpus", node.cpus != nil) { $0.cpus = nil }
      leave("cloud-init", node.userData != nil || node.networkConfig != nil) {
        ($0.userData, $0.networkConfig) = (nil, nil)
      }
    }
    if !isMachine && !isContainer { leave("after", !node.after.isEmpty) { $0.after = [] } }
    if !isContainer {
      leave("command", node.command != nil) { $0.command = nil }
      leave("env", !node.env.isEmpty) { $0.env = [] }
    }
    if !isContainer && !isBuiltin { leave("files", !node.files.isEmpty) { $0.files = [] } }
    if isMachine && !isBuiltin {
      leave("exec", !node.exec.isEmpty) { $0.exec = [] }
      leave("sysctl", !node.sysctl.isEmpty) { $0.sysctl = [] }
      node.isForwarding = false
    }
    if !lost.isEmpty { lines.comment("a node of kind \(node.kind.rawValue) has no \(lost.joined(separator: ", "))") }
    return node
  }

  /// Lines of strangers run in machines and containers alone: a namespace has the files of this host.
  private func writeExec(_ place: Int, _ node: ForeignNode, _ lines: inout LabLines) {
    guard !node.exec.isEmpty else { return }
    guard [.vm, .container].contains(node.kind) else {
      lines.comment("not run: a namespace runs no lines of others (--kind vm or container keeps them):")
      for entry in node.exec { lines.comment("  \(entry.line)") }
      return
    }
    lines.section("exec", .section(node: place, "exec")) { lines in
      guard dropped[.section(node: place, "exec")] == nil else { return }
      for (index, entry) in node.exec.enumerated() {
        let item = LabItem.exec(node: place, index)
        guard keeps(item, entry.line, &lines) else { continue }
        lines.add("- \(ForeignText.quoted(entry.line))", item)
      }
    }
  }

  private func writeNICs(_ place: Int, _ node: ForeignNode, _ lines: inout LabLines) {
    lines.section("nics") { lines in
      for (index, nic) in node.nics.enumerated() {
        let name = names.nics[place][index]
        var settings = LabLines()
        writeNIC(place, index, nic, &settings)
        lines.add("\(name):\(was(nic.name, name))")
        lines.inner { $0.append(settings) }
      }
    }
  }

  private func writeNIC(_ node: Int, _ index: Int, _ nic: ForeignNIC, _ lines: inout LabLines) {
    for comment in nic.comments { lines.comment(comment) }
    let form = plan.form(of: nic)
    if let form, form.form != .wire, let name = names.segments[form.place] {
      lines.add("switch: \(name)")
      let membership = form.form == .vlanSwitch ? Self.membership(nic.vlan) : []
      let item = LabItem.vlan(node: node, nic: index)
      if membership.isEmpty || keeps(item, membership.joined(separator: ", "), &lines) {
        for text in membership { lines.add(text, item) }
      }
      let directions = [("from-a", nic.fromNode), ("from-b", nic.toNode)]
      writeImpair(directions, .impair(node: node, nic: index), &lines)
    } else if form == nil {
      lines.comment("plugged in nowhere")
    }
    writeDevice(node, index, nic, mtu: nic.mtu ?? form.flatMap { lab.segments[$0.place].mtu }, &lines)
    writeAddresses(node, index, nic, &lines)
  }

  private func writeDevice(_ node: Int, _ index: Int, _ nic: ForeignNIC, mtu: Int?, _ lines: inout LabLines) {
    if let mac = nic.mac, keeps(.mac(node: node, nic: index), "mac: \(mac)", &lines) {
      lines.add("mac: \(ForeignText.quoted(mac))", .mac(node: node, nic: index))
    }
    if let mtu, keeps(.mtu(node: node, nic: index), "mtu: \(mtu)", &lines) {
      lines.add("mtu: \(mtu)", .mtu(node: node, nic: index))
    }
    if let queues = nic.queues, keeps(.queues(node: node, nic: index), "queues: \(queues)", &lines) {
      lines.add("queues: \(queues)", .queues(node: node, nic: index))
    }
    if let model = nic.model, keeps(.model(node: node, nic: index), "model: \(model.rawValue)", &lines) {
      lines.add("model: \(model.rawValue)", .model(node: node, nic: index))
    }
    if nic.connects, keeps(.role(node: node, nic: index), "role: connect", &lines) {
      lines.add("role: connect", .role(node: node, nic: index))
    }
    if let socket = nic.socket, keeps(.socket(node: node, nic: index), "socket: \(socket)", &lines) {
      lines.add("socket: \(ForeignText.scalar(socket))", .socket(node: node, nic: index))
    }
    if nic.isDown { lines.comment("its carrier is down there: `apus link set PORT down` does so here") }
  }

  private func writeAddresses(_ node: Int, _ index: Int, _ nic: ForeignNIC, _ lines: inout LabLines) {
    let addresses = nic.addresses.enumerated().compactMap { place, address -> (text: String, item: LabItem)? in
      let item = LabItem.address(node: node, nic: index, place)
      guard keeps(item, address, &lines) else { return nil }
      return (ForeignText.scalar(address), item)
    }
    lines.values("address", addresses)
    var others: [(to: String, via: String, item: LabItem)] = []
    var hasGateway = false
    for (place, gateway) in nic.gateways.enumerated() {
      let item = LabItem.gateway(node: node, nic: index, place)
      guard keeps(item, "gateway: \(gateway)", &lines) else { continue }
      if hasGateway {
        others.append(("default", gateway, item))
      } else {
        hasGateway = true
        lines.add("gateway: \(ForeignText.scalar(gateway))", item)
      }
    }
    for (place, route) in nic.routes.enumerated() {
      let item = LabItem.route(node: node, nic: index, place)
      if keeps(item, "route to \(route.to) via \(route.via)", &lines) { others.append((route.to, route.via, item)) }
    }
    lines.section("routes") { lines in
      for route in others {
        lines.add("- { to: \(ForeignText.scalar(route.to)), via: \(ForeignText.scalar(route.via)) }", route.item)
      }
    }
  }
}
