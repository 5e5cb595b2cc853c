import Dataplane
import LinuxHost
import Topology

extension VMNode {
  private static let program = "qemu-system-x86_64"

  nonisolated func check(isNew: Bool) throws(UserError) {
    guard definition.image ?? "builtin" == "builtin" else {
      throw UserError(
        .badInput, "node \(definition.name): image \"\(definition.image ?? "")\"; the one image known is builtin")
    }
    guard definition.nics.count <= QEMUCommandLine.nicLimit else {
      throw UserError(
        .badInput, "node \(definition.name) has \(definition.nics.count) NICs; at most \(QEMUCommandLine.nicLimit) fit")
    }
    for nic in definition.nics { _ = try backend(of: nic) }
    for path in [paths.consoleSocket, paths.monitorSocket, paths.agentSocket] { try SocketPath.check(path) }
    _ = try spawnRequest()
  }

  nonisolated func presence() -> NodePresence {
    guard let record = NodeRecord.read(paths) else { return .absent }
    guard let process = record.process, process.isAlive else { return .ended }
    return .running("pid \(process.pid)")
  }

  nonisolated func backend(of nic: NICDefinition) throws(UserError) -> PortBackend {
    .vhostUser(try VhostUserSocket(of: nic, node: definition.name, environment))
  }

  nonisolated func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    ["ping", "-c", "1", "-W", "1", address]
  }

  nonisolated func applet(_ name: String) -> [String] { [name] }

  /// How QEMU is started for this node.
  nonisolated func spawnRequest() throws(UserError) -> SpawnRequest {
    guard let executable = Executables.find(Self.program, environment.variables) else {
      throw UserError(
        .failed, "node \(definition.name): no program \(Self.program) on this host",
        hint: "install it with `apt-get install qemu-system-x86`")
    }
    let guest = try BuiltinGuest.find(environment: environment.variables)
    var nics: [(nic: NICDefinition, socket: String)] = []
    for nic in definition.nics {
      nics.append((nic, try VhostUserSocket(of: nic, node: definition.name, environment).path))
    }
    let line = QEMUCommandLine(
      name: "apus-\(environment.lab)-\(definition.name)", accelerator: .ofThisHost(), cpus: definition.cpus,
      memory: definition.memory, kernel: guest.kernel, initialRAMDisk: guest.initialRAMDisk,
      kernelCommandLine: try BuiltinGuest.commandLine(for: definition), consoleSocket: paths.consoleSocket,
      consoleLog: paths.consoleLog, monitorSocket: paths.monitorSocket, agentSocket: paths.agentSocket, nics: nics)
    var request = SpawnRequest(executable: executable, arguments: line.arguments())
    request.standardOutput = paths.processLog
    request.standardError = paths.processLog
    return request
  }
}
