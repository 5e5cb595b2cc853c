import Topology

/// libvirt's domains and networks, as `virsh dumpxml` and `virsh net-dumpxml` print them, one a file.
struct LibvirtFormat: ForeignFormat {
  let name = "libvirt"
  let tool = "libvirt"

  /// Files that are looked into before it is said that none is libvirt's.
  private static let mostLooks = 20

  func recognises(_ files: ForeignFiles) -> Bool {
    // EVE-NG's labs have networks, too.
    let documents = Self.documents(of: files).filter { !$0.hasSuffix(".unl") }
    return documents.prefix(Self.mostLooks).contains { path in
      guard let text = try? files.read(path), text.first(where: { !$0.isWhitespace && $0 != "\u{FEFF}" }) == "<" else {
        return false
      }
      return text.contains("<domain ") || text.contains("<domain>") || text.contains("<network ")
        || text.contains("<network>")
    }
  }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    var faults: [ImportFault] = []
    var documents: [LibvirtDocument] = []
    for path in Self.documents(of: files) {
      do throws(ImportFault) {
        guard let text = try files.read(path) else { continue }
        documents.append(LibvirtDocument(path: files.shown(path), root: try Self.root(of: text, files.shown(path))))
      } catch {
        faults.append(error)
      }
    }
    if !faults.isEmpty { throw ImportFaults(faults) }
    guard documents.contains(where: { ["domain", "network"].contains($0.root.name) }) else {
      let path = files.roots.first ?? ""
      let found = documents.first.map { "<\(ImportWord.shown($0.root.name))>" } ?? "no XML file"
      throw ImportFaults(
        ImportFault(
          path: path, line: documents.first?.root.line, message: "has \(found), expected a <domain> or a <network>",
          hint: "virsh dumpxml NAME and virsh net-dumpxml NAME print them"))
    }
    var reader = LibvirtReader(hostKind: options.hostKind)
    return reader.read(documents, name: Self.labName(documents, files))
  }

  /// What was named with a name of XML; all that was named where nothing has.
  private static func documents(of files: ForeignFiles) -> [String] {
    let documents = files.named.filter { $0.lowercased().hasSuffix(".xml") }
    return documents.isEmpty && files.named.count == 1 ? files.named : documents
  }

  private static func root(of text: String, _ path: String) throws(ImportFault) -> XMLElement {
    do throws(XMLFault) {
      return try XMLReader.read(Array(text.utf8))
    } catch {
      throw ImportFault(path: path, line: error.line, message: error.message)
    }
  }

  /// A single file's own name, else the folder's.
  private static func labName(_ documents: [LibvirtDocument], _ files: ForeignFiles) -> String {
    guard documents.count == 1, let name = documents[0].root.value("name") else { return files.folderName }
    return name
  }
}

/// An XML file as a person named it.
struct LibvirtDocument {
  var path: String
  var root: XMLElement
}
