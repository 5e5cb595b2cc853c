/// Reads one entry of `nodes:`.
struct NodeReader {
  let reporter: Reporter
  let context: ReadingContext

  /// - Parameter isProfile: It is an entry of `profiles:`, which may say a part of a node only.
  func read(_ key: Located<String>, _ node: YAMLNode, isProfile: Bool = false) -> NodeDraft {
    var draft = NodeDraft(name: key)
    let schema = isProfile ? LabSchema.nodeProfile : LabSchema.node
    let label = "\(schema.name) \(key.value.quoted)"
    var node = node
    let hasReady = node.hasKey("ready")
    let isWhole = !isProfile && context.profiles.apply(to: &node, reporter: reporter)
    guard let object = ObjectReader(node, schema, label: label, owner: key.span, reporter: reporter) else {
      return draft
    }
    if let node = object["kind"] {
      draft.kind = object.values.choice(node, "kind", among: NodeKind.all.map(\.word))
    } else if isWhole, object.lacks("kind") {
      let hint = "kinds: \(Quoting.list(NodeKind.all.map(\.word)))"
      reporter.error(.missing, key.span, "\(label) needs \"kind\"", hint: hint)
    }
    let kind = draft.kind.flatMap { NodeKind.named($0.value) }
    if let kind { checkKeys(object, of: kind) }
    draft.setup = SetupReader(reporter: reporter).read(object, of: kind)
    readMachine(object, into: &draft)
    if draft.traits.isContainer {
      readContainer(object, into: &draft, isWhole: isWhole)
    } else if draft.kind == nil {
      // It may be one: what its values cannot be is said.
      var container = ContainerDraft()
      ContainerReader(reporter: reporter).readOwn(object, into: &container)
    }
    draft.machine?.isReadyOwn = hasReady
    draft.isForced = object["force"].flatMap { object.values.boolean($0, "force") }?.value ?? false
    if let node = object["nics"] { draft.nics = readNICs(node, kind) }
    if let node = object["networks"] { draft.networks = readNetworks(node, kind) }
    return draft
  }

  /// Reports keys that the node's kind does not have.
  private func checkKeys(_ object: ObjectReader, of kind: NodeKind) {
    for key in object.keys {
      guard let kinds = NodeKind.having(key: key.value), !kinds.contains(kind) else { continue }
      let homes = kinds.map(\.word).joined(separator: " and ")
      let message = "\(key.value.quoted) is a key of kind \(homes), not of \(kind.word)"
      reporter.error(.misplacedKey, key.span, message)
    }
  }

  /// The keys that only machines have; a node of no known kind may be one.
  private func readMachine(_ object: ObjectReader, into draft: inout NodeDraft) {
    if draft.kind != nil, !draft.traits.isMachine { return }
    var machine = context.defaults
    MachineReader(reporter: reporter).read(object, into: &machine)
    draft.machine = machine
  }

  /// The keys of containers; what `defaults` says is of machines.
  private func readContainer(_ object: ObjectReader, into draft: inout NodeDraft, isWhole: Bool) {
    draft.container = ContainerReader(reporter: reporter).read(object, owner: draft.name, isWhole: isWhole)
    var machine = MachineDraft()
    MachineReader(reporter: reporter).readStart(object, into: &machine)
    if machine.ready?.definition.agent ?? false, let span = object.keySpan("ready") {
      let hint = "containers are ready by \"console\" or \"tcp\", or as soon as they run"
      reporter.error(.contradiction, span, "a container has no guest agent that could answer", hint: hint)
    }
    draft.machine = machine
  }

  private func readNICs(_ node: YAMLNode, _ kind: NodeKind?) -> [NICDraft] {
    if node.isNull { return [] }
    if case .unusable = node.content { return [] }
    guard case .mapping(let entries) = node.content else {
      reporter.error(.type, node.span, "\"nics\" must be a mapping from names to NIC settings, found \(node.found)")
      return []
    }
    return entries.map { entry in
      Self.checkName(entry.key, kind, reporter)
      return NICReader(reporter: reporter, context: context, kind: kind).read(entry.key, entry.value)
    }
  }

  /// What appliances call networks are names of others: any text is one.
  private func readNetworks(_ node: YAMLNode, _ kind: NodeKind?) -> [NICDraft] {
    if node.isNull { return [] }
    if case .unusable = node.content { return [] }
    guard case .mapping(let entries) = node.content else {
      let message = "\"networks\" must be a mapping from networks' names to NIC settings, found \(node.found)"
      reporter.error(.type, node.span, message, hint: "networks: { \"VM Network\": { switch: sw1 } }")
      return []
    }
    return entries.map { NICReader(reporter: reporter, context: context, kind: kind).read($0.key, $0.value) }
  }

  /// Reports a NIC name that breaks the pattern or is reserved; one of ours that is too long for Linux gets its own words.
  static func checkName(_ name: Located<String>, _ kind: NodeKind?, _ reporter: Reporter) {
    guard let (message, hint) = Names.complaint(aboutNIC: name.value) else { return }
    let count = name.value.utf8.count
    if count > Names.longestInterfaceName, kind?.hasOurInterfaces ?? false {
      let message = "interface name \(name.value.quoted) has \(count) characters; Linux allows 15"
      reporter.error(.interfaceName, name.span, message)
    } else {
      reporter.error(.name, name.span, message, hint: hint)
    }
  }
}
