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
    /// They are this host's, named as the NICs, and Apus takes them from it.
    case taken
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
  package var hasSockets = false
  /// Tests can send from it and listen in it: Apus runs programs where its interfaces are.
  package var sends = false
  /// Users can run commands in it.
  package var executes = false
  /// Node keys that not all kinds have and this one has.
  package var keys: Set<String> = []
  /// NIC keys that not all kinds have and this one has.
  var nicKeys: Set<String> = []
  /// NIC keys that the other kinds have and this one lacks: the host's own stack is kept off its interfaces.
  var lackedNICKeys: Set<String> = []

  /// Apus makes its interfaces, with names that Linux takes, or takes them, and sets them up; this needs root.
  package var hasOurInterfaces: Bool { interfaces != .own }
  /// Apus makes its interfaces: TAPs.
  package var makesInterfaces: Bool { interfaces == .namespace || interfaces == .host }
  /// Its interfaces are some of this host's.
  package var isOnHost: Bool { interfaces == .host || takesInterfaces }
  /// Its interfaces are there before it.
  package var takesInterfaces: Bool { interfaces == .taken }

  package static func == (one: NodeKind, other: NodeKind) -> Bool { one.word == other.word }
}

extension NodeKind {
  /// Every kind that a file can name, in the order the documentation has them.
  package static let all = [vm, netns, external, tap, nic, container]

  package static let vm = NodeKind(
    word: "vm", text: "a virtual machine", interfaces: .own, isMachine: true, hasSockets: true, sends: true,
    executes: true,
    keys: Set((LabSchema.machine + [LabSchema.after, LabSchema.networks] + LabSchema.setup).map(\.name)),
    nicKeys: ["queues", "model", "migration-buffer"])

  package static let netns = NodeKind(
    word: "netns", text: "a network namespace", interfaces: .namespace, sends: true, executes: true,
    keys: Set(LabSchema.setup.map(\.name)).subtracting([LabSchema.files.name]))

  package static let external = NodeKind(
    word: "external", text: "a socket whose machine somebody else runs", interfaces: .own, isForeign: true,
    hasSockets: true,
    nicKeys: [
      "queues", "role", "socket", "socket-mode", "socket-owner", "front-end", "transport", "migration-buffer",
    ])

  package static let tap = NodeKind(
    word: "tap", text: "TAP interfaces on this host", interfaces: .host, sends: true)

  package static let nic = NodeKind(
    word: "nic", text: "interfaces of this host, taken while the lab is up", interfaces: .taken, keys: ["force"],
    lackedNICKeys: ["address", "addresses", "gateway", "routes", "mac", "mac-lock"])
  package static let container = NodeKind(
    word: "container", text: "a container", interfaces: .namespace, isContainer: true, sends: true, executes: true,
    keys: Set((LabSchema.container + LabSchema.setup).map(\.name) + ["image", "ready", LabSchema.after.name]))
  /// The server of a VLAN with `dhcp`: no file names such a node, it follows from the VLAN.
  package static let dhcp = NodeKind(
    word: "dhcp", text: "the DHCP and DNS server of a VLAN", interfaces: .namespace, executes: true)

  /// Kinds of nodes that a lab has without its file naming them.
  package static let implied = [dhcp]

  /// Of a node whose kind is missing or wrong, or is one of another version: nothing is true of it.
  static let unknown = NodeKind(word: "", text: "", interfaces: .own)

  /// The kind of that word, one that no file names included.
  package static func named(_ word: String) -> NodeKind? { (all + implied).first { $0.word == word } }

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
    if all.contains(where: { $0.lackedNICKeys.contains(key) }) {
      return all.filter { !$0.lackedNICKeys.contains(key) }
    }
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
