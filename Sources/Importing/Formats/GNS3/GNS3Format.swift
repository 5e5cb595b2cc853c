import Topology

/// GNS3's projects: `.gns3` files of its versions 1 and 2, with the start-up files of VPCS beside them.
struct GNS3Format: ForeignFormat {
  let name = "gns3"
  let tool = "GNS3"

  func recognises(_ files: ForeignFiles) -> Bool { !Self.projects(files).isEmpty }

  /// The files of projects that were named; copies of their former states are none.
  private static func projects(_ files: ForeignFiles) -> [String] {
    files.named.filter { $0.hasSuffix(".gns3") && !$0.contains("project-files/") }
  }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    let projects = Self.projects(files)
    let path = try ForeignFile.only(projects.isEmpty ? files.named : projects, "a .gns3 file")
    let root = try ForeignFile.tree(path, files, prepare: JSONEscapes.resolved)
    var findings = Findings(path: files.shown(path))
    guard root["topology"]?.mapping != nil else {
      let message = "a GNS3 project has a mapping \"topology\", found \(root["topology"]?.found ?? "nothing")"
      throw ImportFaults(ImportFault(path: files.shown(path), line: root.line, message: message))
    }
    let revision = findings.number(root["revision"], "revision", in: 0...1_000_000) ?? 0
    let folder = ForeignFile.folder(of: path)
    let file: (String) throws(ImportFault) -> (text: String, path: String)? = { name throws(ImportFault) in
      try files.read(folder + name).map { ($0, files.shown(folder + name)) }
    }
    let project: GNS3Project
    if revision >= 5 {
      var reader = GNS3Reader(findings: findings, file: file)
      project = try reader.read(root)
      findings = reader.findings
    } else {
      var reader = GNS3OldReader(findings: findings, file: file)
      project = try reader.read(root)
      findings = reader.findings
    }
    try findings.check()
    let name = project.name.flatMap { $0.isEmpty ? nil : $0 } ?? ForeignFile.stem(of: path)
    var maker = GNS3LabMaker(project, name: name, options: options, findings: findings)
    return try maker.make()
  }
}
