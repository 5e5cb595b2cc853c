import Topology

/// How the kinds of nodes are made true on this host: a line a kind.
package enum NodeRegistry {
  static let implementations: [any Node.Type] = [
    VMNode.self,
    NetnsNode.self,
    ExternalNode.self,
    TAPNode.self,
    NICNode.self,
    DHCPNode.self,
    ContainerNode.self,
  ]

  /// The words of all kinds, those that no file names included, sorted.
  package static var kinds: [String] { implementations.map { $0.kind.word }.sorted() }

  /// What the nodes of a kind are, by its word; nil for one that this version does not know.
  static func implementation(of kind: String) -> (any Node.Type)? { implementations.first { $0.kind.word == kind } }

  static func make(_ definition: NodeDefinition, _ environment: NodeEnvironment) throws(UserError) -> any Node {
    guard let implementation = implementation(of: definition.kind) else {
      throw UserError(
        .badInput,
        "node \(definition.name): unknown node kind \"\(definition.kind)\"; known kinds: "
          + kinds.joined(separator: ", "))
    }
    return implementation.init(definition, environment)
  }
}
