/// Paths as text; nothing here looks at a disk.
package enum Paths {
  /// Where the peer of a socket for datagrams binds its own: `x.peer.sock` for `x.sock`.
  package static func peerSocket(of path: String) -> String {
    let suffix = ".sock"
    return (path.hasSuffix(suffix) ? String(path.dropLast(suffix.count)) : path) + ".peer" + suffix
  }

  /// `path`, or `directory/path` when it is relative, without `.` parts and with `..` taken back.
  ///
  /// `keepingFolder: false` takes only the last part of a relative path: the directory is the file's own.
  package static func absolute(_ path: String, in directory: String, keepingFolder: Bool = true) -> String {
    guard !path.hasPrefix("/") else { return normalised(path) }
    let relative = keepingFolder ? Substring(path) : path.split(separator: "/").last ?? ""
    return normalised("\(directory)/\(relative)")
  }

  /// Ending of an entry of the catalogue, in the folder of images.
  package static let entryEnding = ".image"

  /// Where an image is: beside the file, then in the folder of images, then in the catalogue there.
  ///
  /// `isThere` is false when it is in neither.
  static func image(_ name: String, _ directory: String, _ facts: any LabFacts) -> (path: String, isThere: Bool) {
    let beside = absolute(name, in: directory)
    if facts.fileExists(beside) { return (beside, true) }
    let shared = absolute(name, in: facts.imageDirectory)
    if facts.fileExists(shared) { return (shared, true) }
    let entry = "\(shared)\(entryEnding)"
    return !name.contains("/") && facts.fileExists(entry) ? (entry, true) : (beside, false)
  }

  /// The folder of an absolute path; nil for what lies in the topmost one.
  package static func folder(of path: String) -> String? {
    guard let end = path.lastIndex(of: "/"), end > path.startIndex else { return nil }
    return String(path[..<end])
  }

  private static func normalised(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", parts.last != ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }
}
