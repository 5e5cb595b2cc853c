import LinuxHost
import Logging
import Topology

/// A machine's part in `apus up --from`: it is read from a file, and goes on.
extension VMNode {
  /// Seconds that a QEMU that lives has to answer for the first time.
  private static let startTimeout = 60.0
  /// What QEMU calls the file that it reads.
  private static let fileName = "apus-memory"
  /// Bytes of a machine that are read in a second at the least, beside what every machine may take.
  private static let slowestReading = 4_000_000.0

  func checkLoading(_ machine: SavedNodes.Machine, from saved: SavedFolder) async throws(UserError) {
    let name = definition.name
    let count = storedDisks.count
    guard machine.disks.count == count else {
      throw UserError(.badInput, "node \(name): it was saved with \(machine.disks.count) disks, and has \(count)")
    }
    do throws(UserError) {
      for number in 0..<count { try await checkPersisting(DiskFiles(number: number + 1), saved) }
    } catch {
      throw UserError(error.code, "node \(name): \(error.message)", hint: error.hint)
    }
    guard machine.isRunning else { return }
    let here = Accelerator.ofThisHost() == .kvm ? "kvm" : "tcg"
    guard let then = machine.accelerator, then != here else { return }
    let words = ["kvm": "ran in hardware (KVM)", "tcg": "was emulated"]
    throw UserError(
      .failed,
      "node \(name): its machine \(words[then] ?? "ran on \(ShownText.line(then))"), and here it would be one that "
        + "\(words[here] ?? here): its processor is another",
      hint: "go on where machines run as they did")
  }

  /// Refuses a disk that outlives labs and is not just as it was saved: by that nothing on this host gives way.
  private func checkPersisting(_ files: DiskFiles, _ saved: SavedFolder) async throws(UserError) {
    guard definition.disk?.persist == true, let folder = try? Folder(paths.dataDirectory) else { return }
    let (target, layer) = (folder.path(of: files.disk), folder.path(of: files.layer))
    guard Files.exists(target) else { return }
    let name = SavedFile.disk(files.number, of: definition.name)
    let isSame = try await isSaved(files.disk, as: name, saved, in: folder)
    guard !isSame || Files.exists(layer) else { return }
    throw UserError(
      .failed, "the disk \(target) is there, persists, and is another than the saved one",
      hint:
        "move it away, with what lies beside it, to go on with the saved one: what the machine has written since is "
        + "not in that")
  }

  func load(_ machine: SavedNodes.Machine, from saved: SavedFolder, _ context: StartContext) async throws {
    guard machine.isRunning else {
      try LabFolders.makeData(paths)
      return try await loadDisks(machine, from: saved, context.progress)
    }
    // Who takes it back does not wait for its system to shut down, as it does nothing.
    standsStill = true
    let process = try await launch(context, resuming: ResumedMachine(machine: machine, saved: saved))
    let file: Descriptor
    do throws(SystemError) {
      file = try Descriptor.openFile(saved.path(of: SavedFile.memory(of: definition.name)))
    } catch {
      throw definition.failure("cannot read the saved machine", error)
    }
    let monitor = QEMUMonitor(path: paths.monitorSocket) { _ in }
    self.monitor = monitor
    monitor.start()
    do throws(UserError) {
      try await Self.waitForMonitor(monitor, process)
      try await monitor.execute(.wholeMigration)
      _ = try await monitor.ask(.takeDescriptor(Self.fileName), passing: file)
      try await monitor.execute(.takeIn(fromDescriptor: Self.fileName))
      let seconds = Double(file.fileSize ?? 0) / Self.slowestReading
      try await Self.waitForEnd(monitor, patience: Self.patience + seconds)
      let status = try await monitor.ask(.queryStatus)["status"]?.text
      guard status == "paused" else {
        throw UserError(.failed, "its machine is \(status ?? "in a state that is not known"), not paused")
      }
    } catch {
      // QEMU ends when it cannot read what it is given, and has said why.
      let hasEnded = await process.wait(timeoutSeconds: 0.5)
      let reason = hasEnded ? "its QEMU ended\(lastWords())" : error.message
      throw UserError(.failed, "node \(definition.name): cannot go on as it was saved: \(reason)", hint: error.hint)
    }
    life = .running
    context.progress("\(definition.name): read (pid \(process.pid))")
  }

