import Topology

extension LabDocument {
  /// Checks a lab that came over TCP for paths of this host that its keys alone do not tell.
  /// - Parameter current: the lab that is up, whose file it may go on to name.
  /// - Throws: `HTTPRefusal` (403).
  func refuseHostPaths(beside current: CanonicalLab?) throws(HTTPRefusal) {
    for (key, said, known) in [("directory", directory, current?.directory), ("source", source, current?.source)] {
      if let said, !said.isEmpty, said != known { throw .onSocketOnly("\(key) of the body") }
    }
    // Who has the token may not give others a way in.
    if let http, current?.http.map({ HTTP($0) }) != http { throw .onSocketOnly("http of the body") }
    for (index, node) in (nodes ?? []).enumerated() {
      if let image = node.image, Self.namesAFile(image) { throw .onSocketOnly("nodes[\(index)].image of the body") }
      guard let image = node.image, NodeKind.named(node.kind)?.isMachine ?? true else { continue }
      guard ["builtin", "none"].contains(image) else { throw .onSocketOnly("nodes[\(index)].image of the body") }
    }
  }

  /// Engines of containers take images from files, too: `oci-archive:/a/b.tar`.
  private static func namesAFile(_ image: String) -> Bool {
    let places = ["dir:", "oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:", "sif:"]
    return image.contains(":/") || places.contains { image.hasPrefix($0) }
  }
}
