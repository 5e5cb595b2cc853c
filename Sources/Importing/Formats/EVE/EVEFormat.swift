import Topology

/// EVE-NG's labs: `.unl` files, which PNETLab and UNetLab write as well.
struct EVEFormat: ForeignFormat {
  let name = "eve"
  let tool = "EVE-NG"

  func recognises(_ files: ForeignFiles) -> Bool { files.named.contains { $0.hasSuffix(".unl") } }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    let labs = files.named.filter { $0.hasSuffix(".unl") }
    let path = try ForeignFile.only(labs.isEmpty ? files.named : labs, "a .unl file")
    let root: XMLElement
    let text = try ForeignFile.text(path, files)
    do throws(XMLFault) {
      root = try XMLReader.read(Array(text.utf8))
    } catch {
      throw ImportFaults(ImportFault(path: files.shown(path), line: error.line, message: error.message))
    }
    guard root.name == "lab" else {
      let message = "the document's element is \(root.name.inQuotes), and \"lab\" in an EVE-NG lab"
      throw ImportFaults(ImportFault(path: files.shown(path), line: root.line, message: message))
    }
    var findings = Findings(path: files.shown(path))
    let lab = EVELab(root, &findings)
    try findings.check()
    let name = lab.name.isEmpty ? ForeignFile.stem(of: path) : lab.name
    var maker = EVELabMaker(lab, name: name, options: options, findings: findings)
    return try maker.make()
  }
}
