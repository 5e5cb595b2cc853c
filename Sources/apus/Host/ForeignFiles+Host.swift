import Foundation
import Importing
import Lab
import Topology

extension ForeignFiles {
  /// Most bytes of one file, as of a lab file.
  private static let largest = 10 << 20

  /// A folder, or some files, as a person names them.
  ///
  /// - Throws: `UserError` with code 2 when there is nothing to read.
  static func named(_ roots: [String]) throws -> ForeignFiles {
    if roots.count == 1, let root = roots.first, HostPaths.isFolder(root) { return try folder(root) }
    if let folder = roots.first(where: HostPaths.isFolder) {
      throw UserError(.badInput, "\(folder) is a folder", hint: "name one folder, or files")
    }
    let places = roots.map { url($0) }
    let parent = common(places.map { $0.deletingLastPathComponent() })
    let parentPath = parent.path(percentEncoded: false)
    let tree = try FileTree(parentPath)
    let above = parent.pathComponents.filter { $0 != "/" }.count
    let named = places.map { $0.pathComponents.filter { $0 != "/" }.dropFirst(above).joined(separator: "/") }
    // A link that the user names is meant: what it leads to is read, and nothing else that lies there.
    var linked: [String: FileTree] = [:]
    var targets: [String: String] = [:]
    for (place, name) in zip(places, named) {
      let target = place.resolvingSymlinksInPath()
      guard FileManager.default.fileExists(atPath: target.path(percentEncoded: false)) else {
        throw UserError(
          .badInput, "cannot read \(roots[named.firstIndex(of: name) ?? 0])", hint: "is it there, and a file?")
      }
      linked[name] = try FileTree(target.deletingLastPathComponent().path(percentEncoded: false))
      targets[name] = target.lastPathComponent
    }
    return files(
      roots, tree, parent.lastPathComponent, paths: tree.paths(isDeep: false), named: named, linked: linked,
      targets: targets)
  }

  private static func folder(_ root: String) throws -> ForeignFiles {
    let tree = try FileTree(root)
    let paths = tree.paths(isDeep: true)
    return files([root], tree, url(root).lastPathComponent, paths: paths, named: paths, linked: [:], targets: [:])
  }

  private static func files(
    _ roots: [String], _ tree: FileTree, _ folderName: String, paths: [String], named: [String],
    linked: [String: FileTree], targets: [String: String]
  ) -> ForeignFiles {
    var files = ForeignFiles(
      roots: roots, folderName: folderName, environment: Variables.all, paths: paths, named: named
    ) { _ throws(ImportFault) in nil }
    let names = files
    files.read = { (path: String) throws(ImportFault) -> String? in
      let shown = names.shown(path)
      switch (linked[path] ?? tree).read(targets[path] ?? path, limit: largest) {
      case .nothing: return nil
      case .unreadable: throw ImportFault(path: shown, message: "cannot be read, or is no file")
      case .tooLarge:
        throw ImportFault(path: shown, message: "the file has more than \(largest) bytes, which are read at most")
      case .bytes(let bytes):
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        throw ImportFault(path: shown, line: lineOfFault(bytes), message: "the text is not valid UTF-8 here")
      }
    }
    files.head = { (path: String, count: Int) throws(ImportFault) -> [UInt8]? in
      (linked[path] ?? tree).head(targets[path] ?? path, count: count)
    }
    files.descriptor = { (path: String) throws(ImportFault) -> String? in
      // Asked for its beginning, so that what cannot be read within the folder is not read around it.
      guard (linked[path] ?? tree).head(targets[path] ?? path, count: 1) != nil else { return nil }
      let shown = names.shown(path)
      do throws(ImageFault) {
        return try ApplianceText.descriptor(of: shown)
      } catch {
        throw ImportFault(path: shown, message: error.message, hint: error.hint)
      }
    }
    return files
  }

  /// The line of the first byte that is no UTF-8.
  private static func lineOfFault(_ bytes: [UInt8]) -> Int {
    var line = 1
    for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: part, as: UTF8.self) == nil { return line }
      line += 1
    }
    return line
  }

  private static func url(_ path: String) -> URL {
    URL(
      filePath: path, relativeTo: URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    )
    .standardizedFileURL
  }

  /// The folder that all of some folders lie in.
  private static func common(_ folders: [URL]) -> URL {
    var parts = folders.first?.pathComponents ?? ["/"]
    for folder in folders.dropFirst() {
      let same = zip(parts, folder.pathComponents).prefix { $0 == $1 }.count
      parts = Array(parts.prefix(same))
    }
    return URL(filePath: "/" + parts.filter { $0 != "/" }.joined(separator: "/"), directoryHint: .isDirectory)
  }
}
