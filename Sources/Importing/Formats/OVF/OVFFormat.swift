import Topology

/// Descriptors of the Open Virtualization Format (versions 0.9, 1 and 2), alone or out of an OVA.
struct OVFFormat: ForeignFormat {
  let name = "ovf"
  let tool = "OVF"

  func recognises(_ files: ForeignFiles) -> Bool { !Self.documents(of: files).isEmpty }

  func read(_ files: ForeignFiles, _ options: ImportOptions) throws(ImportFaults) -> ForeignLab {
    let paths = Self.documents(of: files)
    guard !paths.isEmpty else {
      throw ImportFaults(
        ImportFault(
          path: files.roots.first ?? "", message: "there is no OVF descriptor or OVA",
          hint: "their names end in .ovf and .ova"))
    }
    var lab = ForeignLab(tool: tool, name: Self.stem(paths.count == 1 ? paths[0] : files.folderName))
    var faults: [ImportFault] = []
    for (number, path) in paths.enumerated() {
      let shown = files.shown(path)
      do throws(ImportFault) {
        let descriptor = try Self.descriptor(path, files)
        let configuration = try Self.configuration(of: descriptor, options.configuration, shown)
        var reader = OVFImport(
          path: shown, number: number, descriptor: descriptor, configuration: configuration, kind: options.hostKind)
        reader.read(into: &lab)
        if descriptor.faults.isEmpty { lab.appliances[shown] = descriptor }
      } catch {
        faults.append(error)
      }
    }
    if !faults.isEmpty { throw ImportFaults(faults) }
    return lab
  }

  private static func documents(of files: ForeignFiles) -> [String] {
    files.named.filter { [".ovf", ".ova"].contains($0.lowercased().suffix(4)) }
  }

  private static func stem(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return [".ovf", ".ova"].contains(name.lowercased().suffix(4)) ? String(name.dropLast(4)) : name
  }

  private static func descriptor(_ path: String, _ files: ForeignFiles) throws(ImportFault) -> OVFDescriptor {
    let isArchive = path.lowercased().hasSuffix(".ova")
    guard let text = isArchive ? try files.descriptor(path) : try files.read(path) else {
      throw ImportFault(path: files.shown(path), message: "has no OVF descriptor")
    }
    do throws(ImageFault) {
      return try OVFReader.read(Array(text.utf8), isOutline: true)
    } catch {
      throw ImportFault(path: files.shown(path), message: error.message, hint: error.hint)
    }
  }

  /// The one that the user wants, else the descriptor's own choice; nil where it has none.
  private static func configuration(
    of descriptor: OVFDescriptor, _ wanted: String?, _ path: String
  ) throws(ImportFault) -> String? {
    guard let wanted else { return descriptor.usualConfiguration }
    let names = descriptor.configurations.map(\.id)
    if names.contains(wanted) { return wanted }
    let known =
      names.isEmpty ? "it has none" : "it has: \(names.prefix(12).map(ImportWord.shown).joined(separator: ", "))"
    throw ImportFault(path: path, message: "has no configuration \(ImportWord.quoted(wanted))", hint: known)
  }
}
