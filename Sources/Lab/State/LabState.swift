import FoundationEssentials
import LinuxHost
import Topology

/// What is written down about a running node, so that another daemon (or `down` without one) finds it again.
struct NodeRecord: Codable, Sendable, Equatable {
  /// ISO 8601: when the node was started.
  var since: String
  /// The node's process, by pid and start time: a pid that was given to another process since is not mistaken for it.
  var process: ProcessIdentity?
  /// The machine has been ready since its last start or reset.
  var isReady: Bool?
  /// Bytes that the console's log had when the machine was started.
  var consoleStart: Int?
  /// Steps of its network's setup that a built-in guest was told at its start; it says how many were done.
  var setupSteps: Int?
  /// NICs that were plugged into the running machine.
  var plugged: [String]?
  /// Processes of a node that has several, by what they are for.
  var helpers: [String: ProcessIdentity]?
  /// A NIC that the machine was started with was unplugged: a built-in guest that boots again is told of it all the same.
  var hasLostNICs: Bool?
  /// Its system has been told all that it is told beside its network, since its last start or reset; nil = nothing is.
  var isSetUp: Bool?
  /// Lines of its `exec` that were begun since then, as they are before each: none of them is run again; nil = none.
  var begunLines: Int?
  /// Which of them has failed, and how, in words for a person.
  var setupFailure: String?

  /// Path of the file that is the machine's memory; nil = only its own QEMU has it.
  var memory: String?
  /// Paths of the sockets of NICs that have not the usual ones, as those of a machine that has moved.
  var sockets: [String: String]?
  /// The machine is on its way into another QEMU, or has just come out of one.
  var move: Move?

  /// What has to be known of a machine's way from one QEMU into another, should we die in the middle.
  struct Move: Codable, Sendable, Equatable {
    /// The QEMU to which it goes, or which it has left; nil = it was not started, as far as we know.
    var other: ProcessIdentity?
    /// The machine is there: `process` is where it has gone to, and `other` where it came from.
    var hasArrived = false
    /// As `NodeRecord.sockets`, once it is there.
    var sockets: [String: String]
    /// As `NodeRecord.memory`, once it is there.
    var memory: String?
  }

  init(process: ProcessIdentity?) {
    since = Date().formatted(.iso8601)
    self.process = process
  }

  /// What its system had been told, and done, when it was saved.
  mutating func goOn(from saved: NodeRecord) {
    (isReady, setupSteps, plugged, hasLostNICs) = (saved.isReady, saved.setupSteps, saved.plugged, saved.hasLostNICs)
    (isSetUp, begunLines, setupFailure) = (saved.isSetUp, saved.begunLines, saved.setupFailure)
  }

  static func read(_ paths: NodePaths) -> NodeRecord? {
    Files.read(paths.recordFile).flatMap { try? JSONDecoder().decode(NodeRecord.self, from: Data($0)) }
  }

  func write(_ paths: NodePaths) throws(UserError) {
    let folder = try LabFolders.makeState(paths)
    try Files.write(encoded(self), as: NodeFile.record.rawValue, in: folder)
    guard let process else { return }
    try Files.write(Array("\(process.pid)\n".utf8), as: NodeFile.pid.rawValue, in: folder)
  }

  static func remove(_ paths: NodePaths) throws(UserError) {
    guard let folder = LabFolders.findState(paths) else { return }
    try Files.remove(NodeFile.record.rawValue, in: folder)
    try Files.remove(NodeFile.pid.rawValue, in: folder)
  }
}

/// `lab.json`: the canonical form of what is running.
enum LabState {
  /// nil when nothing is written down.
  static func read(_ lab: String, in directories: LabDirectories) throws(UserError) -> CanonicalLab? {
    let path = directories.labFile(lab)
    guard let bytes = Files.read(path) else { return nil }
    func unusable(_ reason: String) -> UserError {
      UserError(
        .failed, "\(path) is not the state of lab \(lab): \(reason)", hint: "remove the lab with `apus down \(lab)`")
    }
    let recorded: CanonicalLab
    do {
      recorded = try JSONDecoder().decode(CanonicalLab.self, from: Data(bytes))
    } catch {
      throw unusable(ErrorWords.of(error))
    }
    guard recorded.name == lab else { throw unusable("it is that of \"\(recorded.name)\"") }
    // Names become paths.
    if let complaint = recorded.wrongName { throw unusable(complaint) }
    return recorded
  }

  static func write(_ lab: CanonicalLab, in directories: LabDirectories) throws(UserError) {
    try Files.write(encoded(lab), as: LabFile.lab.rawValue, in: try LabFolders.state(of: lab.name, in: directories))
  }
}

extension CanonicalLab {
  /// What is wrong with the first name that no lab file could have; nil as a rule.
  var wrongName: String? {
    if let complaint = Names.complaint(about: name, as: "lab") { return complaint.message }
    for node in nodes {
      if let complaint = Names.complaint(about: node.name, as: "node") { return complaint.message }
      if let nic = node.nics.first(where: { !Names.validNIC($0.name) }) {
        return "NIC name \"\(nic.name)\" of node \(node.name) is not valid"
      }
    }
    return nil
  }

  /// Of switches and links, whose names become no paths: those that the lab file gives no name are called by their ends.
  var wrongNameOfJoint: String? {
    for definition in switches where !Self.isListOfNICs(definition.name) {
      if let complaint = Names.complaint(about: definition.name, as: "switch") { return complaint.message }
    }
    for link in links where link.name != link.ends.map(\.text).joined(separator: "--") {
      if let complaint = Names.complaint(about: link.name, as: "link") { return complaint.message }
    }
    return nil
  }

  /// Whether it is made of names of NICs, `a:eth0--b:eth0--c:eth0`; names of NICs may have `--` in them.
  private static func isListOfNICs(_ name: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    return name.contains("--") && name.contains(":") && name.utf8.allSatisfy { isPlain($0) || ".:_-".utf8.contains($0) }
  }

  /// NICs of a node, and the lab's switches, nodes and links together, have one name each; the codes are those of the
  /// lab file.
  var doubledName: String? {
    for node in nodes {
      var names: Set<String> = []
      for nic in node.nics where !names.insert(nic.name).inserted {
        return "NIC \"\(nic.name)\" of node \(node.name) is defined twice (\(DiagnosticCode.duplicateKey.rawValue))"
      }
    }
    var owners: [String: String] = [:]
    let code = DiagnosticCode.collision.rawValue
    for (what, names) in [("switch", switches.map(\.name)), ("node", nodes.map(\.name)), ("link", links.map(\.name))] {
      for name in names {
        guard let owner = owners.updateValue(what, forKey: name) else { continue }
        return owner == what
          ? "\(what) \"\(name)\" is defined twice (\(code))"
          : "\(what) \"\(name)\" has the name of a \(owner) (\(code))"
      }
    }
    return nil
  }
}

/// Stable, readable JSON.
func encoded(_ value: some Encodable) throws(UserError) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  do {
    return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
  } catch {
    throw UserError(.failed, "cannot write down \(type(of: value)): \(ErrorWords.of(error))")
  }
}
