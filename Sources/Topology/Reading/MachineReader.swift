/// Reads the keys of virtual machines, in a node, a profile or `defaults:`.
struct MachineReader {
  let reporter: Reporter

  private var values: ValueReader { ValueReader(reporter: reporter) }

  /// Reads `defaults:`.
  func defaults(_ node: YAMLNode) -> MachineDraft {
    var machine = MachineDraft()
    let object = ObjectReader(
      node, LabSchema.defaults, label: "\"defaults\"", owner: node.span, reporter: reporter)
    guard let object else { return machine }
    read(object, into: &machine)
    machine.setup = SetupReader(reporter: reporter).read(object, of: .vm)
    return machine
  }

  /// Takes the keys that are there; each counts as a whole, whatever `machine` had for it.
  func read(_ object: ObjectReader, into machine: inout MachineDraft) {
    if let node = object["image"] { machine.image = image(node, owner: object.keySpan("image") ?? node.span) }
    if let node = object["memory"] { machine.memory = values.size(node, "memory", in: Limits.memory) }
    if let node = object["cpus"] { machine.cpus = values.integer(node, "cpus", in: Limits.cpus) }
    if let node = object["persist"] { machine.persist = values.boolean(node, "persist") }
    if let node = object["cloud-init"] {
      machine.cloudInit = cloudInit(node, owner: object.keySpan("cloud-init") ?? node.span)
    }
    readStart(object, into: &machine)
  }

  /// Takes the keys that containers have too: when it starts, and when it is ready.
  func readStart(_ object: ObjectReader, into machine: inout MachineDraft) {
    if let node = object["ready"] { machine.ready = ready(node, owner: object.keySpan("ready") ?? node.span) }
    if let node = object["after"] { machine.after = after(node) }
    if let node = object["firmware"] { machine.firmware = values.choice(node, "firmware") }
    if let node = object["boot"] { machine.boot = boot(node) }
    if let node = object["disk"] { machine.emptyDisk = values.size(node, "disk", in: Limits.emptyDisk) }
  }

  private func image(_ node: YAMLNode, owner: Span) -> ImageDraft {
    guard case .mapping = node.content else {
      guard let name = fileName(node, "image", "builtin, none or a file") else { return .unusable }
      switch name.value {
      case "builtin": return .builtin
      case NodeDefinition.noImage: return .none
      default: return .file(ImageFileDraft(name: name))
      }
    }
    guard let object = ObjectReader(node, LabSchema.image, label: "\"image\"", owner: owner, reporter: reporter) else {
      return .unusable
    }
    let format: Located<DiskDefinition.Format>? = object["format"].flatMap { values.choice($0, "format") }
    let sum = object["sha256"].flatMap { node in
      values.value(node, "sha256", "64 hexadecimal digits") { $0.isSHA256 ? $0.lowercased() : nil }
    }
    let system = object["system"].flatMap { values.scalar($0, "system", "the name of a virtual system") }
    let configuration = object["configuration"].flatMap { values.scalar($0, "configuration", "its name") }
    let properties = object["properties"].map { self.properties($0) } ?? []
    guard let file = object["file"] else {
      guard object.lacks("file") else { return .unusable }
      reporter.error(.missing, owner, "\"image\" needs \"file\"", hint: "image: { file: debian-12.qcow2 }")
      return .unusable
    }
    guard let name = fileName(file, "file", "the name of a file") else { return .unusable }
    guard name.value != "builtin" else {
      let message = "\"builtin\" is part of Apus, not a file with a format and a sum"
      reporter.error(.contradiction, name.span, message, hint: "write image: builtin")
      return .unusable
    }
    var draft = ImageFileDraft(name: name, format: format, sha256: sum)
    (draft.system, draft.configuration, draft.properties) = (system, configuration, properties)
    return .file(draft)
  }

  /// Values of the OVF environment; one may be empty.
  private func properties(_ node: YAMLNode) -> [(key: Located<String>, value: String)] {
    if node.isNull { return [] }
    if case .unusable = node.content { return [] }
    guard case .mapping(let entries) = node.content else {
      reporter.error(.type, node.span, "\"properties\" must be a mapping from keys to texts, found \(node.found)")
      return []
    }
    return entries.compactMap { entry in
      if entry.value.isNull { return (entry.key, "") }
      return values.scalar(entry.value, entry.key.value, "a text").map { (entry.key, $0.value) }
    }
  }

