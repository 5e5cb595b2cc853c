import LinuxHost

/// The folder from which machines start, as busybox' web server reads it.
enum ServedFolder {
  /// Settings, which it takes from every folder on the way to a file.
  private static let fileName = "httpd.conf"
  /// Entries that are looked at: somebody may have linked to all of a host.
  private static let limit = 100_000

  /// Path of a file in `root` that would tell the web server which programs to run, say; nil = none was found.
  ///
  /// Links to folders are followed from `root`, and no further.
  static func settings(in root: String) -> String? {
    var left = limit
    return (try? Folder(root)).flatMap { settings(in: $0, followsLinks: true, &left) }
  }

  private static func settings(in folder: Folder, followsLinks: Bool, _ left: inout Int) -> String? {
    let names = (try? folder.names()) ?? []
    if names.contains(fileName) { return folder.path(of: fileName) }
    for name in names {
      guard left > 0 else { return nil }
      left -= 1
      let kind = try? folder.kind(of: name)
      var found: String?
      if kind == .folder, let below = try? folder.folder(name) {
        found = settings(in: below, followsLinks: followsLinks, &left)
      } else if kind == .symbolicLink, followsLinks, let below = try? Folder(folder.path(of: name)) {
        found = settings(in: below, followsLinks: false, &left)
      }
      if let found { return found }
    }
    return nil
  }
}
