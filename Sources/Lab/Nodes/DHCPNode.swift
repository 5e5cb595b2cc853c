import Dataplane
import LinuxHost
import Logging
import Topology

/// The server of a VLAN: a namespace with one TAP, and in it dnsmasq and, for what machines start from, a web server.
///
/// The two outlive the daemon, as machines do; one that dies is started again.
actor DHCPNode: TAPBackedNode {
  static let kind = NodeKind.dhcp
  static let survives = true

  let definition: NodeDefinition
  let environment: NodeEnvironment
  /// The namespace and its TAP.
  private nonisolated let base: NetnsNode
  private nonisolated let paths: NodePaths
  private var servers: [Server.Role: ProcessIdentity] = [:]
  private var watchers: [Task<Void, Never>] = []

  nonisolated var tapNamespace: String? { base.namespace }
  nonisolated var consoleLog: String? { paths.serverLog }
  nonisolated var savedParts: SavedParts { SavedParts(copies: Files.exists(paths.leases) ? [.leases] : []) }

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
    base = NetnsNode(definition, environment)
    paths = environment.paths(of: definition.name)
  }

  private nonisolated var roles: [Server.Role] { definition.dhcp?.boot == nil ? [.names] : [.names, .web] }

  nonisolated func check(isNew: Bool, starts: Bool) async throws(UserError) {
    try base.check(isNew: isNew, starts: starts)
    guard let dhcp = definition.dhcp, definition.nics.count == 1, definition.nics[0].addresses.count == 1 else {
      throw UserError(.badInput, "node \(definition.name) of kind dhcp says nothing of what it serves")
    }
    for word in dhcp.words where word.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
      throw UserError(.badInput, "node \(definition.name): \(ShownText.line(word)) has control characters")
    }
    let subject = "node \(definition.name)"
    try HostNeeds.check(.dhcpServer, for: subject, environment.variables)
    guard let boot = dhcp.boot else { return }
    try HostNeeds.check(.webServer, for: subject, environment.variables)
    guard HostFacts.kind(of: boot.root) == .folder else {
      throw UserError(.failed, "node \(definition.name): the folder \(boot.root) is not there")
    }
    try checkPrograms(in: boot.root)
  }

  /// The web server would run what is in there for whoever asks.
  private nonisolated func checkPrograms(in root: String) throws(UserError) {
    let hint = "move it elsewhere, or give it another name"
    guard !HostFacts.exists("\(root)/cgi-bin") else {
      throw UserError(
        .failed, "node \(definition.name): there is a cgi-bin in \(root), whose programs would be run", hint: hint)
    }
    guard let settings = ServedFolder.settings(in: root) else { return }
    throw UserError(
      .failed,
      "node \(definition.name): \(ShownText.line(settings)) would tell the web server what to do: to run programs, say",
      hint: hint)
  }

  nonisolated func presence() -> NodePresence { base.presence() }

  func prepare(_ journal: Journal) async throws {
    try await base.prepare(journal)
    // Undone first: nobody starts what is being removed.
    journal.note("servers of \(definition.name)") { await self.detach() }
  }

  func start(_ context: StartContext, isRunning: Bool) async throws {
    await detach()
    if !isRunning { await ProcessIdentity.end(Array(servers.values)) }
    let known = isRunning ? NodeRecord.read(paths)?.helpers ?? [:] : [:]
    servers = [:]
    for role in roles {
      if let process = known[role.rawValue], process.isAlive { servers[role] = process }
    }
    for role in roles where servers[role] == nil { try await begin(role) }
    try note()
    for role in roles { watch(role) }
    // Only firmware gains by it; a Linux that was answered asks no more, and would miss a router that comes later.
    if definition.dhcp?.boot != nil { answerSolicitations() }
    let words = roles.map(\.words).joined(separator: ", ")
    context.progress("\(definition.name): \(words) at \(address) in namespace \(base.namespace)")
  }

  func detach() async {
    for watcher in watchers { watcher.cancel() }
    for watcher in watchers { await watcher.value }
    watchers = []
  }

  func stop(cleanly: Bool) async throws { await detach() }

  func remove() async throws -> [String] {
    await detach()
    let known = NodeRecord.read(paths)?.helpers ?? [:]
    let removed = try await base.remove()
    // Those whose namespace somebody else has removed.
    await ProcessIdentity.end(Array(servers.values) + Array(known.values))
    servers = [:]
    return removed
  }

  func condition() async -> NodeCondition {
    var condition = await base.condition()
    guard condition.state == .running else { return condition }
    condition.process = servers[.names]?.pid
    if let role = roles.first(where: { servers[$0]?.isAlive != true }) {
      (condition.state, condition.isReady) = (.failed, false)
      condition.error = "its \(role.program) has ended, and is started again\(lastWords(of: role))"
    }
    return condition
  }

  nonisolated func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    try base.pingCommand(to: address, from: nic)
  }

  // MARK: - Servers

  private nonisolated var interface: String { definition.nics.first?.name ?? "eth0" }
  private nonisolated var address: String {
    String((definition.nics.first?.addresses.first?.address ?? "").prefix { $0 != "/" })
  }

  /// Starts a server in place of whatever is left of it, and writes it down at once.
  private func begin(_ role: Server.Role) async throws(UserError) {
    servers[role] = try await startServer(role)
    try note()
  }

  private func startServer(_ role: Server.Role) async throws(UserError) -> ProcessIdentity {
    let server = Server(
      node: definition.name, namespace: base.namespace, paths: paths, variables: environment.variables)
    await server.endStrays(role)
    switch role {
    case .names:
      guard let dhcp = definition.dhcp else { throw UserError(.badInput, "node \(definition.name) serves nothing") }
      let configuration = DNSMasqConfiguration(
        lab: environment.lab, definition: dhcp, address: definition.nics.first?.addresses.first?.address ?? "",
        interface: interface, leases: paths.leases, log: paths.serverLog, pid: paths.serverPID)
      return try await server.startNames(configuration)
    case .web: return try server.startWeb(address: address, root: definition.dhcp?.boot?.root ?? "")
    }
  }

  /// Writes down which processes they are, for another daemon.
  private func note() throws(UserError) {
    var record = NodeRecord.read(paths) ?? NodeRecord(process: nil)
    record.helpers = Dictionary(servers.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { first, _ in first })
    try record.write(paths)
  }

  /// Starts a server again when it has ended, after a pause that grows while it does not stay.
  private func watch(_ role: Server.Role) {
    watchers.append(
      Task { [weak self] in
        var pause = 0.5
        while !Task.isCancelled, let process = await self?.servers[role] {
          let began = ContinuousClock.now
          while await !process.wait(timeoutSeconds: 10) {
            if Task.isCancelled { return }
            await self?.capLog()
          }
          guard !Task.isCancelled else { return }
          await self?.noteEnd(of: role)
          pause = ContinuousClock.now - began > .seconds(60) ? 0.5 : min(pause * 2, 30)
          try? await Task.sleep(for: .seconds(pause))
          guard !Task.isCancelled else { return }
          await self?.startAgain(role)
        }
      })
  }

  /// Tells who looks for a router of IPv6 that here is none: firmware would wait thirteen seconds for that.
  ///
  /// Not on a host without IPv6: there, it waits.
  private func answerSolicitations() {
    do throws(SystemError) {
      let advertiser = try RouterAdvertiser(interface: interface, namespace: base.namespace)
      watchers.append(Task { await advertiser.run() })
    } catch {
      environment.logger.warning("\(definition.name): cannot hear who looks for a router of IPv6: \(error)")
    }
  }

  private func startAgain(_ role: Server.Role) async {
    let words = lastWords(of: role)
    environment.logger.warning("\(definition.name): \(role.program) has ended and is started again\(words)")
    do {
      try await begin(role)
      environment.events.nodeStarted(definition.name)
      environment.events.nodeReady(definition.name)
    } catch {
      environment.logger.warning("\(definition.name): \(error)")
    }
  }

  private func noteEnd(of role: Server.Role) {
    environment.events.nodeFailed(
      definition.name, reason: "its \(role.program) has ended, and is started again\(lastWords(of: role))")
  }

  private func capLog() { ConsoleLog.cap(paths.serverLog) }

  /// The last line of dnsmasq's log, to be put behind a sentence on dnsmasq.
  private nonisolated func lastWords(of role: Server.Role) -> String {
    guard role == .names else { return "" }
    return Files.lastLines(of: paths.serverLog, count: 1).first.map { "; last in its log: \($0)" } ?? ""
  }
}

extension DHCPDefinition {
  /// What becomes a word of a configuration file or command line.
  fileprivate var words: [String] {
    let files = [boot?.root, boot?.bios, boot?.uefi, gateway].compactMap { $0 }
    return files + ranges.flatMap { [$0.first, $0.last] } + hosts.flatMap { [$0.name] + $0.addresses }
  }
}
