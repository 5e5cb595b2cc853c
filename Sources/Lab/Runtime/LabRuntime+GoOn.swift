import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// Going on with a saved lab, as `up --from` does.
extension LabRuntime {
  /// Refuses what cannot be said of a lab that goes on, and a lab that a daemon before this one has not brought to where
  /// it was saved: some machines would boot, and others stand still for ever.
  func checkGoingOn(_ lab: String, _ options: BringUpOptions) throws(UserError) {
    guard options.from == nil else {
      guard options.isReset else { return }
      throw UserError(.badInput, "a reset forgets what was said at run time, and a saved lab brings it back")
    }
    guard plane == nil, let folder = UnfinishedSave.goingOn(lab, in: directories) else { return }
    throw UserError(
      .failed, "lab \(lab) was about to go on from \(ShownText.line(folder)) when its daemon died",
      hint: "take it down, and go on again: apus down \(lab); apus up FILE --from \(ShellWord.quoted(folder))")
  }

  /// Reads what was saved, and looks whether this host can go on with it as the lab that is wanted.
  ///
  /// - Parameter path: absolute.
  /// - Throws: `UserError`, with nothing made.
  func openSaved(_ path: String, for lab: CanonicalLab) async throws(UserError) -> SavedFolder {
    guard plane == nil, try LabState.read(lab.name, in: directories) == nil else {
      throw UserError(
        .failed, "lab \(lab.name) is up: it cannot go on as it was saved", hint: "take it down: apus down \(lab.name)")
    }
    let saved = try await SavedFolder(path, variables)
    try saved.check(for: lab, in: directories)
    try await checkEmulator(saved)
    var environment = environment
    environment.lab = lab.name
    for definition in lab.nodes {
      let node = try NodeRegistry.make(definition, environment)
      guard let machine = node.savedParts.machine, let form = saved.machine(definition.name) else { continue }
      try await machine.checkLoading(form, from: saved)
    }
    return saved
  }

  /// Machines go on in the QEMU that has saved them, or a later one.
  private func checkEmulator(_ saved: SavedFolder) async throws(UserError) {
    guard let wanted = saved.manifest.qemu, saved.nodes.machines.contains(where: \.isRunning) else { return }
    let text = try await HostTool.run("qemu-system-x86_64", ["--version"], package: "qemu-system-x86", variables)
    let words = text.split(whereSeparator: \.isWhitespace)
    guard let index = words.firstIndex(of: "version"), index + 1 < words.endIndex else { return }
    let found = String(words[index + 1])
    guard Self.isOlder(found, than: wanted) else { return }
    throw UserError(
      .failed,
      "QEMU here is \(found), and the lab was saved with \(ShownText.line(wanted)): it cannot read its machines",
      hint: "go on where QEMU is as new")
  }

  /// Whether the first two numbers of a version are lower.
  private static func isOlder(_ one: String, than other: String) -> Bool {
    func numbers(_ text: String) -> [Int] {
      text.split { !$0.isNumber }.prefix(2).map { Int($0) ?? 0 }
    }
    return numbers(one).lexicographicallyPrecedes(numbers(other))
  }

  /// Machines that go on, of one bring-up.
  private func resumed(_ work: Work, _ saved: SavedFolder) -> [(machine: any MachineToSave, form: SavedNodes.Machine)] {
    work.nodes.compactMap { node in
      guard let machine = node.savedParts.machine, let form = saved.machine(node.definition.name) else { return nil }
      return (machine, form)
    }
  }

  /// Starts the nodes of a lab that goes on: machines are read and go on together, others begin anew.
  func goOn(from saved: SavedFolder, _ work: Work) async throws {
    let all = resumed(work, saved)
    let running = all.filter(\.form.isRunning)
    try UnfinishedSave.noteGoingOn(from: saved.folder.path, of: work.lab.name, in: directories)
    try copyFiles(of: saved)
    try await loadMachines(all, saved, work)
    try await startNodes(work, resumed: Set(all.map(\.machine.definition.name)))
    try await restoreNamespaces(saved, work)
    guard let plane else { return }
    let ports = running.map(\.machine.definition).flatMap { node in
      node.nics.map { Names.port(node: node.name, nic: $0.name) }
    }
    try await hold(ports, plane)
    await plane.freezeLines()
    await plane.restore(saved.plane)
    let result: Result<Void, any Error>
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (machine, _) in running { group.addTask { try await machine.resume() } }
        try await group.waitForAll()
      }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await plane.thawLines()
    await release(ports, plane)
    try result.get()
    // From here on the lab is one that a daemon can take back.
    UnfinishedSave.forgetNote(of: work.lab.name, in: directories)
    try await takeUp(running.map(\.machine), work)
    for (machine, form) in all where !form.isRunning { starting.remove(machine.definition.name) }
  }

  /// Puts copies of files of nodes' folders where they were.
  private func copyFiles(of saved: SavedFolder) throws(UserError) {
    for (node, files) in saved.nodes.copies {
      let folder = try LabFolders.makeData(environment.paths(of: node))
      for file in files {
        let name = SavedFile.copy(file, of: node)
        guard let bytes = Files.read(saved.path(of: name)) else {
          throw UserError(.failed, "cannot read \(saved.path(of: name))")
        }
        try Files.write(bytes, as: file, in: folder)
      }
    }
  }

  private func loadMachines(
    _ machines: [(machine: any MachineToSave, form: SavedNodes.Machine)], _ saved: SavedFolder, _ work: Work
  ) async throws {
    // Not by the queue of machines that boot: who waits there looks again every 200 ms.
    let most = work.options.parallel ?? max(2, ProcessInfo.processInfo.activeProcessorCount)
    try await withThrowingTaskGroup(of: Void.self) { group in
      var left = machines[...]
      func loadNext() {
        guard let (machine, form) = left.popFirst() else { return }
        let context = context(of: machine, work.journal, work.progress)
        group.addTask { try await machine.load(form, from: saved, context) }
      }
      for _ in 0..<min(most, machines.count) { loadNext() }
      while try await group.next() != nil { loadNext() }
    }
  }

  private func restoreNamespaces(_ saved: SavedFolder, _ work: Work) async throws {
    for state in saved.nodes.namespaces {
      guard let node = work.nodes.first(where: { $0.definition.name == state.node }),
        let namespace = node.savedParts.namespace
      else { continue }
      for line in try state.apply(to: node.definition, namespace: namespace) {
        work.progress("note: \(state.node): \(line)")
      }
    }
  }

  /// Watches machines that go on, as those that a daemon takes back.
  private func takeUp(_ machines: [any MachineToSave], _ work: Work) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for machine in machines {
        var context = context(of: machine, work.journal, work.progress)
        context.isResumed = true
        group.addTask { [context] in
          try await machine.start(context, isRunning: true)
          await self.hasStarted(machine.definition.name)
        }
      }
      try await group.waitForAll()
    }
  }

  private func hasStarted(_ node: String) { starting.remove(node) }
}
