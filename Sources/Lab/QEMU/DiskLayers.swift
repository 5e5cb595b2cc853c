import LinuxHost
import Logging
import Synchronization
import Topology

/// The files over the disks of a machine that was saved: what it writes while its disks, as they were, are copied.
///
/// A disk is one file but for that time. Then the layer is written back into it, and goes.
struct DiskLayers: Sendable {
  /// Between two looks at how far QEMU is.
  private static let interval = Duration.milliseconds(20)
  /// Seconds that QEMU may take to let go of a layer once it is written back.
  private static let patience = 60.0
  /// Seconds that QEMU has to answer again once the connection to it was lost.
  private static let answerTimeout = 10.0
  /// Folders of machines whose layers are being written back: of two who do that at once, one would take back what the
  /// other has finished.
  private static let merging = Mutex<Set<String>>([])

  let paths: NodePaths
  /// How many disks the machine has.
  let count: Int

  private var all: [DiskFiles] { (0..<count).map { DiskFiles(number: $0 + 1) } }

  /// Whether a disk has a layer, or may have had one when somebody was killed.
  var areThere: Bool { all.contains { Files.exists(path($0.layer)) || Files.exists(path($0.mergedLayer)) } }

  private func path(_ file: String) -> String { "\(paths.dataDirectory)/\(file)" }

  /// Demands that nothing lies over the disks of a machine.
  func demandNone(_ monitor: QEMUMonitor) async throws(UserError) {
    for files in all where try await isOnLayer(files, monitor) {
      throw UserError(
        .failed, "what it wrote since it was saved before is not in \(path(files.disk)) yet",
        hint: "try again in a while, or start the node anew")
    }
  }

  /// Gives layers the names back that they had, of a machine that has them still: who was to drop them has died.
  ///
  /// Called before the machine goes on: what it writes from then on is in the layer alone.
  func recall(_ monitor: QEMUMonitor) async throws(UserError) {
    for files in all where Files.exists(path(files.mergedLayer)) && !Files.exists(path(files.layer)) {
      guard try await isOnLayer(files, monitor) else { continue }
      try rename(files.mergedLayer, to: files.layer, in: try LabFolders.makeData(paths))
    }
  }

  /// Lays a file over each disk of a machine that stands still.
  /// - Throws: `UserError`; disks that have their layer by then keep it until `merge`.
  func lay(_ monitor: QEMUMonitor) async throws(UserError) {
    try await demandNone(monitor)
    for files in all {
      // Half a layer of before would be in QEMU's way.
      try Files.remove(path(files.layer))
      try await monitor.execute(.layOver(disk: files.id, file: path(files.layer)))
    }
  }

  /// Writes what lies over the disks back into them while the machine runs.
  ///
  /// - Parameter standStill: runs what it is given while the machine stands still: a moment.
  /// - Throws: `UserError`; then the layers stay, the machine goes on with them, and what starts it next writes them
  ///   back.
  func merge(
    _ monitor: QEMUMonitor, standStill: (_ body: () async throws(UserError) -> Void) async throws(UserError) -> Void
  ) async throws(UserError) {
    guard Self.merging.withLock({ $0.insert(paths.dataDirectory).inserted }) else {
      throw UserError(.failed, "what it wrote while it was saved is being written back into its disks already")
    }
    defer { _ = Self.merging.withLock { $0.remove(paths.dataDirectory) } }
    var isRunning: [DiskFiles] = []
    for files in all where try await isOnLayer(files, monitor) {
      if try await job(files, monitor) == nil {
        try await monitor.execute(.commit(disk: files.id, into: path(files.disk), job: files.job))
      }
      isRunning.append(files)
    }
    for files in isRunning { try await wait(for: files, monitor) { $0?.isReady == true } }
    if !isRunning.isEmpty {
      try await standStill { () throws(UserError) in
        for files in isRunning { try await drop(files, monitor) }
      }
    }
    for files in all {
      try Files.remove(path(files.layer))
      try Files.remove(path(files.mergedLayer))
    }
  }

