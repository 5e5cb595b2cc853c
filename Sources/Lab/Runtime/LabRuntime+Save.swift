import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// What `save` is asked for.
package struct SaveRequest: Sendable, Equatable {
  /// Absolute path of a folder that is not there; nil = `<data>/saved/LAB-TIME`.
  package var path: String?
  /// The lab is taken down then, and its machines do nothing more that is not saved.
  package var stops: Bool

  package init(path: String? = nil, stops: Bool = false) { (self.path, self.stops) = (path, stops) }
}

/// What became of it.
package struct SavedLab: Sendable, Equatable {
  /// Absolute path of the folder.
  package var path: String
  /// Bytes of its files.
  package var size: UInt64
  /// Machines that ran.
  package var machines: Int
  /// Seconds that they stood still, and those among them in which their memory was written.
  package var pause: Double
  package var memory: Double
  /// Nodes that went on and begin anew where the lab goes on, with their kinds.
  package var others: [String: String]
  /// The lab was taken down.
  package var isDown = false

  package init(
    path: String, size: UInt64, machines: Int, pause: Double, memory: Double, others: [String: String] = [:]
  ) {
    (self.path, self.size, self.machines) = (path, size, machines)
    (self.pause, self.memory, self.others) = (pause, memory, others)
  }
}

/// Saving the lab that is up, as it is at one instant.
extension LabRuntime {
  /// Writes the lab into a folder; its machines stand still meanwhile, and go on.
  ///
  /// A save that fails, or is interrupted, leaves the lab running, and no folder.
  /// - Parameter progress: takes lines for the person who waits.
  /// - Throws: `UserError`.
  package func save(
    _ request: SaveRequest, progress: @escaping @Sendable (String) -> Void
  ) async throws -> SavedLab {
    let waiting = tellOfMigration(progress)
    defer { waiting.cancel() }
    do {
      return try await interruptibly {
        var saved = try await self.saveWhole(request, progress)
        guard request.stops else { return saved }
        try await self.takeDown(saved, progress)
        saved.isDown = true
        return saved
      }
    } catch {
      throw UserError.wrapping(error, "saving the lab")
    }
  }

  private func takeDown(_ saved: SavedLab, _ progress: @escaping @Sendable (String) -> Void) async throws {
    do {
      // In a task of its own: it is to be gone to its end also when this one is cancelled by now.
      try await Task { try await remove(progress) }.value
    } catch {
      let reason = UserError.wrapping(error, "taking the lab down")
      throw UserError(reason.code, "\(reason.message); the lab was saved in \(saved.path)", hint: reason.hint)
    }
  }

  /// What one save works with.
  struct SaveWork: Sendable {
    var lab: CanonicalLab
    var plane: Dataplane
    var request: SaveRequest
    var folder: UnfinishedSave
    var nodes: SavedNodes
    /// Those that run, and all of them.
    var running: [any MachineToSave]
    var machines: [any MachineToSave]
    var progress: @Sendable (String) -> Void

    /// Ports of machines that run.
    var ports: [String] {
      running.map(\.definition).flatMap { node in node.nics.map { Names.port(node: node.name, nic: $0.name) } }
    }

    /// Those with disks, under which files are laid.
    var layered: [any MachineToSave] {
      guard !request.stops else { return [] }
      return running.filter { machine in
        nodes.machines.contains { $0.node == machine.definition.name && !$0.disks.isEmpty }
      }
    }
  }

  /// What was seen at the instant.
  private struct Instant: Sendable {
    var plane: PlaneState
    var runTime: RunTimeState
    var namespaces: [NamespaceState]
    /// Seconds.
    var pause: Double
    var memory: Double
  }

