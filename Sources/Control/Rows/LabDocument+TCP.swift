import Topology

extension LabDocument {
  /// Checks a lab that came over TCP for paths of this host that its keys alone do not tell.
  /// - Parameter current: the lab that is up, whose file it may go on to name.
  /// - Throws: `HTTPRefusal` (403).
  func refuseHostPaths(beside current: CanonicalLab?) throws(HTTPRefusal) {
    for (key, said, known) in [("directory", directory, current?.directory), ("source", source, current?.source)] {
      if let said, !said.isEmpty, said != known { throw .onSocketOnly("\(key) of the body") }
    }
    for (index, node) in (nodes ?? []).enumerated() {
      guard let image = node.image, NodeKind.named(node.kind)?.isMachine ?? true else { continue }
      guard ["builtin", "none"].contains(image) else { throw .onSocketOnly("nodes[\(index)].image of the body") }
    }
  }
}