  /// Has QEMU go on with the disk alone; nothing is written to it meanwhile.
  private func drop(_ files: DiskFiles, _ monitor: QEMUMonitor) async throws(UserError) {
    try await wait(for: files, monitor) { $0.map { $0.isReady && $0.left == 0 } ?? false }
    let folder = try LabFolders.makeData(paths)
    // The disk has all of it now. Who is killed from here on finds a layer that is of no use, and not one that would
    // take back what the machine has written since.
    try rename(files.layer, to: files.mergedLayer, in: folder)
    do throws(UserError) {
      try await monitor.execute(.complete(job: files.job))
      try await wait(for: files, monitor) { $0 == nil }
      guard try await !isOnLayer(files, monitor) else {
        throw UserError(.failed, "QEMU has not let go of \(path(files.layer))")
      }
    } catch {
      // Only where QEMU has it for sure: what starts the machine next would put one that it has let go of into the disk
      // once more, over what was written since. Who does not answer has not gone on either.
      _ = await monitor.waitForCommandMode(seconds: Self.answerTimeout)
      if (try? await isOnLayer(files, monitor)) == true { try? rename(files.mergedLayer, to: files.layer, in: folder) }
      throw error
    }
    try Files.remove(files.mergedLayer, in: folder)
  }

  private func rename(_ name: String, to other: String, in folder: Folder) throws(UserError) {
    do throws(SystemError) {
      try folder.rename(name, to: other)
    } catch {
      throw UserError(.failed, "cannot rename \(path(name)): \(SystemError.text(of: error.code))")
    }
  }

  private func isOnLayer(_ files: DiskFiles, _ monitor: QEMUMonitor) async throws(UserError) -> Bool {
    let file = MachineFacts.file(ofDisk: files.id, try await monitor.ask(.queryDisks))
    return file == path(files.layer)
  }

  private func job(_ files: DiskFiles, _ monitor: QEMUMonitor) async throws(UserError) -> (isReady: Bool, left: Int)? {
    MachineFacts.job(files.job, try await monitor.ask(.queryJobs))
  }

  /// Waits until a job is so; as long as it gets on, since a disk may have much to be written back.
  private func wait(
    for files: DiskFiles, _ monitor: QEMUMonitor, until isSo: ((isReady: Bool, left: Int)?) -> Bool
  ) async throws(UserError) {
    var deadline = ContinuousClock.now + .seconds(Self.patience)
    var before: Int?
    while true {
      let job = try await job(files, monitor)
      if isSo(job) { return }
      if job?.left != before { (before, deadline) = (job?.left, .now + .seconds(Self.patience)) }
      guard ContinuousClock.now < deadline, job != nil else {
        throw UserError(.failed, "QEMU does not write \(path(files.layer)) back into the disk")
      }
      try? await Task.sleep(for: Self.interval)
    }
  }

  // MARK: - Without QEMU

  /// Makes one file of each disk again, whose machine does not run: its QEMU, or our daemon, died when it had layers.
  /// - Parameter progress: takes a line about a disk.
  func settle(_ variables: [String: String], _ progress: @escaping @Sendable (String) -> Void) async throws(UserError) {
    for files in all {
      try Files.remove(path(files.mergedLayer))
      let layer = path(files.layer)
      guard Files.exists(layer) else { continue }
      // One that QEMU was making when it died holds nothing.
      if EmptyDisk.Header(of: layer) != nil, let beneath = DiskOverlay.backing(of: layer) {
        guard beneath == path(files.disk) else {
          throw UserError(
            .failed, "\(layer), what it wrote while it was being saved, lies over \(beneath), not over its disk",
            hint: "put it into the disk with qemu-img, or remove it: what is in it is lost then")
        }
        progress("note: what it wrote while it was being saved is put into \(path(files.disk))")
        _ = try await HostTool.run(
          "qemu-img", ["commit", "-q", "-f", "qcow2", layer], package: "qemu-utils", HostTool.Terms(timeout: 3600),
          variables)
      }
      try Files.remove(layer)
    }
  }
}
