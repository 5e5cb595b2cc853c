/// Files of another tool, handed in: an importer opens none itself.
package struct ForeignFiles: Sendable {
  /// Paths of the files or of the folder that the user named, as they were written.
  package var roots: [String]
  /// Name of the folder that the (first) file lies in, without its path; some tools call the lab by it.
  package var folderName: String
  /// Variables of the environment, for formats that have them.
  package var environment: [String: String]
  /// Reads a file of the folder: its path relative to the folder, with "/" between the parts; nil = there is none.
  ///
  /// Never leads out of the folder, nor by a symbolic link; a file that is too large, or no UTF-8, throws.
  package var read: @Sendable (String) throws(ImportFault) -> String?
  /// Paths of all files of the folder, relative to it, in order; at most 100,000.
  ///
  /// Of a file that was named alone: those that lie in its folder itself.
  package var paths: [String]
  /// The files that the user named, relative to the folder: all of a folder's if the folder was named.
  package var named: [String]

  /// Reads the first bytes of a file, at most so many: for archives and what is no text.
  package var head: @Sendable (String, Int) throws(ImportFault) -> [UInt8]? = { _, _ in nil }

  /// Takes the OVF descriptor out of an archive (an OVA); nil = there is no such file, or no descriptor in it.
  package var descriptor: @Sendable (String) throws(ImportFault) -> String? = { _ throws(ImportFault) in nil }

  package init(
    roots: [String], folderName: String, environment: [String: String], paths: [String], named: [String],
    read: @escaping @Sendable (String) throws(ImportFault) -> String?
  ) {
    self.roots = roots
    self.folderName = folderName
    self.environment = environment
    self.paths = paths
    self.named = named
    self.read = read
  }
}

extension ForeignFiles {
  /// How the user would name a file of the folder, for notes and messages.
  package func shown(_ path: String) -> String {
    guard let root = roots.first else { return path }
    if named.count == 1, named.first == path { return root }
    if roots.count > 1 || named.count == 1 {
      let folder = root.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
      return folder.isEmpty && !root.hasPrefix("/") ? path : "\(folder)/\(path)"
    }
    return root.hasSuffix("/") ? root + path : "\(root)/\(path)"
  }
}
