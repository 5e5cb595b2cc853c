import Control
import FoundationEssentials
import Lab
import Topology

/// Brings labs up and takes them down through their daemons, which it starts where none answers.
struct LabLifecycle {
  let directories: LabDirectories

  /// Makes `lab` true; its progress and how long it took go to standard error.
  /// - Returns: what was done.
  func bringUp(_ lab: CanonicalLab, options: BringUpOptions = BringUpOptions()) async throws -> [PlanRow] {
    let daemon = DaemonProcess(name: lab.name, directories: directories)
    let start = ContinuousClock.now
    let display = ProgressDisplay(.up, lab: lab.name, definition: lab)
    defer { display.finish() }
    while true {
      try await daemon.ensure()
      do {
        let plan = try await put(lab, options, display)
        display.finish()
        if !plan.isEmpty { Output.words(Self.upWords(lab, display)) }
        return plan
      } catch let error as LostDaemon where ContinuousClock.now - start < .seconds(5) {
        // The daemon that answered was about to end: it served a `down`, or an `up` that failed, before this one.
        guard !error.hadBegun else { throw error.error }
        try await Task.sleep(for: .milliseconds(20))
      } catch let error as LostDaemon {
        throw error.error
      }
    }
  }

  /// `lab campus: 12 nodes, 3 switches, 14 links up in 4.2 s`.
  static func upWords(_ lab: CanonicalLab, _ display: ProgressDisplay) -> String {
    "lab \(lab.name): \(lab.sizeText) up in \(display.elapsed)"
  }

  /// The daemon went away; an `up` that had not begun can be asked of another one.
  private struct LostDaemon: Error {
    var error: UserError
    var hadBegun: Bool
  }

  private func put(
    _ lab: CanonicalLab, _ options: BringUpOptions, _ display: ProgressDisplay
  ) async throws -> [PlanRow] {
    var plan: [PlanRow]?
    var hadBegun = false
    let client = LabSession(lab.name, directories).client
    let daemon = LabDaemon.serving(lab.name, in: directories)
    var failure: UserError?
    do {
      try await client.stream(API.labUp, query: UpQuery(options), LabDocument(lab)) { line in
        hadBegun = true
        switch line {
        case .progress(let text): display.take(text)
        case .plan(let steps): plan = steps
        case .failed(let error): failure = error.userError
        case .done: break
        }
      }
    } catch  where failure != nil {
      // All was said.
    } catch let error as UserError where error.code == .unreachable {
      throw LostDaemon(error: error, hadBegun: hadBegun)
    }
    if let failure {
      if let daemon { await waitForEnd(of: daemon) }
      throw failure
    }
    guard let plan else { throw UserError(.failed, "the daemon did not say how `up` ended") }
    return plan
  }

  /// A daemon whose lab did not come up ends and takes its folders with it: then nothing is left when the command ends.
  private func waitForEnd(of daemon: LabDaemon) async {
    let client = LabSession(daemon.lab, directories).client
    let limit = ContinuousClock.now + .seconds(5)
    while !Task.isCancelled, ContinuousClock.now < limit, await !daemon.hasEnded(within: 0.02) {
      // It goes on with the lab that was up before.
      if (try? await client.ask(API.lab, within: 1)) != nil { return }
    }
  }

  /// Removes a lab, by its daemon or, where none answers, from what is written down of it; progress and the end go to
  /// standard error.
  func takeDown(_ name: String) async throws {
    let lab = RecordedLab.read(name, in: directories)
    let display = ProgressDisplay(.down, lab: name, definition: lab)
    defer { display.finish() }
    let wasThere = try await remove(name, display)
    display.finish()
    let size = lab.map { ": \($0.sizeText) in \(display.elapsed)" } ?? ""
    Output.words(wasThere ? "lab \(name) is down\(size)" : "there is no lab \(name)")
  }

  /// - Returns: whether there was anything to remove.
  private func remove(_ name: String, _ display: ProgressDisplay) async throws -> Bool {
    let presence = await presence(name)
    var said: Set<String> = []
    do {
      switch presence {
      case .isSilent: try await DaemonProcess(name: name, directories: directories).endSilent()
      case .answers:
        try await delete(name) { line in
          said.insert(line)
          display.take(line)
        }
        try await waitForEnd(of: name)
      case .isAbsent: break
      }
    } catch let error as UserError where error.code == .unreachable {
      // It was killed over this.
    }
    guard directories.areReadable else {
      // What there is its daemon has removed, or nobody but the owner can.
      guard directories.hasLab(name) else { return presence != .isAbsent }
      throw UserError(
        .failed,
        "this user may not remove lab \(name), whose daemon is gone: \(directories.state(name)) cannot be read",
        hint: "run as its owner")
    }
    let report = try await LabCleanup.remove(lab: name, directories: directories)
    for line in report.removed + report.left.map({ "left: \($0)" }) where !said.contains(line) {
      display.take(line)
    }
    // Disks that are to persist are no lab.
    return presence != .isAbsent || !report.removed.isEmpty
  }

  /// Whether the lab has a daemon that can be asked.
  /// - Throws: `UserError` (`unreachable`) when it has one that does not answer.
  func isServing(_ name: String) async throws -> Bool {
    try await DaemonProcess(name: name, directories: directories).isThere()
  }

  /// Whether the lab has a daemon that answers within some seconds.
  func presence(_ name: String, within seconds: Double = DaemonProcess.answerLimit) async -> DaemonPresence {
    await DaemonProcess(name: name, directories: directories).presence(within: seconds)
  }

  /// - Parameter progress: takes a line for each thing that was removed, or stays.
  private func delete(_ name: String, _ progress: (String) -> Void) async throws {
    try await LabSession(name, directories).client.stream(API.labDown) { line in
      switch line {
      case .progress(let text): progress(text)
      case .failed(let error): throw error.userError
      case .plan, .done: break
      }
    }
  }

  /// The daemon ends right after its answer.
  private func waitForEnd(of name: String) async throws {
    let client = LabSession(name, directories).client
    for _ in 0..<250 {
      guard (try? await client.ask(API.version)) != nil else { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw UserError(.failed, "the daemon of lab \(name) has not ended 5 s after it removed the lab")
  }

  /// Takes down the lab of that name if it is something else than `lab`.
  func makeWay(for lab: CanonicalLab) async throws {
    guard directories.hasLab(lab.name) else { return }
    if let recorded = try await recorded(lab.name), !RecordedLab.isInTheWay(recorded, of: lab) { return }
    try await takeDown(lab.name)
  }

  /// What is up, as its daemon says, or as is written down when there is none.
  /// - Returns: nil when what is written down is damaged.
  /// - Throws: `UserError` when this user can learn it in neither way.
  private func recorded(_ name: String) async throws -> CanonicalLab? {
    let client = LabSession(name, directories).client
    if await presence(name) == .answers, let lab = try? await client.ask(API.lab).lab() {
      return lab
    }
    guard RecordedLab.isReadable(name, in: directories) else {
      throw UserError(.failed, "cannot read \(directories.labFile(name)): permission denied", hint: "run as its owner")
    }
    return RecordedLab.read(name, in: directories)
  }
}