  private func fileName(_ node: YAMLNode, _ what: String, _ wanted: String) -> Located<String>? {
    values.value(node, what, wanted) { $0.isEmpty ? nil : $0 }
  }

  private func cloudInit(_ node: YAMLNode, owner: Span) -> CloudInitDraft? {
    guard
      let object = ObjectReader(node, LabSchema.cloudInit, label: "\"cloud-init\"", owner: owner, reporter: reporter)
    else { return nil }
    var draft = CloudInitDraft(span: owner)
    draft.userData = object["user-data"].flatMap { document($0, "user-data") }
    draft.metaData = object["meta-data"].flatMap { document($0, "meta-data") }
    draft.networkConfig = object["network-config"].flatMap { document($0, "network-config") }
    return draft
  }

  private func document(_ node: YAMLNode, _ key: String) -> Located<String>? {
    let hint = "a document in the lab file is a text: \(key): | and its lines below"
    return values.value(node, key, "a file, or a document of several lines", hint: hint) { $0.isEmpty ? nil : $0 }
  }

  private func ready(_ node: YAMLNode, owner: Span) -> ReadyDraft? {
    guard let object = ObjectReader(node, LabSchema.ready, label: "\"ready\"", owner: owner, reporter: reporter) else {
      return nil
    }
    guard !object.keys.isEmpty else {
      guard object.lacks(allOf: LabSchema.ready.readable) else { return nil }
      let keys = LabSchema.ready.readable.map(\.quoted).joined(separator: ", ")
      reporter.error(.missing, owner, "\"ready\" needs one of \(keys)", hint: "ready: { tcp: 22, timeout: 120s }")
      return nil
    }
    var draft = ReadyDraft(definition: ReadyDefinition())
    draft.definition.console =
      object["console"].flatMap { node in
        let wanted = "a text of one line, at most \(Limits.consoleText.upperBound) characters"
        return values.value(node, "console", wanted) { $0.isConsoleText ? $0 : nil }
      }?.value
    if let tcp = object["tcp"].flatMap({ values.integer($0, "tcp", in: Limits.ports) }) {
      draft.definition.tcp = tcp.value
      draft.tcp = tcp.span
    }
    if let agent = object["agent"].flatMap({ values.boolean($0, "agent") }) { draft.definition.agent = agent.value }
    if let timeout = object["timeout"].flatMap({ values.time($0, "timeout", in: Limits.readyTimeout) }) {
      draft.definition.timeout = timeout.value
    }
    return draft
  }

  private func boot(_ node: YAMLNode) -> Located<[BootSource]>? {
    let words = Quoting.list(BootSource.allCases.map(\.rawValue))
    guard let items = values.items(node, "boot", of: words, allowsSingle: true) else { return nil }
    guard !items.isEmpty else {
      reporter.error(.range, node.span, "\"boot\" must have at least one of \(words)")
      return nil
    }
    var sources: [BootSource] = []
    for item in items {
      guard let source: Located<BootSource> = values.choice(item, "boot") else { return nil }
      guard !sources.contains(source.value) else {
        reporter.error(.range, source.span, "\"boot\" has \(source.value.rawValue.quoted) twice")
        return nil
      }
      sources.append(source.value)
    }
    return Located(sources, node.span)
  }

  private func after(_ node: YAMLNode) -> [StartDraft] {
    guard let items = values.items(node, "after", of: "nodes such as gw or gw.started", allowsSingle: true) else {
      return []
    }
    return items.compactMap { item in
      guard let text = values.scalar(item, "after", "NODE, NODE.ready or NODE.started") else { return nil }
      let end = EndDraft(text)
      let states = StartCondition.State.allCases.map(\.rawValue)
      guard !end.name.isEmpty, let state = StartCondition.State(rawValue: end.nic ?? "ready") else {
        let near = end.nic.flatMap { Suggestion.nearest(to: $0, among: states) }
        let hint = near.map { "did you mean \"\(end.name).\($0)\"?" }
        let message = "\"after\" must be NODE, NODE.ready or NODE.started, found \(item.found)"
        reporter.error(.range, item.span, message, hint: hint)
        return nil
      }
      return StartDraft(node: end, state: state)
    }
  }
}

extension String {
  fileprivate var isSHA256: Bool { utf8.count == 64 && utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit } }

  /// Whether a console could show it at one go: a line break on a console is more than one character.
  fileprivate var isConsoleText: Bool {
    Limits.consoleText.contains(unicodeScalars.count) && !unicodeScalars.contains { Quoting.isControl($0) }
  }
}
