import Dataplane
import LinuxHost
import Topology

extension VMNode {
  static let program = "qemu-system-x86_64"

  nonisolated func check(isNew: Bool, starts: Bool) async throws(UserError) {
    guard definition.disk != nil || definition.image ?? "builtin" == "builtin" else {
      throw UserError(.badInput, "node \(definition.name): the format of image \(definition.image ?? "") is not known")
    }
    if definition.firmware == .uefi {
      try HostNeeds.check(.uefi, for: "node \(definition.name)", environment.variables)
    }
    if definition.startsByROM { try HostNeeds.check(.bootROM, for: "node \(definition.name)", environment.variables) }
    if definition.disk != nil, !definition.hasNoImage, let image = definition.image, !Files.exists(image) {
      throw UserError(.failed, "node \(definition.name): the image \(image) is not there")
    }
    // A machine that runs on holds its image open, whatever lies at its path now.
    if starts, let disk = definition.disk {
      do {
        if let size = definition.emptyDisk {
          try EmptyDisk(size: size, persists: disk.persist, paths: paths).check()
        }
        for case (let index, .image(let image, let disk)) in (machineDisks.known() ?? []).enumerated() {
          try await DiskOverlay(image: image, disk: disk, paths: paths, files: DiskFiles(number: index + 1))
            .check(environment.variables)
        }
      } catch {
        throw UserError(error.code, "node \(definition.name): \(error.message)", hint: error.hint)
      }
    }
    // Less than is free is a warning of the lab file's checks, as not every machine uses all it may; this never fits.
    if let total = HostFacts.memoryTotal, UInt64(clamping: definition.memory) > total {
      throw UserError(
        .failed,
        "node \(definition.name) asks for \(definition.memory >> 20) MiB of memory; "
          + "this host has \(total >> 20) MiB in all",
        hint: "give it less")
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
    var socket = try VhostUserSocket(of: nic, node: definition.name, environment)
    socket.path = try socketPath(of: nic)
    guard nic.model.isEmulated else { return .vhostUser(socket) }
    // QEMU listens: its machine outlives us, and meets the daemon that comes after.
    var peer = SocketPeer(stream: socket.path)
    peer.role = .connect
    return .stream(peer)
  }

  nonisolated func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    ["ping", "-c", "1", "-W", "1", address]
  }

  nonisolated func applet(_ name: String) -> [String] { [name] }

  nonisolated func program(_ name: String, package: String) -> [String] { [name] }

  /// Where the socket between a NIC of the machine that runs and its port is.
  nonisolated func socketPath(of nic: NICDefinition) throws(UserError) -> String {
    let usual = try environment.socketPath(of: nic, node: definition.name)
    return NodeRecord.read(paths)?.sockets?[nic.name] ?? usual
  }

  /// Of these sockets, by NIC, those that are not where they usually are; nil = all are.
  nonisolated func unusual(_ sockets: [String: String]) -> [String: String]? {
    let unusual = sockets.filter { name, path in
      let nic = definition.nics.first { $0.name == name }
      return nic.map { (try? environment.socketPath(of: $0, node: definition.name)) != path } ?? false
    }
    return unusual.isEmpty ? nil : unusual
  }

  /// How QEMU is started for this node.
  /// - Parameters:
  ///   - sockets: of NICs that have not the usual ones.
  ///   - saved: what it goes on from: it waits for it, and is the same machine; nil = it boots.
  nonisolated func spawnRequest(
    _ memory: MachineMemory = .anonymous, _ sockets: [String: String] = [:], resuming saved: SavedNodes.Machine? = nil
  ) throws(UserError) -> SpawnRequest {
    guard let executable = Executables.find(Self.program, environment.variables) else {
      throw UserError(
        .failed, "node \(definition.name): no program \(Self.program) on this host",
        hint: "install it with `apt-get install qemu-system-x86`")
    }
    var nics: [(nic: NICDefinition, socket: String)] = []
    for nic in definition.nics {
      let usual = try environment.socketPath(of: nic, node: definition.name)
      nics.append((nic, sockets[nic.name] ?? usual))
    }
    var line = QEMUCommandLine(
      name: "apus-\(environment.lab)-\(definition.name)",
      uuid: Names.machineUUID(lab: environment.lab, node: definition.name), accelerator: .ofThisHost(),
      cpus: definition.cpus,
      memory: definition.memory, boot: try boot(), consoleSocket: paths.consoleSocket,
      consoleLog: paths.consoleLog, monitorSocket: paths.monitorSocket, agentSocket: paths.agentSocket, nics: nics)
    line.memoryPlace = memory
    if let saved { line.incoming = QEMUCommandLine.Incoming(board: saved.board, places: saved.places) }
    var request = SpawnRequest(executable: executable, arguments: line.arguments())
    request.standardOutput = paths.processLog
    request.standardError = paths.processLog
    // QEMU makes the console's log and its sockets.
    request.fileMask = HostTool.fileMask
    return request
  }

  private nonisolated func boot() throws(UserError) -> QEMUCommandLine.Boot {
    guard definition.disk != nil else {
      let guest = try BuiltinGuest.find(.init(for: definition), environment: environment.variables)
      return .kernel(
        path: guest.kernel, initialRAMDisk: guest.initialRAMDisk,
        commandLine: try BuiltinGuest.commandLine(for: definition))
    }
    var firmware: QEMUCommandLine.UEFI?
    if definition.firmware == .uefi {
      try HostNeeds.check(.uefi, for: "node \(definition.name)", environment.variables)
      firmware = HostNeeds.uefi.map { QEMUCommandLine.UEFI(code: $0.code, variables: paths.variables) }
    }
    return .firmware(
      uefi: firmware, order: definition.bootOrder, storage: machineDisks.storage,
      seed: definition.cloudInit == nil ? nil : paths.seed)
  }

  nonisolated var machineDisks: MachineDisks {
    MachineDisks(
      definition: definition, directories: environment.directories, paths: paths, variables: environment.variables)
  }

  /// Makes the disks of a machine from an image, and what its guest is told on CDs.
  nonisolated func prepareDisk(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError) {
    guard definition.disk != nil else { return }
    let name = definition.name
    do {
      if let size = definition.emptyDisk {
        try await EmptyDisk(size: size, persists: definition.disk?.persist ?? false, paths: paths)
          .prepare(environment.variables) { progress("\(name): \($0)") }
      }
      let bases = try await machineDisks.made { progress("\(name): \($0)") }
      for (index, base) in bases.enumerated() {
        var overlay = DiskOverlay(
          image: "", disk: definition.disk ?? DiskDefinition(format: .qcow2), paths: paths,
          files: DiskFiles(number: index + 1))
        switch base {
        case .empty(let size): try await overlay.prepareEmpty(size: size, environment.variables)
        case .image(let image, let disk):
          (overlay.image, overlay.disk) = (image, disk)
          try await overlay.prepare(environment.variables) { progress("\(name): \($0)") }
        }
      }
      if let properties = definition.appliance?.properties {
        try await OVFEnvironment(properties: properties, node: name).write(paths, environment.variables)
      }
      if definition.firmware == .uefi, let uefi = HostNeeds.uefi {
        try UEFIVariables.prepare(paths, template: uefi.variables)
      }
      if let cloudInit = definition.cloudInit {
        let seed = try CloudInitSeed(cloudInit, of: definition, lab: environment.lab)
        try await seed.write(paths, environment.variables)
      }
    } catch {
      throw UserError(error.code, "node \(definition.name): \(error.message)", hint: error.hint)
    }
  }
}
