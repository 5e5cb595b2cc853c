import Topology

/// How importers of single files get at theirs.
enum ForeignFile {
  /// The one file of several that could be meant.
  ///
  /// - Parameter what: for people, such as "a .gns3 file".
  static func only(_ paths: [String], _ what: String) throws(ImportFaults) -> String {
    guard let first = paths.first else {
      throw ImportFaults(ImportFault(path: "", message: "there is no file; \(what) is expected"))
    }
    guard paths.count == 1 else {
      let names = paths.prefix(3).map(\.inQuotes).joined(separator: ", ")
      let message = "\(paths.count) files could be meant: \(names)\(paths.count > 3 ? ", …" : "")"
      throw ImportFaults(ImportFault(path: first, message: message, hint: "name one of them"))
    }
    return first
  }

  /// The text of a file that has to be there.
  static func text(_ path: String, _ files: ForeignFiles) throws(ImportFaults) -> String {
    do throws(ImportFault) {
      if let text = try files.read(path) { return text }
    } catch {
      throw ImportFaults(error)
    }
    throw ImportFaults(ImportFault(path: files.shown(path), message: "the file is not there"))
  }

  /// The values of a file of YAML or JSON.
  ///
  /// - Parameter prepare: what is done to the text before; its lines must stay.
  static func tree(
    _ path: String, _ files: ForeignFiles, prepare: (String) -> String = { $0 }
  ) throws(ImportFaults) -> ForeignValue {
    let text = prepare(try text(path, files))
    do throws(ForeignYAML.Fault) {
      if let root = try ForeignYAML.read(Array(text.utf8), path: files.shown(path)) { return root }
    } catch {
      throw ImportFaults(
        error.diagnostics.map { fault in
          ImportFault(path: files.shown(path), line: fault.line, message: fault.message, hint: fault.hint)
        })
    }
    throw ImportFaults(ImportFault(path: files.shown(path), line: 1, message: "the file is empty"))
  }

  /// The folder of a path with "/" at its end; empty = the path has none.
  static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  /// The last part of a path without its ending.
  static func stem(of path: String) -> String {
    let name = path.dropFirst(folder(of: path).count)
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return String(name) }
    return String(name[..<dot])
  }
}
