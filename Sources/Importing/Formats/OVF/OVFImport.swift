import Topology

/// Puts the systems of one descriptor into a lab.
struct OVFImport {
  let path: String
  /// Of the descriptor among those that are read: what is called the same in others is something else.
  let number: Int
  let descriptor: OVFDescriptor
  let configuration: String?
  /// What the user asked for in place of machines.
  let kind: ForeignNode.Kind?

  mutating func read(into lab: inout ForeignLab) {
    var segments: Set<String> = []
    for fault in descriptor.faults { note(.lost, 1, "files", fault.message, &lab) }
    for (place, system) in descriptor.systems.enumerated() {
      let (machine, faults) = descriptor.outline(of: system, configuration: configuration)
      for fault in faults { note(.lost, system.line, system.name, fault.message, &lab) }
      var node = ForeignNode(
        id: id(place), name: system.displayName ?? system.name, kind: kind ?? .vm, line: system.line)
      if let product = machine.product { node.comments.append(product) }
      read(machine, hasFaults: !faults.isEmpty || !descriptor.faults.isEmpty, into: &node, &lab)
      for (index, hardware) in machine.nics.enumerated() {
        node.nics.append(nic(hardware, index, node, &lab))
        guard let network = hardware.network, segments.insert(network).inserted else { continue }
        lab.segments.append(
          ForeignSegment(id: segment(network), name: network, kind: .plain, line: hardware.line))
      }
      lab.nodes.append(node)
    }
    addOrder(to: &lab)
  }

  private func id(_ place: Int) -> String { "\(number) \(place)" }

  private func segment(_ network: String) -> String { "\(number) \(network)" }

  private func note(
    _ outcome: ImportNote.Outcome, _ line: Int, _ key: String, _ reason: String, _ lab: inout ForeignLab
  ) {
    lab.notes.append(ImportNote(outcome, path: path, line: line, key: ImportWord.shown(key), reason: reason))
  }

  private func read(
    _ machine: ApplianceMachine, hasFaults: Bool, into node: inout ForeignNode, _ lab: inout ForeignLab
  ) {
    node.memory = machine.memory.flatMap { UInt64(exactly: $0) }
    node.cpus = machine.cpus
    guard node.kind == .vm else { return }
    guard !hasFaults, !machine.disks.isEmpty else {
      node.image = "none"
      if hasFaults { return }
      return note(.lost, node.line ?? 1, "\(node.name).disks", "it has no disk, so nothing to start from", &lab)
    }
    node.image = path
    node.imageSystem = descriptor.systems.count > 1 ? machine.system : nil
    if let configuration {
      node.imageConfiguration = configuration
      node.comments.append("in configuration \(configuration) of \(descriptor.configurations.count)")
    }
  }

  private func nic(
    _ hardware: ApplianceMachine.NIC, _ index: Int, _ node: ForeignNode, _ lab: inout ForeignLab
  ) -> ForeignNIC {
    let key = "\(node.name).NIC \(index + 1)"
    var nic = ForeignNIC(name: "NIC \(index + 1)", line: hardware.line)
    nic.segment = hardware.network.map(segment)
    if node.kind == .vm { nic.model = hardware.model }
    let words = (hardware.wording ?? "").lowercased()
    if node.kind == .vm, hardware.model == .e1000, !words.contains("e1000") {
      let found = hardware.wording.map { "\(ImportWord.quoted($0)) is not here" } ?? "no model is said"
      note(.changed, hardware.line, "\(key).ResourceSubType", "\(found); it is an e1000", &lab)
    }
    if let address = hardware.address {
      nic.mac = ImportWord.mac(address)
      if nic.mac == nil {
        note(.lost, hardware.line, "\(key).Address", "\(ImportWord.quoted(address)) is no NIC's MAC address", &lab)
      }
    }
    if hardware.network == nil {
      note(.lost, hardware.line, key, "it names no network: it is unplugged", &lab)
    }
    return nic
  }

  /// Each waits for those that start right before it.
  private func addOrder(to lab: inout ForeignLab) {
    let places = Dictionary(lab.nodes.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    for groups in descriptor.startOrders {
      for (before, group) in zip(groups, groups.dropFirst()) {
        for place in group {
          guard let node = places[id(place)] else { continue }
          let waits = before.map(id).filter { $0 != lab.nodes[node].id && !lab.nodes[node].after.contains($0) }
          lab.nodes[node].after += waits
        }
      }
    }
  }
}
