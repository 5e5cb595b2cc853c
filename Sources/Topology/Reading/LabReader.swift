/// Reads the tree of a file into a draft, section by section.
///
/// Everything wrong in itself is reported here.
struct LabReader {
  let reporter: Reporter
  let values: ValueReader
  var draft = LabDraft()
  /// Nodes, NICs and addresses that ranges added.
  private var multiplied = 0
  let context: ReadingContext

  init(reporter: Reporter) {
    self.reporter = reporter
    values = ValueReader(reporter: reporter)
    context = ReadingContext(reporter: reporter)
  }

  /// Reads the whole file; nil when it is no lab at all.
  mutating func read(_ root: YAMLNode) -> LabDraft? {
    guard case .mapping = root.content,
      let top = ObjectReader(root, LabSchema.top, label: "the lab file", owner: .start, reporter: reporter)
    else {
      reporter.error(.type, root.span, "a lab file must be a mapping, found \(root.found)")
      return nil
    }
    draft.sections = Dictionary(top.keys.map { ($0.value, $0.span) }, uniquingKeysWith: { first, _ in first })
    context.sections = draft.sections
    readHead(top)
    if let node = top["workers"] { readWorkers(node, owner: top.keySpan("workers") ?? node.span) }
    if let node = top["http"] { readHTTP(node, owner: top.keySpan("http") ?? node.span) }
    if let node = top["defaults"] { context.defaults = MachineReader(reporter: reporter).defaults(node) }
    readShared(top)
    named(top, "vlans", "VLAN") { reader, name, node in reader.readVLAN(name, node) }
    named(top, "switches", "switch") { reader, name, node in reader.readSwitch(name, node) }
    named(top, "nodes", "node", allowsRange: true) { reader, name, node in reader.readNode(name, node) }
    if let node = top["links"] { readList(node, "links") { reader, item in reader.readLink(item) } }
    if let node = top["capture"] {
      readList(node, "capture", of: "captures") { reader, item in reader.readCapture(item) }
    }
    if let node = top["recorder"] { readRecorder(node) }
    named(top, "access", "access list") { reader, name, node in reader.readAccess(name, node) }
    if let node = top["tests"] { readList(node, "tests") { reader, item in reader.readTest(item) } }
    return draft
  }

  /// What nodes, NICs and links refer to by name.
  private mutating func readShared(_ top: ObjectReader) {
    named(top, "impairments", "impairment") { reader, name, node in reader.context.impairments.declare(name, node) }
    named(top, "port-profiles", "port profile") { reader, name, node in
      _ = NICReader(reporter: reader.reporter, context: reader.context, kind: nil).read(name, node, isProfile: true)
      reader.context.portProfiles.declare(name.value, node, schema: LabSchema.portProfile)
    }
    named(top, "profiles", "profile") { reader, name, node in
      _ = NodeReader(reporter: reader.reporter, context: reader.context).read(name, node, isProfile: true)
      reader.context.profiles.declare(name.value, node, schema: LabSchema.nodeProfile)
    }
  }

  /// `version` and `name`, which every file has.
  private mutating func readHead(_ top: ObjectReader) {
    if let node = top["version"] {
      if let version = values.integer(node, "version", in: 0...Int(Int32.max)), version.value != 1 {
        let message = "this file needs format version \(version.value); this program knows 1"
        reporter.error(.version, version.span, message)
      }
    } else if top.lacks("version") {
      reporter.error(.missing, .start, "the file needs \"version\"", hint: "start it with: version: 1")
    }
    if let node = top["name"] {
      guard let name = values.scalar(node, "name", "the lab's name") else { return }
      checkName(name, "lab")
      draft.name = name
    } else if top.lacks("name") {
      reporter.error(.missing, .start, "the file needs \"name\"", hint: "give the lab a name: name: my-lab")
    }
  }

  /// Reads the entries of a mapping from names to things.
  private mutating func named(
    _ top: ObjectReader, _ section: String, _ what: String, allowsRange: Bool = false,
    _ read: (inout LabReader, Located<String>, YAMLNode) -> Void
  ) {
    guard let node = top[section], !node.isNull else { return }
    if case .unusable = node.content { return }
    guard case .mapping(let entries) = node.content else {
      let message = "\(section.quoted) must be a mapping from names to \(what) settings, found \(node.found)"
      reporter.error(.type, node.span, message)
      return
    }
    for entry in entries {
      if isMisplacedSection(entry) {
        let message = "\(entry.key.value.quoted) belongs at the top level, not under \(section.quoted)"
        reporter.error(.misplacedKey, entry.key.span, message)
      } else {
        if !allowsRange { checkName(entry.key, what) }
        read(&self, entry.key, entry.value)
      }
    }
  }

  /// Whether an entry is a section of the file that was indented too far, rather than a thing of that name.
  private func isMisplacedSection(_ entry: YAMLEntry) -> Bool {
    guard LabSchema.top.key(entry.key.value) != nil else { return false }
    switch entry.value.content {
    case .sequence: return true
    case .scalar, .unusable: return false
    case .mapping(let entries):
      let readable = [
        LabSchema.node, LabSchema.switches, LabSchema.vlan, LabSchema.impairment, LabSchema.nic, LabSchema.access,
      ].flatMap(
        \.readable)
      return !entries.isEmpty && !entries.contains { readable.contains($0.key.value) }
    }
  }

  private mutating func readList(
    _ node: YAMLNode, _ section: String, of what: String? = nil, _ read: (inout LabReader, YAMLNode) -> Void
  ) {
    guard !node.isNull, let items = values.items(node, section, of: what ?? section) else { return }
    for item in items { read(&self, item) }
  }

