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
    /// Whether a process is such a server; busybox is other programs, too.
    func runs(in process: NamespaceProcess) -> Bool {
      switch self {
      case .names: return process.program == "dnsmasq"
      case .web:
        guard process.program == "busybox" else { return false }
        let line = HostFacts.text(ofFile: "/proc/\(process.identity.pid)/cmdline") ?? ""
        return line.split(separator: "\0").dropFirst().first == "httpd"
      }
    }

    /// What it serves.
    var words: String { self == .names ? "DHCP and DNS" : "TFTP and HTTP" }
  }

  /// Seconds until dnsmasq has its sockets and lets go of who started it.
  private static let timeout = 30.0
  private static let wordLimit = 4096
  /// Nobody, and nobody's group: Debian's numbers, without a look into this host's lists of users.
  private static let nobody = "65534:65534"

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
    try dropLeases(of: configuration.definition.hosts, in: data)
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

  /// Has dnsmasq forget who has an address that is somebody else's in the lab.
  private func dropLeases(of hosts: [DHCPDefinition.Host], in data: Folder) throws(UserError) {
    guard let bytes = Files.read(paths.leases) else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    let rest = LeaseFile.text(text, for: hosts)
    if rest != text { try Files.write(Array(rest.utf8), as: NodeFile.leases.rawValue, in: data) }
  }

  /// Ends servers that were started and not written down, as by a daemon that was killed then: they would keep the
  /// address from the one to come.
  func endStrays(_ role: Role) async {
    let strays = NetworkNamespace.processes(in: namespace).filter { role.runs(in: $0) }
    await ProcessIdentity.end(strays.map(\.identity))
  }

  /// Starts busybox' web server.
  func startWeb(address: String, root: String) throws(UserError) -> ProcessIdentity {
    guard let executable = HostNeeds.busybox(variables) else {
      throw UserError(
        .failed, "no program busybox on this host", hint: "install it with `apt-get install busybox-static`")
    }
    try LabFolders.makeData(paths)
    // No settings of the host's; those in folders below, which no option keeps it from, are looked for in the node's
    // check. It goes into the folder and binds its port as root, and then is nobody.
    var request = SpawnRequest(
      executable: executable,
      arguments: ["httpd", "-f", "-p", "\(address):80", "-h", root, "-c", "/dev/null", "-u", Self.nobody])
    request.standardError = paths.serverLog
    request.namespace = namespace
    request.fileMask = HostTool.fileMask
    do {
      return try spawn(request)
    } catch {
      throw UserError(.failed, "node \(node): cannot start \(executable): \(error)")
    }
  }
}
