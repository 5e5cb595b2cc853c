/// Furnishes nodes with what their appliances have: processors, memory, NICs, each where the file does not say it.
///
/// Before anything is wired, so that links and tests find the NICs.
struct ApplianceTable {
  let images: ImageTable
  let reporter: Reporter

  func furnish(_ draft: inout LabDraft) {
    for index in draft.nodes.indices { furnish(&draft.nodes[index]) }
  }

  private func furnish(_ node: inout NodeDraft) {
    guard node.traits.isMachine, let machine = node.machine else { return }
    guard case .file(let file) = machine.image else { return reportUseless(node, file: nil) }
    let image = images.image(file)
    guard let descriptor = image.appliance else {
      // Of one that is not there or not taken, which is reported, nothing is known.
      return image.faults.isEmpty ? reportUseless(node, file: file) : ()
    }
    let (configuration, isKnown) = configuration(of: descriptor, file)
    guard let system = system(of: descriptor, file), isKnown else { return }
    let made: ApplianceMachine
    do throws(ImageFault) {
      made = try descriptor.machine(system, configuration: configuration)
    } catch {
      return reporter.error(
        .appliance, file.name.span, "appliance \(file.name.value.quoted): \(error.message)", hint: error.hint)
    }
    guard check(made, file, node) else { return }
    if node.machine?.cpus == nil { node.machine?.cpus = made.cpus.map { Located($0, file.name.span) } }
    if node.machine?.memory == nil { node.machine?.memory = made.memory.map { Located($0, file.name.span) } }
    if node.machine?.firmware == nil { node.machine?.firmware = Located(made.firmware, file.name.span) }
    plug(made, file.name.span, into: &node)
    node.appliance = ApplianceDraft(machine: made, properties: properties(made, file), span: file.name.span)
  }

  // MARK: - Which one

  private func system(of descriptor: OVFDescriptor, _ file: ImageFileDraft) -> OVFSystem? {
    let names = descriptor.systems.map(\.name)
    guard let wanted = file.system else {
      if descriptor.systems.count == 1 { return descriptor.systems[0] }
      let message = "appliance \(file.name.value.quoted) has \(names.count) virtual systems; say which one"
      let example = "image: { file: \(Quoting.printable(file.name.value)), system: \(names.first ?? "") }"
      reporter.error(.missing, file.name.span, message, hint: "\(example) (it has: \(Quoting.list(names)))")
      return nil
    }
    if let found = descriptor.systems.first(where: { $0.name == wanted.value }) { return found }
    report(wanted, "virtual system", among: names)
    return nil
  }

  /// nil for an appliance that has none; one that is not known was reported.
  private func configuration(
    of descriptor: OVFDescriptor, _ file: ImageFileDraft
  ) -> (id: String?, isKnown: Bool) {
    guard let wanted = file.configuration else { return (descriptor.usualConfiguration, true) }
    let names = descriptor.configurations.map(\.id)
    if names.contains(wanted.value) { return (wanted.value, true) }
    report(wanted, "configuration", among: names)
    return (nil, false)
  }

  private func report(_ name: Located<String>, _ what: String, among names: [String]) {
    let found = Suggestion.nearest(to: name.value, among: names.map { $0.lowercased() })
    let meant = names.first { $0.lowercased() == found }
    let near = meant.map { "did you mean \($0.quoted)? " } ?? ""
    let all = names.isEmpty ? "it has none" : "it has: \(Quoting.list(names))"
    reporter.error(
      .unknownName, name.span, "the appliance has no \(what) \(name.value.quoted)", hint: "\(near)\(all)")
  }

  /// Hardware that no machine here can have; what the lab file says instead of the appliance counts, not the latter's.
  private func check(_ machine: ApplianceMachine, _ file: ImageFileDraft, _ node: NodeDraft) -> Bool {
    var fault: String?
    if machine.disks.isEmpty { fault = "its system \(machine.system.quoted) has no disk" }
    if node.machine?.cpus == nil, let cpus = machine.cpus, !Limits.cpus.contains(cpus) {
      fault = "it asks for \(cpus) processors"
    }
    if node.machine?.memory == nil, let memory = machine.memory, !Limits.memory.contains(memory) {
      fault = "it asks for \(Units.describe(bytes: UInt64(clamping: memory))) of memory"
    }
    if let fault {
      reporter.error(.appliance, file.name.span, "appliance \(file.name.value.quoted): \(fault)")
    }
    return fault == nil
  }

  // MARK: - NICs

  /// Its NICs come first, as eth0 and so on: each as `nics` has it, else as its network is mapped.
  private func plug(_ machine: ApplianceMachine, _ span: Span, into node: inout NodeDraft) {
    let known = machine.networks
    for network in node.networks where !known.contains(network.name.value) {
      report(network.name, "network", among: known)
    }
    let own = node.nics
    var nics: [NICDraft] = []
    for (index, hardware) in machine.nics.enumerated() {
      let name = "eth\(index)"
      var nic = NICDraft(name: Located(name, span))
      if let said = own.first(where: { $0.name.value == name }) {
        nic = said
      } else if let mapped = node.networks.first(where: { $0.name.value == hardware.network }) {
        nic = mapped
        nic.name = Located(name, mapped.name.span)
      }
      if nic.model == nil { nic.model = Located(hardware.model, span) }
      nics.append(nic)
    }
    let taken = Set(nics.map(\.name.value))
    node.nics = nics + own.filter { !taken.contains($0.name.value) }
  }

  // MARK: - Properties

  /// All properties with their values, if the appliance has any or asks to be told.
  private func properties(_ machine: ApplianceMachine, _ file: ImageFileDraft) -> [ApplianceProperty]? {
    var properties = machine.properties.map { ApplianceProperty(key: $0.key, value: $0.value) }
    for (key, value) in file.properties {
      guard let index = machine.properties.firstIndex(where: { $0.key == key.value }) else {
        report(key, "property", among: machine.properties.map(\.key))
        continue
      }
      guard machine.properties[index].isUserConfigurable else {
        let message = "property \(key.value.quoted) of the appliance is not the user's to set"
        reporter.error(.appliance, key.span, message)
        continue
      }
      properties[index].value = value
    }
    return properties.isEmpty && !machine.wantsEnvironment ? nil : properties
  }

  // MARK: - Without an appliance

  private func reportUseless(_ node: NodeDraft, file: ImageFileDraft?) {
    let keys = [
      ("networks", node.networks.first?.name.span), ("system", file?.system?.span),
      ("configuration", file?.configuration?.span), ("properties", file?.properties.first?.key.span),
    ]
    for case (let key, let span?) in keys {
      reporter.error(
        .contradiction, span, "\(key.quoted) is a key of machines from an appliance, and this one's image is none")
    }
  }
}
