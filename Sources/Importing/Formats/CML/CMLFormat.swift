import Topology

/// Labs of Cisco Modeling Labs: YAML with `lab`, `nodes` and `links`, of all its versions.
struct CMLFormat: ForeignFormat {
  let name = "cml"
  let tool = "CML"

  /// Files that are looked into to recognise a lab.
  private static let mostLookedInto = 16

  func recognises(_ files: ForeignFiles) -> Bool { !Self.labs(files).isEmpty }

  private static func labs(_ files: ForeignFiles) -> [String] {
    let candidates = files.named.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
    guard candidates.count <= mostLookedInto else { return [] }
    return candidates.filter { path in
      // What cannot be read is none; it is an error where it is meant.
      guard let text = (try? files.read(path)) ?? nil else { return false }
      return text.contains("node_definition:") && text.contains("interfaces:")
    }
  }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    let labs = Self.labs(files)
    let path = try ForeignFile.only(labs.isEmpty ? files.named : labs, "a lab of CML")
    let root = try ForeignFile.tree(path, files)
    var findings = Findings(path: files.shown(path))
    for key in ["lab", "nodes", "links"] where root[key] == nil {
      findings.fault("a lab of CML has lab, nodes and links; \(key) is missing", line: root.line)
    }
    try findings.check()
    let lab = CMLLab(root, &findings)
    try findings.check()
    let name = lab.title.isEmpty ? ForeignFile.stem(of: path) : lab.title
    var maker = CMLLabMaker(lab, name: name, options: options, findings: findings)
    return try maker.make()
  }
}
