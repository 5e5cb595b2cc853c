import Foundation

/// What lies at paths that a person gives.
enum HostPaths {
  /// Whether there is a folder, symbolic links followed.
  static func isFolder(_ path: String) -> Bool {
    (try? URL(filePath: path).resolvingSymlinksInPath().resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory
      ?? false
  }

  /// The path made absolute, without a slash at its end.
  static func absolute(_ path: String) -> String {
    let current = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    var whole = URL(filePath: path, relativeTo: current).standardizedFileURL.path(percentEncoded: false)
    while whole.count > 1, whole.hasSuffix("/") { whole.removeLast() }
    return whole
  }

  /// The absolute path of the folder that a file lies in, or would.
  static func folder(of path: String) -> String {
    let current = URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    return URL(filePath: path, relativeTo: current).standardizedFileURL.deletingLastPathComponent()
      .path(percentEncoded: false)
  }
}
