import Foundation

/// What lies at paths that a person gives.
enum HostPaths {
  /// Whether there is a folder, symbolic links followed.
  static func isFolder(_ path: String) -> Bool {
    (try? URL(filePath: path).resolvingSymlinksInPath().resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory
      ?? false
  }
}