  private mutating func readVLAN(_ name: Located<String>, _ node: YAMLNode) {
    if let vlan = vlan(name, node) { draft.vlans.append(vlan) } else { draft.unusableVLANs.insert(name.value) }
  }

  private func vlan(_ name: Located<String>, _ node: YAMLNode) -> VLANDraft? {
    if ValueReader.integer(name.value) != nil {
      reporter.error(.name, name.span, "VLAN name \(name.value.quoted) is a number; a VLAN's name must have a letter")
    }
    if case .scalar = node.content, !node.isNull {
      return values.integer(node, "id", in: Limits.vlanIDs).map { VLANDraft(name: name, id: $0) }
    }
    let label = "VLAN \(name.value.quoted)"
    guard let object = ObjectReader(node, LabSchema.vlan, label: label, owner: name.span, reporter: reporter) else {
      return nil
    }
    var subnet = object["subnet"].flatMap { values.prefix($0, "subnet") }
    if let written = subnet, written.value != written.value.network {
      let message = "subnet \(written.value) has host bits set"
      reporter.error(.range, written.span, message, hint: "did you mean \(written.value.network)?")
      subnet?.value = written.value.network
    }
    if let subnet { checkSubnet(subnet) }
    let server = object["dhcp"].flatMap { dhcp($0, owner: object.keySpan("dhcp") ?? $0.span) }
    guard let node = object["id"] else {
      if object.lacks("id") { reporter.error(.missing, name.span, "\(label) needs \"id\"") }
      return nil
    }
    return values.integer(node, "id", in: Limits.vlanIDs).map {
      VLANDraft(name: name, id: $0, subnet: subnet, dhcp: server)
    }
  }

  /// Reports a subnet out of which NICs would get addresses that no NIC can have.
  private func checkSubnet(_ subnet: Located<IPPrefix>) {
    let (value, hosts) = (subnet.value, subnet.value.hosts)
    let ends = [hosts.lowerBound, hosts.upperBound].map { IPAddress(family: value.address.family, value: $0) }
    guard let (end, special) = ends.lazy.compactMap({ end in end.special.map { (end, $0) } }).first else { return }
    let message = "subnet \(value) has addresses that no NIC can have: \(end) is \(special)"
    reporter.error(.address, subnet.span, message)
  }

  private mutating func readSwitch(_ name: Located<String>, _ node: YAMLNode) {
    var definition = SwitchDefinition(name: name.value)
    var awareness: Located<Bool>?
    defer {
      draft.switches.append(SwitchDraft(name: name, definition: definition, awarenessPlace: awareness?.span))
    }
    let label = "switch \(name.value.quoted)"
    guard let object = ObjectReader(node, LabSchema.switches, label: label, owner: name.span, reporter: reporter) else {
      return
    }
    if let aging = object["aging"].flatMap({ values.time($0, "aging", in: Limits.aging) }) {
      definition.aging = aging.value
    }
    awareness = object["vlan-aware"].flatMap { values.boolean($0, "vlan-aware") }
    definition.isVLANAware = awareness?.value ?? true
    definition.linkLocal = SwitchDefinition.usualLinkLocal(isVLANAware: definition.isVLANAware)
    if let policy: Located<SwitchDefinition.LinkLocal> = object["link-local"].flatMap({
      values.choice($0, "link-local")
    }) {
      definition.linkLocal = policy.value
    }
    readTable(object, &definition)
  }

  private func readTable(_ object: ObjectReader, _ definition: inout SwitchDefinition) {
    if let size = object["fdb-size"].flatMap({ values.integer($0, "fdb-size", in: Limits.fdbSize) }) {
      definition.fdbSize = size.value
    }
    let range = 1...Limits.fdbSize.upperBound
    guard let node = object["fdb-per-port"], let share = values.integer(node, "fdb-per-port", in: range) else { return }
    guard share.value <= definition.fdbSize else {
      let size = !object.lacks("fdb-size") ? "\(definition.fdbSize)" : "\(definition.fdbSize) without it"
      let message = "\"fdb-per-port\" must be no more than \"fdb-size\", which is \(size), found \(share.value)"
      return reporter.error(.range, share.span, message)
    }
    definition.fdbPerPort = share.value
  }

  private mutating func readNode(_ key: Located<String>, _ node: YAMLNode) {
    guard multiplied <= Limits.mostMultiplied else { return }
    guard let range = NameRange(key.value) else {
      let hint = "a range is written vm[1-3]"
      reporter.error(.name, key.span, "\(key.value.quoted) is not a name or a range of names", hint: hint)
      return
    }
    var draft = NodeReader(reporter: reporter, context: context).read(key, node)
    draft.range = range.isRange ? key.value : nil
    multiplied += draft.size * (range.names.count - 1)
    guard multiplied <= Limits.mostMultiplied else {
      // Nothing more is read of the nodes, so this is said once.
      let message = "ranges stand for more than \(Limits.mostMultiplied) nodes, NICs and addresses"
      reporter.error(.limit, key.span, message, hint: "take fewer nodes")
      return
    }
    if let longest = range.names.max(by: { $0.utf8.count < $1.utf8.count }) {
      checkName(Located(longest, key.span), "node")
    }
    for name in range.names {
      draft.name = Located(name, key.span)
      self.draft.nodes.append(draft)
    }
  }

  /// Reports a name that breaks the pattern or is reserved.
  func checkName(_ name: Located<String>, _ what: String) {
    guard let (message, hint) = Names.complaint(about: name.value, as: what) else { return }
    reporter.error(.name, name.span, message, hint: hint)
  }
}

extension Array {
  /// The first element whose key an earlier one has too.
  func firstRepeated<Key: Hashable>(by key: (Element) -> Key) -> Element? {
    var seen: Set<Key> = []
    return first { !seen.insert(key($0)).inserted }
  }
}
