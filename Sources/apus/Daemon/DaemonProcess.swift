import Control
import Foundation
import Lab

/// The daemon of a lab, as seen by the command that needs it.
struct DaemonProcess {
  /// Seconds that a daemon may take until it answers.
  private static let patience = 15.0
  /// Seconds after which a daemon that does not answer counts as silent; it answers at once, whatever it has to do.
  static let answerLimit = 10.0

  let name: String
  let directories: LabDirectories

  /// Starts the daemon unless it answers already; of several commands that find none, one starts it.
  ///
  /// - Throws: `UserError` with the daemon's last words when it ends at once, `unreachable` when one is there and silent.
  func ensure() async throws {
    if try await isThere() { return }
    try LabFolders.makeRoot(in: directories)
    let lock = try await FolderLock.wait(
      at: directories.stateRoot, seconds: Self.patience, "another `apus up` has been starting a daemon for too long")
    defer { withExtendedLifetime(lock) {} }
    if try await isThere() { return }
    // Until the daemon answers nobody else would remove the lab's folders; then it does so itself when nobody asks it for
    // the lab. Ctrl-C reaches it too, before it has a session of its own.
    let interrupts = HeldInterrupts()
    defer { interrupts.release() }
    do {
      try await begin()
    } catch {
      if interrupts.hasCome { clearAway() }
      throw error
    }
  }

  /// Starts the daemon, and returns when it answers.
  private func begin() async throws {
    let process: Process
    do {
      process = try start()
    } catch {
      clearAway()
      throw error
    }
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(Self.patience) {
      if await presence(within: Self.patience) == .answers { return }
      guard process.isRunning else { throw lastWords() }
      try await Task.sleep(for: .milliseconds(10))
    }
    process.terminate()
    throw UserError(
      .failed, "the daemon of lab \(name) does not answer after \(Int(Self.patience)) s",
      hint: "see \(directories.logFile(name))")
  }

  /// Removes what was made for a daemon that has not come to be; who calls it holds the lock.
  private func clearAway() {
    guard !isHeld, !FileManager.default.fileExists(atPath: directories.labFile(name)) else { return }
    LabFiles.removeOwn(name, in: directories)
    LabFiles.removeUnused(name, in: directories)
  }

  /// Whether the lab has a daemon that answers within some seconds.
  ///
  /// A daemon that is about to begin or to end is waited for; one that lives and cannot be reached is silent.
  func presence(within seconds: Double = answerLimit) async -> DaemonPresence {
    let client = ControlClient(socket: directories.controlSocket(name))
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      let left = max((end - ContinuousClock.now) / .seconds(1), 0)
      do {
        return try await client.ask(API.version, within: left) == nil
          ? .isSilent : .answers
      } catch let error as UserError where error.code == .unreachable {
        guard isHeld else { return .isAbsent }
        guard left > 0, (try? await Task.sleep(for: .milliseconds(20))) != nil else { return .isSilent }
      } catch {
        // One of another version has an answer that is not understood.
        return .answers
      }
    }
  }

  /// Whether the lab has a daemon that can be asked.
  /// - Throws: `UserError` (`unreachable`) when it has one that does not answer.
  func isThere() async throws -> Bool {
    switch await presence() {
    case .answers: return true
    case .isAbsent: return false
    case .isSilent:
      let process = LabDaemon.serving(name, in: directories).map { "process \($0.pid)" } ?? "its process is not known"
      throw UserError(
        .unreachable, "the daemon of lab \(name) (\(process)) has not answered for \(Int(Self.answerLimit)) s",
        hint: "was it stopped? `kill -CONT` lets it go on; `apus down \(name)` ends it and removes the lab")
    }
  }

  /// Ends a daemon that does not answer; the nodes stay as they are.
  /// - Throws: `UserError` when it cannot be found or does not end.
  func endSilent() async throws {
    guard let daemon = LabDaemon.serving(name, in: directories) else {
      throw UserError(
        .failed,
        "the daemon of lab \(name) does not answer, and \(directories.pidFile(name)) does not tell its process",
        hint: "end it by hand, then `apus down \(name)` again")
    }
    guard await daemon.kill() else {
      throw UserError(
        .failed, "the daemon of lab \(name) does not answer, and process \(daemon.pid) could not be ended")
    }
    let limit = Int(Self.answerLimit)
    Output.words("the daemon of lab \(name) (process \(daemon.pid)) has not answered for \(limit) s: ended")
  }

  /// Whether a process holds the lock on `apus.pid`, or may for all that this user can tell.
  private var isHeld: Bool {
    let path = directories.pidFile(name)
    guard FileManager.default.fileExists(atPath: path) else { return false }
    // Who may not open the file sees by the socket whether somebody listens.
    guard FileManager.default.isReadableFile(atPath: path) else {
      return !LabDaemon.hasDied(name, in: directories)
    }
    return FolderLock(tryingAt: path) == nil
  }

  /// Runs this program again as the daemon; it makes itself the leader of its own session.
  private func start() throws -> Process {
    try LabFolders.make(name, in: directories)
    let log = directories.logFile(name)
    if !FileManager.default.fileExists(atPath: log) {
      _ = FileManager.default.createFile(atPath: log, contents: nil, attributes: [.posixPermissions: 0o600])
    }
    guard let handle = FileHandle(forWritingAtPath: log) else {
      throw UserError(.failed, "cannot write the log \(log)", hint: "may this user write there?")
    }
    _ = try? handle.seekToEnd()
    let process = Process()
    process.executableURL = URL(filePath: Self.executable)
    process.arguments = ["daemon", "--lab", name]
    process.environment = environment
    process.currentDirectoryURL = URL(filePath: "/")
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    do {
      try process.run()
    } catch {
      throw UserError(.failed, "cannot start the daemon \(Self.executable): \(ErrorWords.ofFoundation(error))")
    }
    return process
  }

  /// The daemon runs in `/`: what is relative to the folder of this command is made absolute.
  private var environment: [String: String] {
    var variables = Variables.all
    // The daemon is told by its socket, so that what it starts does not have it.
    variables["APUS_HTTP_TOKEN"] = nil
    variables["APUS_STATE_DIR"] = directories.stateRoot
    variables["APUS_DATA_DIR"] = directories.dataRoot
    if let guest = Variables.value("GUEST_DIR"), !guest.hasPrefix("/") {
      variables["APUS_GUEST_DIR"] = "\(FileManager.default.currentDirectoryPath)/\(guest)"
    }
    return variables
  }

  private static var executable: String {
    let link = "/proc/self/exe"
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? link
    // A program that was built anew since runs on from the old file.
    return path.hasSuffix(" (deleted)") ? link : path
  }

  private func lastWords() -> UserError {
    let log = directories.logFile(name)
    let text = FileManager.default.contents(atPath: log).map { String(decoding: $0.suffix(2000), as: UTF8.self) } ?? ""
    let lines = text.split(separator: "\n").suffix(3).joined(separator: "\n  ")
    return UserError(.failed, "the daemon of lab \(name) ended at once", hint: lines.isEmpty ? "see \(log)" : lines)
  }
}
