import Topology

/// Makes a lab file of what another tool's files declare.
///
/// Names become ours, with the old ones as comments. What does not validate is left out, with a comment at its place and
/// a note; a file that does not validate whatever is left out is never handed over.
package struct LabFileWriter {
  /// A lab file, and what of the other tool's files it does not have as it was there.
  package struct Result: Sendable {
    package var text: String
    package var notes: [ImportNote]
    /// Counts of what it has.
    package var lab: CanonicalLab
  }

  private(set) var lab: ForeignLab
  /// What notes of the lab as a whole name as the file.
  let path: String
  /// Whether there is an image of that name for the lab.
  let hasImage: (String) -> Bool
  private let hostMemory: UInt64?
  var names: LabNames
  var plan: SegmentPlan
  /// What was left out, and why.
  var dropped: [LabItem: String] = [:]
  var notes: [ImportNote] = []
  /// Asterisks are written as escapes: the reader counts them as aliases, in comments and quotes too.
  private var hidesStars = false

  /// Rounds of leaving out, and how much one takes away.
  private static let mostRounds = 25
  private static let mostErrors = 5000

  /// - Parameters:
  ///   - path: the file as the user named it, for notes.
  ///   - hostMemory: bytes that the host has; a machine that asks for more gets the usual. Nil = any host.
  ///   - hasImage: whether there is an image of that name where the lab file will be.
  package init(
    _ lab: ForeignLab, path: String, hostMemory: UInt64? = nil, hasImage: @escaping (String) -> Bool = { _ in false }
  ) {
    self.lab = lab
    self.path = path
    self.hostMemory = hostMemory
    self.hasImage = hasImage
    plan = SegmentPlan(lab)
    names = LabNames(lab, plan)
  }

  /// The lab file.
  ///
  /// - Throws: what is wrong with the text, which is a mistake of this program.
  package mutating func write() throws(ImportFaults) -> Result {
    notes = lab.notes + plan.notes(of: lab, path: path)
    for node in lab.nodes.indices where lab.nodes[node].kind == .container && lab.nodes[node].image == nil {
      drop(.kind(node: node), "a container needs an image, and none is named")
    }
    dropMalformed()
    for _ in 0..<Self.mostRounds {
      let lines = lines(withBlocks: !hidesStars)
      let text = hidesStars ? lines.text.replacing("*", with: "\\x2A") : lines.text
      guard !lines.isFull, text.utf8.count <= LabLines.largestSize else {
        let message = "the lab file would have more than \(LabLines.largestSize >> 20) MiB"
        throw ImportFaults(ImportFault(path: path, message: message))
      }
      let result = loadLab(
        SourceText(path: path, text: Array(text.utf8)), directory: "/",
        facts: WritingFacts(appliances: lab.appliances, totalMemory: hostMemory),
        environment: [:], errorLimit: Self.mostErrors)
      let errors = result.diagnostics.filter { $0.severity == .error }
      if errors.isEmpty, let lab = result.lab { return Result(text: text, notes: notes, lab: lab) }
      if errors.contains(where: { $0.code == DiagnosticCode.limit.rawValue }), !hidesStars {
        hidesStars = true
        continue
      }
      let found = errors.compactMap { error in lines.items[error.line].map { ($0, error) } }
      guard found.contains(where: { dropped[$0.0] == nil }) else { throw unexpected(errors, lines) }
      for (item, error) in found where dropped[item] == nil { drop(item, error.message) }
    }
    throw ImportFaults(ImportFault(path: path, message: "the lab has too many values that do not validate here"))
  }

  private func unexpected(_ errors: [Diagnostic], _ lines: LabLines) -> ImportFaults {
    let faults = errors.map { error in
      let line = lines.lines.indices.contains(error.line - 1) ? lines.lines[error.line - 1] : ""
      return ImportFault(
        path: path, message: "\(error.code): \(error.message), in \(ForeignText.comment(line).quotedLine)",
        hint: "no lab file could be made of this that validates; please report it")
    }
    return ImportFaults(faults.isEmpty ? [ImportFault(path: path, message: "no lab file could be made")] : faults)
  }

  mutating func drop(_ item: LabItem, _ reason: String) {
    guard dropped[item] == nil else { return }
    dropped[item] = ImportNote.cut(reason)
    let (key, line) = described(item)
    notes.append(ImportNote(.lost, path: path, line: line, key: key, reason: reason))
  }

  /// What an item is called in a note, and where the other tool's file has it.
  private func described(_ item: LabItem) -> (key: String, line: Int?) {
    switch item {
    case .address(let node, let nic, let place): ofNIC(node, nic, lab.nodes[node].nics[nic].addresses[place])
    case .gateway(let node, let nic, let place):
      ofNIC(node, nic, "gateway \(lab.nodes[node].nics[nic].gateways[place])")
    case .route(let node, let nic, let place):
      ofNIC(node, nic, "route to \(lab.nodes[node].nics[nic].routes[place].to)")
    case .mac(let node, let nic): ofNIC(node, nic, "MAC address")
    case .mtu(let node, let nic): ofNIC(node, nic, "MTU")
    case .queues(let node, let nic): ofNIC(node, nic, "queues")
    case .model(let node, let nic): ofNIC(node, nic, "model")
    case .role(let node, let nic): ofNIC(node, nic, "role")
    case .socket(let node, let nic): ofNIC(node, nic, "socket")
    case .vlan(let node, let nic): ofNIC(node, nic, "VLAN")
    case .impair(let node, let nic): ofNIC(node, nic, "impairment")
    case .linkImpair(let segment):
      ("impairment of \(lab.segments[segment].name ?? "a link")", lab.segments[segment].line)
    case .joint(let segment, let place):
      ("link to \(lab.segments[segment].joined[place].segment)", lab.segments[segment].line)
    case .awareness(let segment): (lab.segments[segment].name ?? "segment", lab.segments[segment].line)
    case .exec(let node, let place): ("\(lab.nodes[node].name): exec", lab.nodes[node].exec[place].place)
    case .sysctl(let node, let place): ofNode(node, lab.nodes[node].sysctl[place].key)
    case .file(let node, let place): ofNode(node, lab.nodes[node].files[place].path)
    case .env(let node, let place): ofNode(node, lab.nodes[node].env[place].key)
    case .after(let node, let place): ofNode(node, "after \(lab.nodes[node].after[place])")
    case .command(let node): ofNode(node, "command")
    case .image(let node): ofNode(node, "image")
    case .memory(let node): ofNode(node, "memory")
    case .cpus(let node): ofNode(node, "cpus")
    case .forwarding(let node): ofNode(node, "forwarding")
    case .userData(let node): ofNode(node, "user-data")
    case .networkConfig(let node): ofNode(node, "network-config")
    case .section(let node, let key): ofNode(node, key)
    case .kind(let node): ofNode(node, "kind \(lab.nodes[node].kind.rawValue)")
    case .vlanName(let place): ("VLAN \(lab.vlans[place].name)", nil)
    }
  }

  private func ofNode(_ node: Int, _ what: String) -> (String, Int?) {
    ("\(lab.nodes[node].name): \(what)", lab.nodes[node].line)
  }

  private func ofNIC(_ node: Int, _ nic: Int, _ what: String) -> (String, Int?) {
    let value = lab.nodes[node].nics[nic]
    return ("\(lab.nodes[node].name) \(value.name): \(what)", value.line ?? lab.nodes[node].line)
  }
}

/// What the loader asks of the host: a lab file of an import is checked for what it says, whatever host it is made on, but
/// for its memory.
private struct WritingFacts: LabFacts {
  let appliances: [String: OVFDescriptor]
  let totalMemory: UInt64?

  func image(at absolutePath: String) -> ImageContent? {
    (appliances[absolutePath] ?? appliances[String(absolutePath.dropFirst())]).map { .appliance($0) }
  }
  func fileExists(_ absolutePath: String) -> Bool { true }
  func head(of absolutePath: String, count: Int) -> [UInt8]? { Array([0x51, 0x46, 0x49, 0xFB].prefix(count)) }
  func sha256(of absolutePath: String) -> String? { nil }
  var imageDirectory: String { "/" }
  var hasKVM: Bool { true }
  func hostInterfaceExists(_ name: String) -> Bool { false }
  var availableMemory: UInt64? { nil }
  var longestSocketPath: Int { 107 }
}

extension String {
  fileprivate var quotedLine: String { "\"\(self.drop { $0 == " " })\"" }
}
