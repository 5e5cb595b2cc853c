import Lab
import Topology

extension LabDocument {
  /// Checks a lab that came over TCP for paths of this host that its keys alone do not tell.
  /// - Parameters:
  ///   - current: the lab that is up, whose file it may go on to name.
  ///   - catalogue: of the images that whoever may use the API may use.
  /// - Throws: `HTTPRefusal` (403).
  func refuseHostPaths(beside current: CanonicalLab?, _ catalogue: ImageCatalogue) throws(HTTPRefusal) {
    for (key, said, known) in [("directory", directory, current?.directory), ("source", source, current?.source)] {
      if let said, !said.isEmpty, said != known { throw .onSocketOnly("\(key) of the body") }
    }
    // Who has the token may not give others a way in.
    if let http, current?.http.map({ HTTP($0) }) != http { throw .onSocketOnly("http of the body") }
    for (index, node) in (nodes ?? []).enumerated() {
      guard let image = node.image else { continue }
      let isRefused =
        node.isMachine
        ? !NodeDefinition.wordsOfImages.contains(image) && catalogue.entry(at: image) == nil
        : Self.namesAFile(image)
      if isRefused { throw .onSocketOnly("nodes[\(index)].image of the body") }
    }
  }

  /// Engines of containers take images from files, too: `oci-archive:/a/b.tar`.
  private static func namesAFile(_ image: String) -> Bool {
    let places = ["dir:", "oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:", "sif:"]
    return image.hasPrefix("/") || image.contains(":/") || places.contains { image.hasPrefix($0) }
  }

  /// Has machines whose `image` is a name of the catalogue take what it stands for, as in a lab file.
  /// - Parameter isComplete: nothing else can be meant by such a name.
  /// - Throws: `UserError` (`badInput`) for a name that is not in it then, and for an appliance that is not described.
  mutating func fillImages(from catalogue: ImageCatalogue, isComplete: Bool) throws(UserError) {
    guard var filled = nodes else { return }
    for index in filled.indices where filled[index].isMachine {
      guard let name = filled[index].image, !NodeDefinition.wordsOfImages.contains(name), !name.contains("/") else {
        continue
      }
      let node = filled[index].name
      guard let (path, entry) = catalogue.named(name) else {
        guard isComplete else { continue }
        throw UserError(
          .badInput, "node \(node): no image \"\(name)\" in the catalogue", hint: "GET /v1/images lists those there are"
        )
      }
      guard !entry.image.isAppliance || filled[index].appliance != nil else {
        throw UserError(
          .badInput, "node \(node): image \"\(name)\" is an appliance, and nothing says what of it the node takes",
          hint: "say `image: \(name)` in a lab file's text, which needs no more")
      }
      filled[index].image = path
      let format = entry.image.isAppliance ? .qcow2 : entry.image.disks.first?.format ?? .raw
      filled[index].disk = filled[index].disk ?? Disk(format: format)
    }
    nodes = filled
  }
}

extension LabDocument.Node {
  fileprivate var isMachine: Bool { NodeKind.named(kind)?.isMachine ?? true }
}

extension NodeDefinition {
  /// What `image` of a machine may be that is no image's name.
  fileprivate static let wordsOfImages = ["builtin", noImage]
}
