/// A kind of node: what the lab file may say of it, and what can be asked of such a node.
///
/// A row a kind. To add one, write its row in `all`; `Lab/Nodes` says how it is made true. No code compares the words.
package struct NodeKind: Sendable, Equatable {
  /// Where a node's interfaces are, and who makes them.
  enum Interfaces: Sendable {
    /// The node's own system has them, under names of its own choice.
    case own
    /// Apus makes them in a network namespace, named as the NICs.
    case namespace
    /// Apus makes them on this host, named as the NICs: no two nodes of a host have one of a name.
    case host
  }

  /// The value of `kind`.
  package let word: String
  /// What it is, for editors.
  let text: String
  let interfaces: Interfaces
  /// It has memory, processors and a disk, what `MachineDraft` has of it; its system may have to be told its network.
  package var isMachine = false
  /// It is a container: what `ContainerDraft` has of it.
  var isContainer = false
  /// Somebody else runs it: nothing is known of it but what the file says.
  package var isForeign = false
  /// Its ports are vhost-user sockets.
  var hasSockets = false
  /// Tests can send from it and listen in it: Apus runs programs where its interfaces are.
  package var sends = false
  /// Users can run commands in it.
  package var executes = false
  /// Node keys that not all kinds have and this one has.
  var keys: Set<String> = []
  /// NIC keys that not all kinds have and this one has.
  var nicKeys: Set<String> = []

  /// Apus makes its interfaces, with names that Linux takes, and sets them up; this needs root.
  package var hasOurInterfaces: Bool { interfaces != .own }
  /// Its interfaces are some of this host's.
  package var isOnHost: Bool { interfaces == .host }

  package static func == (one: NodeKind, other: NodeKind) -> Bool { one.word == other.word }
}

extension NodeKind {
  /// Every kind, in the order the documentation has them.
  package static let all = [vm, netns, external, tap, container]

  package static let vm = NodeKind(
    word: "vm", text: "a virtual machine", interfaces: .own, isMachine: true, hasSockets: true, sends: true,
    executes: true, keys: Set((LabSchema.machine + [LabSchema.after]).map(\.name)), nicKeys: ["queues"])

  package static let netns = NodeKind(
    word: "netns", text: "a network namespace", interfaces: .namespace, sends: true, executes: true)

  package static let external = NodeKind(
    word: "external", text: "a vhost-user socket whose machine somebody else runs", interfaces: .own, isForeign: true,
    hasSockets: true, nicKeys: ["queues", "role", "socket", "socket-mode", "socket-owner", "front-end"])

  package static let tap = NodeKind(
    word: "tap", text: "TAP interfaces on this host", interfaces: .host, sends: true)

  package static let container = NodeKind(
    word: "container", text: "a container", interfaces: .namespace, isContainer: true, sends: true, executes: true,
    keys: Set(LabSchema.container.map(\.name) + ["image", "ready", LabSchema.after.name]))

  /// Of a node whose kind is missing or wrong, or is one of another version: nothing is true of it.
  static let unknown = NodeKind(word: "", text: "", interfaces: .own)

  /// The kind of that word.
  package static func named(_ word: String) -> NodeKind? { all.first { $0.word == word } }

  /// The words of the kinds of which something is true: `vm, netns, tap or container`.
  /// - Parameter conjunction: what stands before the last.
  package static func words(_ conjunction: String, where isMeant: (NodeKind) -> Bool) -> String {
    let words = all.filter(isMeant).map(\.word)
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return "\(words.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
  }

  /// The kinds that have a node key; nil for one that all have.
  static func having(key: String) -> [NodeKind]? {
    let kinds = all.filter { $0.keys.contains(key) }
    return kinds.isEmpty ? nil : kinds
  }

  /// The kinds that have a NIC key; nil for one that all have.
  static func having(nicKey key: String) -> [NodeKind]? {
    let kinds = all.filter { $0.nicKeys.contains(key) }
    return kinds.isEmpty ? nil : kinds
  }
}

extension NodeDefinition {
  /// The row of its kind; `NodeKind.unknown` for a word that this version does not know.
  package var traits: NodeKind { NodeKind.named(kind) ?? .unknown }
}

extension NodeDraft {
  /// The row of its kind; `NodeKind.unknown` while it has none.
  var traits: NodeKind { kind.flatMap { NodeKind.named($0.value) } ?? .unknown }
}
