import Topology

/// containerlab's `*.clab.yml`.
struct ContainerlabFormat: ForeignFormat {
  let name = "clab"
  let tool = "containerlab"

  private static let endings = [".clab.yml", ".clab.yaml"]

  func recognises(_ files: ForeignFiles) -> Bool {
    if files.named.count > 1 { return !Self.candidates(files).isEmpty }
    guard let path = files.named.first else { return false }
    if Self.endings.contains(where: { path.hasSuffix($0) }) { return true }
    guard [".yml", ".yaml"].contains(where: { path.hasSuffix($0) }), let text = try? files.read(path) else {
      return false
    }
    let lines = text.split(whereSeparator: \.isNewline)
    let top = Set(lines.filter { $0.first?.isLetter ?? false }.map { $0.prefix { $0 != ":" } })
    return top.contains("name") && top.contains("topology")
  }

  /// The files in a folder that are topologies.
  private static func candidates(_ files: ForeignFiles) -> [String] {
    files.named.filter { path in !path.contains("/") && endings.contains { path.hasSuffix($0) } }
  }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    let found = files.named.count == 1 ? files.named : Self.candidates(files)
    guard let path = found.first, found.count == 1 else {
      let root = files.roots.first ?? "-"
      let message = found.isEmpty ? "there is no topology of containerlab" : "there are \(found.count) topologies"
      throw ImportFaults(ImportFault(path: root, message: message, hint: "name one file: *.clab.yml"))
    }
    var reader = ContainerlabReader(files: files, path: path, hostKind: options.hostKind ?? .netns)
    return try reader.read()
  }
}

/// Reads one topology.
struct ContainerlabReader {
  let files: ForeignFiles
  /// In the folder.
  let path: String
  let hostKind: ForeignNode.Kind
  var lab = ForeignLab(tool: "containerlab", name: "")
  var faults: [ImportFault] = []
  /// What each node is, by its name.
  var roles: [String: Role] = [:]
  /// Names of the nodes in the file's order, with what they say.
  var definitions: [(name: String, line: Int, value: ContainerlabNode)] = []
  /// Nodes that are part of another one, with its place.
  var merged: [String: Int] = [:]
  /// By the node's name and the interface: ends that have a link.
  var taken: Set<String> = []
  /// How often something of all nodes is said, with the first line: what is told once a file.
  var counted: [String: (count: Int, line: Int)] = [:]

  /// What was lost, with the place of its note.
  var losses: [Loss: Int] = [:]
  /// By the place of a note: of how many nodes it is, if of several.
  var sharers: [Int: Int] = [:]

  /// What nodes have of what they share.
  var shared = SharedText()
  /// By its path: the variables of a file, which is read once.
  var variableFiles: [String: [(key: String, value: String)]] = [:]
  /// Place of the node that stands for this host.
  var hostPlace: Int?

  /// A line of the file, and what cannot be carried over of it.
  struct Loss: Hashable {
    var line: Int
    var reason: String
  }

  /// What a node of the file is here.
  enum Role {
    case node(Int)
    /// A bridge; its place among the segments.
    case segment(Int)
  }

  init(files: ForeignFiles, path: String, hostKind: ForeignNode.Kind) {
    self.files = files
    self.path = path
    self.hostKind = hostKind
  }

  var shown: String { files.shown(path) }

  mutating func fault(_ line: Int?, _ message: String, hint: String? = nil) {
    guard faults.count < 50 else { return }
    faults.append(ImportFault(path: shown, line: line, message: message, hint: hint))
  }

  mutating func note(_ outcome: ImportNote.Outcome, _ line: Int?, _ key: String, _ reason: String) {
    lab.notes.append(ImportNote(outcome, path: shown, line: line, key: key, reason: reason))
  }

  /// Counts bytes that a node gets; answers false, and is a fault, once the nodes have more than a lab may.
  mutating func hasRoom(for count: Int, _ line: Int?) -> Bool {
    let isFirst = !shared.isUsedUp
    if shared.hasRoom(for: count) { return true }
    if isFirst { fault(line, "the nodes have more than \(SharedText.most) bytes of commands, variables and keys") }
    return false
  }

  mutating func read() throws(ImportFaults) -> ForeignLab {
    let root = try tree()
    guard root.mapping != nil, let topology = root["topology"], topology.mapping != nil else {
      throw ImportFaults(ImportFault(path: shown, line: root.line, message: "it has no mapping \"topology\""))
    }
    readTop(root)
    readNodes(topology)
    readLinks(topology["links"])
    numberNICs()
    for place in definitions.indices where !shared.isUsedUp { furnish(place) }
    finish()
    guard faults.isEmpty else { throw ImportFaults(faults) }
    return lab
  }

  /// The file with its variables put in.
  private mutating func tree() throws(ImportFaults) -> ForeignValue {
    let text: String?
    do throws(ImportFault) { text = try files.read(path) } catch { throw ImportFaults(error) }
    guard let text else { throw ImportFaults(ImportFault(path: shown, message: "there is no such file")) }
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
    where line.contains("{{") && !line.drop(while: { $0 == " " || $0 == "\t" }).hasPrefix("#") {
      throw ImportFaults(
        ImportFault(
          path: shown, line: index + 1, message: "a Go template stands here, and none is run",
          hint: "import the file that is made of it"))
    }
    let outcome = ContainerlabVariables.expanded(text, files.environment)
    guard let expanded = outcome.text else {
      throw ImportFaults(ImportFault(path: shown, message: "with its variables put in, the file is too long"))
    }
    for name in outcome.names.sorted() {
      note(.changed, nil, "${\(name)}", "the value of this variable of the environment stands in its place")
    }
    let root: ForeignValue?
    do throws(ForeignYAML.Fault) {
      root = try ForeignYAML.read(Array(expanded.utf8), path: shown)
    } catch {
      throw ImportFaults(
        error.diagnostics.map { ImportFault(path: $0.path, line: $0.line, message: $0.message, hint: $0.hint) })
    }
    guard let root else { throw ImportFaults(ImportFault(path: shown, message: "the file is empty")) }
    return root
  }

  private mutating func readTop(_ root: ForeignValue) {
    lab.name = root["name"]?.text ?? files.folderName
    for entry in root.mapping ?? [] {
      switch entry.key {
      case "name", "topology": break
      case "prefix", "debug": note(.withoutEffect, entry.line, entry.key, "it has no meaning here")
      case "mgmt": note(.lost, entry.line, entry.key, "there is no management network: eth0 is plugged in nowhere")
      default: note(.lost, entry.line, entry.key, "a lab file has no such thing")
      }
    }
    for entry in root["topology"]?.mapping ?? []
    where !["nodes", "links", "kinds", "groups", "defaults"].contains(entry.key) {
      note(.lost, entry.line, "topology.\(entry.key)", "it is not known here")
    }
  }

  private mutating func finish() {
    countSharers()
    for (key, value) in counted.sorted(by: { $0.value.line < $1.value.line }) {
      let nodes = value.count == 1 ? "1 node" : "\(value.count) nodes"
      note(.lost, value.line, key, "of \(nodes): it is about a management network, which labs here do not have")
    }
    if !lab.segments.isEmpty {
      note(.changed, nil, "links", "links there carry 9500 bytes unless the file says otherwise, NICs here 1500")
    }
  }
}
