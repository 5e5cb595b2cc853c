import Glibc
import LinuxHost
import Topology

/// Starts the servers of a VLAN in their namespace.
struct Server: Sendable {
  /// What a server is for; the word is what it is written down by.
  enum Role: String, Sendable {
    case names, web

    /// Its program.
    var program: String { self == .names ? "dnsmasq" : "busybox httpd" }
    /// What it serves.
    var words: String { self == .names ? "DHCP and DNS" : "TFTP and HTTP" }
  }

  /// Seconds until dnsmasq has its sockets and lets go of who started it.
  private static let timeout = 30.0
  private static let wordLimit = 4096

  var node: String
  var namespace: String
  var paths: NodePaths
  var variables: [String: String]

  /// Starts dnsmasq; returns when it answers.
  func startNames(_ configuration: DNSMasqConfiguration) async throws(UserError) -> ProcessIdentity {
    guard let executable = HostNeeds.dnsmasq(variables) else {
      throw UserError(
        .failed, "no program dnsmasq on this host", hint: "install it with `apt-get install dnsmasq-base`")
    }
    let state = try LabFolders.makeState(paths)
    let data = try LabFolders.makeData(paths)
    try Files.write(Array(configuration.text.utf8), as: NodeFile.serverConfiguration.rawValue, in: data)
    try Files.remove(NodeFile.serverPID.rawValue, in: state)
    // Its way into the background is what says that it has its sockets, or why not.
    var request = SpawnRequest(executable: executable, arguments: ["--conf-file=\(paths.serverConfiguration)"])
    request.namespace = namespace
    request.fileMask = HostTool.fileMask
    let words = ToolWords(limit: Self.wordLimit)
    let status: Int32
    do {
      status = try await LinuxHost.run(
        request, onOutput: { isError, bytes in words.add(bytes, isError: isError) }, timeoutSeconds: Self.timeout)
    } catch {
      throw UserError.wrapping(error, "node \(node): dnsmasq")
    }
    guard status == 0 else {
      throw UserError(.failed, "node \(node): dnsmasq failed: \(ShownText.lastLine(words.text(ofErrors: true)))")
    }
    let text = Files.read(paths.serverPID).map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard let pid = Int32(text.prefix { $0.isNumber }), let process = ProcessIdentity.of(pid: pid) else {
      throw UserError(.failed, "node \(node): dnsmasq has ended at once", hint: "look at \(paths.serverLog)")
    }
    return process
  }

  /// Starts busybox' web server.
  func startWeb(address: String, root: String) throws(UserError) -> ProcessIdentity {
    guard let executable = HostNeeds.busybox(variables) else {
      throw UserError(
        .failed, "no program busybox on this host", hint: "install it with `apt-get install busybox-static`")
    }
    // No settings of the host's or the folder's own.
    var request = SpawnRequest(
      executable: executable, arguments: ["httpd", "-f", "-p", "\(address):80", "-h", root, "-c", "/dev/null"])
    request.namespace = namespace
    request.fileMask = HostTool.fileMask
    do {
      return try spawn(request)
    } catch {
      throw UserError(.failed, "node \(node): cannot start \(executable): \(error)")
    }
  }
}
