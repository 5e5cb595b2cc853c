import FoundationEssentials

/// Programs of this host.
enum Executables {
  /// The path of `name` as a shell would find it; nil when there is none.
  static func find(_ name: String, _ variables: [String: String]) -> String? {
    if name.contains("/") { return FileManager.default.isExecutableFile(atPath: name) ? name : nil }
    let path = variables["PATH"] ?? ""
    let folders = (path.isEmpty ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : path).split(
      separator: ":")
    return folders.lazy.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
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