  private func saveWhole(
    _ request: SaveRequest, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> SavedLab {
    let (lab, plane) = try running()
    let now = Date()
    let path = try placeForSave(request, lab.name, now)
    var nodes = SavedNodes(directory: lab.directory, dataRoot: directories.dataRoot)
    let machines = nodesInOrder.compactMap(\.savedParts.machine)
    var qemu: String?
    for machine in machines {
      nodes.machines.append(try await machine.savedForm())
      if nodes.machines.last?.isRunning == true, qemu == nil { qemu = await machine.emulatorVersion() }
    }
    for node in nodesInOrder where node.savedParts.goesOn { nodes.others[node.definition.name] = node.definition.kind }
    let runs = Set(nodes.machines.filter(\.isRunning).map(\.node))
    let folder = try UnfinishedSave(at: path, of: lab.name, in: directories, variables)
    let work = SaveWork(
      lab: lab, plane: plane, request: request, folder: folder, nodes: nodes,
      running: machines.filter { runs.contains($0.definition.name) }, machines: machines, progress: progress)
    do {
      try folder.checkRoom(for: await sizeForSave(work))
      let manifest = SavedManifest(
        apus: captures.application, qemu: qemu, time: now.formatted(.iso8601), lab: lab.name, files: [])
      return try await carryOut(work, manifest)
    } catch {
      folder.abandon()
      throw error
    }
  }

  private func carryOut(_ work: SaveWork, _ manifest: SavedManifest) async throws -> SavedLab {
    let (instant, size): (Instant, UInt64)
    do {
      instant = try await pause(work)
      size = try await fill(work, instant, manifest)
    } catch {
      // The lab goes on as it was.
      if work.request.stops { await goOn(work) }
      await mergeDisks(work)
      throw error
    }
    if work.request.stops {
      for machine in work.running { await machine.leaveStandingStill() }
    } else {
      await mergeDisks(work)
    }
    let images = Set(work.nodes.machines.flatMap(\.disks).compactMap(\.path)).sorted()
    if !images.isEmpty {
      work.progress("note: disks in it lie over images, which have to be kept: \(images.joined(separator: ", "))")
    }
    let saved = SavedLab(
      path: work.folder.path, size: size, machines: work.running.count, pause: instant.pause, memory: instant.memory,
      others: work.nodes.others)
    events.labSaved(saved)
    return saved
  }

  // MARK: - Where

  private func placeForSave(_ request: SaveRequest, _ lab: String, _ now: Date) throws(UserError) -> String {
    if let path = request.path { return path }
    let root = "\(directories.dataRoot)/saved"
    do throws(SystemError) {
      _ = try Folder.make(root, mode: LabFolders.ownMode)
    } catch {
      throw UserError(.failed, "cannot make the folder \(root): \(SystemError.text(of: error.code))")
    }
    let stamp = LocalTime.stamp(seconds: UInt64(max(0, now.timeIntervalSince1970)))
    return "\(root)/\(lab)-\(stamp)"
  }

  /// Bytes that it may take: all that machines have of memory, and their disks.
  private func sizeForSave(_ work: SaveWork) async -> UInt64 {
    var size: UInt64 = 16 << 20
    for machine in work.machines {
      for path in await machine.diskPaths { size &+= Files.taken(path) }
      guard work.running.contains(where: { $0.definition.name == machine.definition.name }) else { continue }
      let definition = machine.definition
      let whole = UInt64(clamping: definition.memory)
      // Pages that it has never touched are not written.
      let taken = Files.taken(environment.paths(of: definition.name).memory)
      size &+= (taken > 0 ? min(taken, whole) : whole) &+ 4 << 20
    }
    return size
  }

  // MARK: - The instant

  /// Has all stand still, looks, writes the machines' memory, and has all go on; with `--stop` they stand still on.
  private func pause(_ work: SaveWork) async throws -> Instant {
    let plane = work.plane
    try await holdThoseUp(work.ports, plane)
    await plane.freezeLines()
    let begin = ContinuousClock.now
    let instant: Result<Instant, any Error>
    do {
      try await Self.each(work.running) { try await $0.standStill() }
      instant = .success(try await look(work))
    } catch {
      instant = .failure(error)
    }
    let standsStill = if case .success = instant { work.request.stops } else { false }
    if !standsStill { await goOn(work) }
    var seen = try instant.get()
    seen.pause = (ContinuousClock.now - begin) / .seconds(1)
    return seen
  }

  private func look(_ work: SaveWork) async throws -> Instant {
    // In the brief lane, so that what was said of a link and what the data plane does are of one moment.
    let (plane, runTime) = await brief { (await work.plane.save(), self.runTime) }
    async let namespaces = readNamespaces(work)
    try await Self.each(work.layered) { try await $0.layDisks() }
    if work.request.stops { try await Self.each(work.running) { try await $0.demandWholeDisks() } }
    let begin = ContinuousClock.now
    work.progress("\(work.running.count == 1 ? "1 machine stands" : "\(work.running.count) machines stand") still")
    try await Self.each(work.running) { machine in
      try await machine.write(to: work.folder.create(SavedFile.memory(of: machine.definition.name)))
    }
    let memory = (ContinuousClock.now - begin) / .seconds(1)
    // What UEFI remembers, which the machine may change when it goes on.
    for node in nodesInOrder where node.savedParts.copies.contains(.variables) {
      try copy(.variables, of: node.definition.name, work)
    }
    return Instant(plane: plane, runTime: runTime, namespaces: try await namespaces, pause: 0, memory: memory)
  }

  private func readNamespaces(_ work: SaveWork) async throws -> [NamespaceState] {
    var states: [NamespaceState] = []
    for node in nodesInOrder {
      guard let namespace = node.savedParts.namespace else { continue }
      states.append(try NamespaceState.read(node.definition, namespace: namespace))
    }
    return states
  }

  /// All go on together.
  private func goOn(_ work: SaveWork) async {
    do {
      try await Self.each(work.running) { try await $0.resume() }
    } catch {
      logger.error("\(error)")
      work.progress("note: \(UserError.wrapping(error, "lab \(work.lab.name)").message): it stands still")
    }
    await work.plane.thawLines()
    await release(work.ports, work.plane)
  }

  /// Has frames to machines that stand still wait, however long that takes.
  func hold(_ ports: [String], _ plane: Dataplane) async throws(UserError) {
    try await explained("holding frames") { () async throws(DataplaneError) in
      try await plane.holdFrames(ports: ports, for: .seconds(24 * 3600))
    }
  }

  /// The same for those that are up: one that is down would count as up by that, and for a while after.
  private func holdThoseUp(_ ports: [String], _ plane: Dataplane) async throws(UserError) {
    let up = Set(await plane.ports().filter(\.carrier).map(\.name))
    try await hold(ports.filter { up.contains($0) }, plane)
  }

  /// They go on, in order.
  func release(_ ports: [String], _ plane: Dataplane) async {
    do {
      try await plane.releaseFrames(ports: ports)
    } catch {
      logger.warning("frames that were held: \(error)")
    }
  }

  private static func each(
    _ machines: [any MachineToSave], _ body: @escaping @Sendable (any MachineToSave) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for machine in machines { group.addTask { try await body(machine) } }
      // All of them, so that none is in the middle of something.
      var failure: (any Error)?
      while let result = await group.nextResult() {
        if case .failure(let error) = result { failure = failure ?? error }
      }
      if let failure { throw failure }
    }
  }

