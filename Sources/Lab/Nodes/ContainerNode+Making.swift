import LinuxHost
import Topology

/// The container itself, and the way into its namespace.
extension ContainerNode {
  /// The labels by which it is known as ours, and of which lab and folder.
  enum Label {
    static let state = "apus.state"
    static let lab = "apus.lab"
    static let node = "apus.node"
    /// What it was made of.
    static let definition = "apus.definition"
  }

  /// Bytes of its log, of which the oldest are dropped.
  private static let logSize = "10m"

  func state() async throws(UserError) -> ContainerState? {
    do {
      return try await engine.state(of: containerName)
    } catch {
      throw definition.failure("cannot ask for container \(containerName)", error)
    }
  }

  nonisolated func isOurs(_ state: ContainerState) -> Bool {
    state.labels[Label.state] == environment.directories.stateRoot && state.labels[Label.lab] == environment.lab
      && state.labels[Label.node] == definition.name
  }

  func notRunning(_ state: ContainerState?) -> UserError {
    let name = containerName
    guard let state else {
      return UserError(
        .failed, "node \(definition.name): no container \(name)",
        hint: "`\(settings.engine) ps -a` lists those that there are")
    }
    return UserError(
      .failed, "node \(definition.name): container \(name) does not run (\(state.status))",
      hint: "start it with `\(settings.engine) start \(name)`")
  }

  /// The process of a container that somebody else runs.
  func attachedProcess() async throws(UserError) -> ProcessIdentity {
    let state = try await state()
    guard let state, state.isRunning, let process = ProcessIdentity.of(pid: state.pid) else { throw notRunning(state) }
    return process
  }

  /// Makes the container if need be, and its process and namespaces; of podman the program does not run yet.
  func makeProcess(_ journal: Journal) async throws(UserError) -> ProcessIdentity {
    let arguments = createArguments
    let digest = String(StableHash.of(arguments.joined(separator: "\0").utf8), radix: 16)
    var existing = try await state()
    if let state = existing {
      guard isOurs(state) else {
        throw UserError(.failed, "a container \(ownName) exists and is not of this lab")
      }
      if mustBeNew || state.labels[Label.definition] != digest {
        try await removeContainer(state)
        existing = nil
      }
    }
    if existing == nil {
      // Noted first: what was made of it when the engine is interrupted goes too.
      journal.note("container \(ownName)") { _ = try await self.remove() }
      try await engine.run(
        ["create", "--label", "\(Label.definition)=\(digest)"] + arguments, limit: ContainerEngine.changeLimit)
      mustBeNew = false
    } else {
      journal.note("container \(ownName)") { try await self.stop(cleanly: false) }
    }
    if existing?.hasProcess != true {
      try await copyFiles()
      let verb = engine.separatesStart ? "init" : "start"
      startTime = .now
      try await engine.run([verb, ownName], limit: ContainerEngine.changeLimit)
    }
    guard let state = try await state(), state.hasProcess, let process = ProcessIdentity.of(pid: state.pid) else {
      throw await endedAtOnce(try await state()?.exitCode)
    }
    return process
  }

  /// What `create` is told; equal for equal definitions.
  private var createArguments: [String] {
    var words = ["--name", ownName, "--hostname", definition.name, "--network", "none", "--pull", "never"]
    // A terminal of its own, for `console`.
    words += ["--interactive", "--tty"]
    // Its network is its own: what a host may do to it, its programs may.
    words += ["--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"]
    if settings.engine == .docker {
      // Docker turns IPv6 off where it gives no addresses itself.
      for name in ["all", "default"] { words += ["--sysctl", "net.ipv6.conf.\(name).disable_ipv6=0"] }
    }
    words += ["--log-driver", settings.engine == .podman ? "k8s-file" : "json-file"]
    words += ["--log-opt", "max-size=\(Self.logSize)"]
    let labels = [
      (Label.state, environment.directories.stateRoot), (Label.lab, environment.lab), (Label.node, definition.name),
    ]
    for (key, value) in labels { words += ["--label", "\(key)=\(value)"] }
    words += ["--volume", "\(paths.hosts):/etc/hosts:z"]
    for (name, value) in settings.env.sorted(by: { $0.key < $1.key }) { words += ["--env", "\(name)=\(value)"] }
    return words + [definition.image ?? ""] + (settings.command ?? [])
  }

  /// An error with the exit status of the program and what it said.
  func endedAtOnce(_ status: Int32?) async -> UserError {
    let said = await engine.lastLines(of: containerName, count: 5)
    let words = said.isEmpty ? "" : "; it said: \(said.joined(separator: " | "))"
    let end = status.map { " with status \($0)" } ?? ""
    return UserError(.failed, "its container ended\(end) as soon as it was started\(words)")
  }

  /// Ends and removes the container that we have made.
  func removeContainer(_ state: ContainerState) async throws(UserError) {
    if state.hasProcess {
      // Whatever it says, the next one decides.
      _ = try? await engine.run(["stop", "-t", "0", ownName], limit: ContainerEngine.changeLimit)
    }
    try await engine.run(["rm", "-f", "-v", ownName], limit: ContainerEngine.changeLimit)
  }

  // MARK: - Namespace

  /// Gives the namespace of the process the node's name, under which ports and addresses find it.
  func enter(_ process: ProcessIdentity, _ journal: Journal) async throws(UserError) {
    let namespace: Descriptor
    do {
      namespace = try NetworkNamespace.open(of: process)
    } catch {
      throw UserError(
        .failed, "cannot enter the network namespace of container \(containerName): \(error)",
        hint: "has it ended?")
    }
    guard !NetworkNamespace.isOurs(namespace) else {
      throw UserError(
        .failed, "container \(containerName) uses this host's own network",
        hint: "run it with another network, `--network none` for example")
    }
    // A number is given to another process once this one has ended: then the engine tells another.
    guard try await state()?.pid == process.pid, process.isAlive else {
      throw UserError(.failed, "container \(containerName) ended while it was entered")
    }
    do throws(SystemError) {
      if let old = try? NetworkNamespace.open(ownName), NetworkNamespace.areSame(old, namespace) { return }
      removeInterfaces()
      try NetworkNamespace.delete(ownName)
      try NetworkNamespace.attach(ownName, to: namespace)
    } catch {
      throw UserError(.failed, "cannot name the network namespace of container \(containerName): \(error)")
    }
    if let nic = definition.nics.first(where: hasInterface) {
      try? NetworkNamespace.delete(ownName)
      throw UserError(
        .failed, "container \(containerName) has an interface \(nic.name) already",
        hint: "give the NIC another name, such as net1")
    }
    journal.note("namespace \(ownName)") {
      await self.removeInterfaces()
      try NetworkNamespace.delete(self.ownName)
    }
  }

  /// Removes our TAPs from the namespace that bears the node's name; they are gone already with the one of a container
  /// that has ended.
  func removeInterfaces() {
    for nic in definition.nics {
      // Another kind of interface that bears the name is the container's own.
      guard let kind = try? Netlink.kind(of: nic.name, namespace: ownName), kind == "tun" else { continue }
      try? TAPDevice.remove(name: nic.name, namespace: ownName)
    }
  }
}
