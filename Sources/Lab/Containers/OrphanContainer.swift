import LinuxHost
import Topology

/// A container that we have made and that no lab knows any more: its state folder is gone, as after a reboot.
struct OrphanContainer: Sendable {
  var name: String
  var lab: String
  var engine: ContainerDefinition.Engine
  /// Removes it.
  var node: ContainerNode

  /// All of labs in these folders; those of other state folders are nobody's business here.
  static func find(in directories: LabDirectories, _ variables: [String: String]) async -> [OrphanContainer] {
    var found: [OrphanContainer] = []
    for kind in ContainerDefinition.Engine.allCases {
      let engine = ContainerEngine(kind, variables)
      let words = ["ps", "--all", "--filter", "label=\(ContainerNode.Label.state)=\(directories.stateRoot)"]
      // An engine that does not answer has nothing to tell.
      guard engine.executable != nil, let names = try? await engine.run(words + ["--format", "{{.Names}}"]) else {
        continue
      }
      for name in names.split(whereSeparator: \.isWhitespace).map({ String($0) }) {
        guard let labels = try? await engine.state(of: name)?.labels, let lab = labels[ContainerNode.Label.lab],
          let node = labels[ContainerNode.Label.node], Names.validLab(lab), Names.valid(node),
          !isKnown(node, of: lab, directories)
        else { continue }
        let environment = NodeEnvironment(lab: lab, directories: directories, variables: variables)
        let remover = ContainerNode(Self.definition(node, kind), environment)
        found.append(OrphanContainer(name: name, lab: lab, engine: kind, node: remover))
      }
    }
    return found
  }

  /// A node that removes what one of that name has made, whatever else it was.
  static func definition(_ node: String, _ engine: ContainerDefinition.Engine) -> NodeDefinition {
    var definition = NodeDefinition(name: node, kind: ContainerNode.kind.word)
    var container = ContainerDefinition()
    container.engine = engine
    definition.container = container
    return definition
  }

  var finding: DoctorFinding {
    DoctorFinding(
      state: .leftover, subject: "container \(name)",
      detail: "of \(engine), made for lab \(lab), which does not know it",
      advice: "`apus doctor --clean` removes it")
  }

  /// Removes it; nothing happens to one that bears our labels and another name.
  func end() async throws { _ = try await node.remove() }

  private static func isKnown(_ node: String, of lab: String, _ directories: LabDirectories) -> Bool {
    let nodes = RecordedLab.read(lab, in: directories)?.nodes ?? []
    return nodes.contains { $0.name == node && $0.container?.attach == nil && $0.container != nil }
  }
}