  // MARK: - The folder

  /// Writes what is left, and gives the folder its name.
  /// - Returns: bytes of its files.
  private func fill(_ work: SaveWork, _ instant: Instant, _ manifest: SavedManifest) async throws -> UInt64 {
    var nodes = work.nodes
    nodes.namespaces = instant.namespaces
    for node in nodesInOrder {
      let (name, copies) = (node.definition.name, node.savedParts.copies)
      if !copies.isEmpty { nodes.copies[name] = copies.map(\.rawValue) }
      for file in copies where file != .variables { try copy(file, of: name, work) }
    }
    for machine in work.machines {
      let name = machine.definition.name
      if !work.running.contains(where: { $0.definition.name == name }) { try await machine.settleDisks(work.progress) }
      for (index, path) in await machine.diskPaths.enumerated() {
        work.progress("\(name): its disk is copied")
        try await work.folder.copy(path, as: SavedFile.disk(index + 1, of: name))
      }
    }
    var runTime = instant.runTime
    // Where the API is served is a matter of this host.
    runTime.http = nil
    try work.folder.write(encoded(work.lab), as: SavedFile.lab.rawValue)
    try work.folder.write(encoded(runTime), as: SavedFile.runTime.rawValue)
    try work.folder.write(encoded(instant.plane), as: SavedFile.plane.rawValue)
    try work.folder.write(encoded(nodes), as: SavedFile.nodes.rawValue)
    try Task.checkCancellation()
    return try await work.folder.finish(manifest, keepsNote: work.request.stops)
  }

  private func copy(_ file: NodeFile, of node: String, _ work: SaveWork) throws(UserError) {
    let path = "\(environment.paths(of: node).dataDirectory)/\(file.rawValue)"
    guard let bytes = Files.read(path) else { throw UserError(.failed, "cannot read \(path)") }
    try work.folder.write(bytes, as: SavedFile.copy(file.rawValue, of: node))
  }

  // MARK: - Afterwards

  /// Puts what machines have written since the instant into their disks.
  private func mergeDisks(_ work: SaveWork) async {
    for machine in work.layered {
      let name = machine.definition.name
      let ports = machine.definition.nics.map { Names.port(node: name, nic: $0.name) }
      do {
        // In a task of its own: it is to be gone to its end also when this one was interrupted.
        try await Task {
          try await machine.mergeDisks { (body) throws(UserError) in
            try await self.holdThoseUp(ports, work.plane)
            let result: Result<Void, UserError>
            do throws(UserError) {
              result = .success(try await machine.standStill(during: body))
            } catch {
              result = .failure(error)
            }
            await self.release(ports, work.plane)
            try result.get()
          }
        }.value
      } catch {
        logger.warning("\(error)")
        work.progress(
          "note: \(name): what it writes from now on lies beside its disk until it is started again: "
            + UserError.wrapping(error, name).message)
      }
    }
  }
}

extension Files {
  /// Bytes of the file system that a file takes; 0 for none.
  static func taken(_ path: String) -> UInt64 {
    var parts = path.split(separator: "/").map(String.init)
    guard let name = parts.popLast(), let folder = try? Folder("/" + parts.joined(separator: "/")) else { return 0 }
    return folder.extent(of: name)?.taken ?? 0
  }
}