  private static func waitForMonitor(_ monitor: QEMUMonitor, _ process: ProcessIdentity) async throws(UserError) {
    let deadline = ContinuousClock.now + .seconds(startTimeout)
    while ContinuousClock.now < deadline, process.isAlive, !Task.isCancelled {
      if await monitor.waitForCommandMode(seconds: 0.2) { return }
    }
    throw UserError(.failed, Task.isCancelled ? "interrupted" : "its machine's monitor does not answer")
  }

  // MARK: - Disks

  /// Makes its disks: as they were saved, or as a machine finds them that boots.
  func makeDisks(
    _ resumed: ResumedMachine?, _ progress: @escaping @Sendable (String) -> Void
  ) async throws(UserError) {
    if let resumed { return try await loadDisks(resumed.machine, from: resumed.saved, progress) }
    try await settleDisks(progress)
    try await prepareDisk(progress)
  }

  /// Makes its disks as they were saved.
  func loadDisks(
    _ machine: SavedNodes.Machine, from saved: SavedFolder, _ progress: @escaping @Sendable (String) -> Void
  ) async throws(UserError) {
    guard definition.disk != nil else { return }
    let name = definition.name
    do throws(UserError) {
      let folder = try LabFolders.makeData(paths)
      let bases = try await machineDisks.made { progress("\(name): \($0)") }
      for (index, disk) in machine.disks.enumerated() {
        let files = DiskFiles(number: index + 1)
        let base = index < bases.count ? bases[index] : .empty(0)
        try await load(files, disk, over: base, SavedFile.disk(index + 1, of: name), saved, in: folder)
      }
      if definition.disk?.persist == true {
        try Files.write([], as: NodeFile.persistMark.rawValue, in: folder)
      }
    } catch {
      throw UserError(error.code, "node \(name): \(error.message)", hint: error.hint)
    }
  }

  private func load(
    _ files: DiskFiles, _ disk: SavedNodes.Disk, over base: MachineDisks.Base, _ name: String, _ saved: SavedFolder,
    in folder: Folder
  ) async throws(UserError) {
    var identity: ImageIdentity?
    var image: (path: String, format: String)?
    if case .image(let path, let definition) = base {
      let found = try await ImageIdentity.of(path, known: nil, environment.variables)
      guard let wanted = disk.image, wanted.isSame(as: found) else {
        throw UserError(
          .badInput,
          "the image \(path) is another than the one that the disk was saved over"
            + (disk.path.map { ", which was \(ShownText.line($0))" } ?? ""),
          hint: "put that image there")
      }
      (identity, image) = (found, (path, definition.format.rawValue))
    } else if disk.image != nil {
      throw UserError(.badInput, "its disk was saved over an image, and has none")
    }
    let target = folder.path(of: files.disk)
    if definition.disk?.persist == true, Files.exists(target) { return try await checkPersisting(files, saved) }
    // One of another disk would be put into this one when the machine is started next.
    try Files.remove(files.layer, in: folder)
    try Files.remove(files.mergedLayer, in: folder)
    if Files.exists(target), try await isSaved(files.disk, as: name, saved, in: folder) { return }
    try Files.remove(files.unfinished, in: folder)
    let unfinished = folder.path(of: files.unfinished)
    try await ImageTools(variables: environment.variables).copy(saved.path(of: name), to: unfinished)
    if let image { try await lay(unfinished, over: image.path, image.format) }
    if let identity { try identity.write(in: folder, files) }
    do throws(SystemError) {
      try folder.rename(files.unfinished, to: files.disk)
    } catch {
      throw UserError(.failed, "cannot make \(target): \(SystemError.text(of: error.code))")
    }
  }

  /// Tells a disk where the image is that it lies over.
  private func lay(_ disk: String, over image: String, _ format: String) async throws(UserError) {
    guard DiskOverlay.backing(of: disk) != image else { return }
    _ = try await HostTool.run(
      "qemu-img", ["rebase", "-q", "-u", "-f", "qcow2", "-F", format, "-b", image, disk], package: "qemu-utils",
      environment.variables)
  }

  /// Whether a disk that is there is just the saved one.
  private func isSaved(
    _ file: String, as name: String, _ saved: SavedFolder, in folder: Folder
  ) async throws(UserError) -> Bool {
    let wanted = saved.manifest.files.first { $0.name == name }
    let found = try await SavedSums.of([file], in: folder, environment.variables).first
    return wanted != nil && found?.sha256 == wanted?.sha256 && found?.size == wanted?.size
  }
}

/// A machine that goes on as it was saved.
struct ResumedMachine: Sendable {
  var machine: SavedNodes.Machine
  var saved: SavedFolder
}
