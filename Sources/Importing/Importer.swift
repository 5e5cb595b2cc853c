import Topology

/// Reads other tools' files, and makes a lab file of them.
package enum Importer {
  /// A lab file, and what was read for it.
  package struct Outcome: Sendable {
    /// The tool, as its people write it.
    package var tool: String
    package var file: LabFileWriter.Result
  }

  /// The lab file of what the files declare.
  ///
  /// Pure but for what `files` reads: the same files give the same lab file.
  /// - Parameters:
  ///   - from: what `--from` says; nil = the format is recognised.
  ///   - hasImage: whether there is an image of that name where the lab file will be.
  /// - Throws: what is wrong with them, with places; there is no lab file then.
  package static func run(
    _ files: ForeignFiles, from: String?, options: ImportOptions, hasImage: @escaping (String) -> Bool
  ) throws(ImportFaults) -> Outcome {
    let format = try format(of: files, named: from)
    var lab = try format.read(files, options)
    guard lab.nodes.count <= mostNodes, lab.nodes.reduce(0, { $0 + $1.nics.count }) <= mostNICs else {
      let message = "the files declare more than \(mostNodes) nodes or \(mostNICs) NICs"
      throw ImportFaults(ImportFault(path: shown(files), message: message))
    }
    guard lab.weight <= ForeignLab.mostWeight else {
      let message = "the lab would have more than \(ForeignLab.mostWeight >> 20) MiB of text"
      throw ImportFaults(ImportFault(path: shown(files), message: message))
    }
    var fit = Findings(path: shown(files))
    lab.fitMachines(&fit)
    lab.notes += fit.notes
    var writer = LabFileWriter(lab, path: shown(files), hostMemory: options.hostMemory, hasImage: hasImage)
    var result = try writer.write()
    result.notes = sorted(result.notes)
    return Outcome(tool: format.tool, file: result)
  }

  /// As in a lab file.
  private static let mostNodes = 100_000
  private static let mostNICs = 100_000

  /// The file that notes of the lab as a whole name.
  private static func shown(_ files: ForeignFiles) -> String { files.roots.first ?? "-" }

  private static func format(
    of files: ForeignFiles, named name: String?
  ) throws(ImportFaults) -> any ForeignFormat {
    let words = ForeignFormats.all.map(\.name).joined(separator: ", ")
    if let name {
      if let format = ForeignFormats.named(name) { return format }
      throw ImportFaults(
        ImportFault(path: shown(files), message: "no format is called \(name)", hint: "formats: \(words)"))
    }
    let found = ForeignFormats.all.filter { $0.recognises(files) }
    if found.count == 1 { return found[0] }
    guard found.isEmpty else {
      let message = "the files may be of \(found.map(\.tool).joined(separator: " or of "))"
      let hint = "say which: --from \(found.map(\.name).joined(separator: " or --from "))"
      throw ImportFaults(ImportFault(path: shown(files), message: message, hint: hint))
    }
    // A file that cannot be read is no file of an unknown format.
    if files.named.count <= 16 {
      for path in files.named {
        do throws(ImportFault) { _ = try files.read(path) } catch { throw ImportFaults(error) }
      }
    }
    let message = "these are no files of a format that is known here"
    throw ImportFaults(ImportFault(path: shown(files), message: message, hint: "say which it is: --from \(words)"))
  }

  /// By place; what is said twice counts once.
  private static func sorted(_ notes: [ImportNote]) -> [ImportNote] {
    var seen: Set<ImportNote> = []
    let once = notes.filter { seen.insert($0).inserted }
    return once.enumerated().sorted { one, other in
      (one.element.path, one.element.line ?? 0, one.offset) < (
        other.element.path, other.element.line ?? 0, other.offset
      )
    }.map(\.element)
  }
}

extension ImportNote {
  /// `FILE:LINE: lost: KEY: REASON`, in which nothing can steer a terminal.
  package var rendered: String {
    let place = line.map { "\(path):\($0)" } ?? path
    return ForeignText.comment("\(place): \(outcome.rawValue): \(key): \(reason)")
  }
}

extension ImportFault {
  /// `FILE:LINE: MESSAGE (HINT)`, in which nothing can steer a terminal.
  package var rendered: String {
    let place = line.map { "\(path):\($0)" } ?? path
    return ForeignText.comment("\(place): error: \(message)\(hint.map { " (\($0))" } ?? "")")
  }
}
