extension Normaliser {
  /// Puts what the file says about a virtual machine into its definition.
  func fill(_ node: inout NodeDefinition, _ machine: MachineDraft) {
    node.cpus = machine.cpus?.value ?? node.cpus
    node.memory = machine.memory?.value ?? node.memory
    switch machine.image {
    case .builtin: node.image = "builtin"
    case .unusable, .none: break
    case .file(let file):
      let image = images.image(file)
      node.image = image.path
      node.disk = image.disk
      node.disk?.persist = machine.persist?.value ?? false
      node.cloudInit = machine.cloudInit.map { cloudInit($0) }
    }
    if case .none = machine.image {
      node.image = NodeDefinition.noImage
      node.disk = DiskDefinition(format: .qcow2)
      node.emptyDisk = machine.emptyDisk?.value
      node.disk?.persist = node.emptyDisk != nil && machine.persist?.value ?? false
    }
    // The builtin image is handed to the machine with its kernel.
    if node.disk != nil {
      node.firmware = machine.firmware?.value ?? node.firmware
      let usual = node.bootOrder
      node.boot = machine.boot.flatMap { $0.value == usual ? nil : $0.value }
    }
    fillStart(&node, machine)
  }

  /// Puts what the file says about a container into its definition.
  func fill(_ node: inout NodeDefinition, _ draft: ContainerDraft, _ machine: MachineDraft) {
    node.image = draft.image?.value
    var container = ContainerDefinition()
    container.engine = draft.engine?.value ?? container.engine
    container.attach = draft.attach?.value
    container.command = draft.command?.value
    container.env = draft.env?.value ?? [:]
    container.restart = draft.restart?.value ?? container.restart
    node.container = container
    fillStart(&node, machine)
  }

  /// When it starts, and when it is ready.
  private func fillStart(_ node: inout NodeDefinition, _ machine: MachineDraft) {
    node.ready = machine.ready?.definition
    // Each node once: ready, which says more, when both states are asked for.
    var places: [String: Int] = [:]
    var conditions: [StartCondition] = []
    for start in machine.after {
      if let index = places[start.node.name] {
        if start.state == .ready { conditions[index].state = .ready }
        continue
      }
      places[start.node.name] = conditions.count
      var condition = StartCondition(node: start.node.name)
      condition.state = start.state
      conditions.append(condition)
    }
    node.after = conditions.isEmpty ? nil : conditions
  }

  /// What is left to its appliance, that `ApplianceTable` has not put into the draft.
  func fill(_ node: inout NodeDefinition, _ appliance: ApplianceDraft) {
    let machine = appliance.machine
    node.appliance = ApplianceDefinition(
      system: machine.system, configuration: machine.configuration, disks: machine.disks,
      properties: appliance.properties)
  }

  /// What its system is told, where it is one that Apus sets up.
  func setup(_ draft: NodeDraft) -> SetupDefinition? {
    if draft.traits.isMachine {
      guard case .builtin? = draft.machine?.image else { return nil }
    }
    let draft = draft.wholeSetup
    var setup = SetupDefinition()
    setup.forwarding = draft.forwarding?.value
    setup.sysctl = draft.sysctl?.value ?? []
    setup.exec = draft.exec?.value ?? []
    setup.files = (draft.files?.value ?? []).map { file in
      SetupDefinition.File(path: file.path.value, content: document(file.content.value))
    }
    return setup.isEmpty ? nil : setup
  }

  private func cloudInit(_ draft: CloudInitDraft) -> CloudInitDefinition {
    var definition = CloudInitDefinition()
    definition.userData = draft.userData.map { document($0.value) }
    definition.metaData = draft.metaData.map { document($0.value) }
    definition.networkConfig = draft.networkConfig.map { document($0.value) }
    return definition
  }

  private func document(_ text: String) -> CloudInitDefinition.Document {
    text.isDocument ? .text(text) : .file(Paths.absolute(text, in: directory))
  }
}

extension String {
  /// Whether a text under `cloud-init` or `files` is a document rather than a path: it has several lines.
  var isDocument: Bool { utf8.contains(UInt8(ascii: "\n")) }
}
