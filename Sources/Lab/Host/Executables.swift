import FoundationEssentials

/// Programs of this host.
enum Executables {
  /// What became of the search for a program.
  enum Search: Equatable {
    case found(String)
    /// There is a file of that name, which nobody may run.
    case notExecutable(String)
    case missing
  }

  /// The path of `name` as a shell would find it; nil when there is none.
  static func find(_ name: String, _ variables: [String: String]) -> String? {
    guard case .found(let path) = search(name, variables, in: "/") else { return nil }
    return path
  }

  /// Looks for a program as a shell in `directory` would.
  static func search(_ name: String, _ variables: [String: String], in directory: String) -> Search {
    var refused: String?
    for path in candidates(name, variables, in: directory) {
      var isFolder = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { continue }
      if !isFolder, FileManager.default.isExecutableFile(atPath: path) { return .found(path) }
      // One that may be run can follow.
      if refused == nil, !isFolder || name.contains("/") { refused = path }
    }
    return refused.map { .notExecutable($0) } ?? .missing
  }

  private static func candidates(_ name: String, _ variables: [String: String], in directory: String) -> [String] {
    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(directory)/\(path)" }
    if name.contains("/") { return [absolute(name)] }
    let path = variables["PATH"] ?? ""
    return (path.isEmpty ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : path)
      .split(separator: ":", omittingEmptySubsequences: false)
      // An empty folder is the current one (XBD 8.3).
      .map { absolute($0.isEmpty ? name : "\($0)/\(name)") }
  }

  /// A command that sends one echo request and waits a second for the answer.
  static func ping(_ address: String, interface: String?, _ variables: [String: String]) throws(UserError) -> [String] {
    var command: [String]
    if let ping = find("ping", variables) {
      command = [ping]
    } else if let busybox = find("busybox", variables) {
      command = [busybox, "ping"]
    } else {
      throw UserError(.failed, "no program ping on this host", hint: "install it with `apt-get install iputils-ping`")
    }
    command += ["-c", "1", "-W", "1"]
    if let interface { command += ["-I", interface] }
    return command + [address]
  }
}
