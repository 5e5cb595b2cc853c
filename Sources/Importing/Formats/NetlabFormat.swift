import Topology

/// netlab's topologies are what they are only after netlab has transformed them: this says how that is done.
struct NetlabFormat: ForeignFormat {
  let name = "netlab"
  let tool = "netlab"

  func recognises(_ files: ForeignFiles) -> Bool {
    guard files.named.count == 1 || files.named.contains("topology.yml") else { return false }
    let path = files.named.count == 1 ? files.named[0] : "topology.yml"
    guard [".yml", ".yaml"].contains(where: { path.hasSuffix($0) }), let text = try? files.read(path),
      let root = try? ForeignYAML.read(Array(text.utf8), path: path)
    else { return false }
    let isOther = root["topology"] != nil || root["lab"] != nil || root["version"] != nil
    return !isOther && root["nodes"] != nil
      && ["provider", "module", "defaults", "links", "groups", "addressing"].contains { root[$0] != nil }
  }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    throw ImportFaults(
      ImportFault(
        path: files.roots.first ?? "-",
        message: "a netlab topology means something only when netlab has transformed it",
        hint: "tools/setup --netlab gives netlab a provider for Apus; then: netlab create --plugin apus -p apus"))
  }
}
