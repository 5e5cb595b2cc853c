import Control
import Foundation
import Lab

/// The daemon of a lab, as seen by the command that needs it.
struct DaemonProcess {
  /// Seconds that a daemon may take until it answers.
  private static let patience = 15.0
  /// Seconds after which a daemon that does not answer counts as silent; it answers at once however much it has to do.
  static let answerLimit = 10.0

  let name: String
  let directories: LabDirectories

  /// Starts the daemon unless it answers already; of several commands that find none, one starts it.
  ///
  /// - Throws: `UserError` with the daemon's last words when it ends at once, `unreachable` when one is there and silent.
  func ensure() async throws {
    if try await isThere() { return }
    try makeFolder(directories.stateRoot)
    let lock = try await FolderLock.wait(
      at: directories.stateRoot, seconds: Self.patience, "another `apus up` has been starting a daemon for too long")
    defer { withExtendedLifetime(lock) {} }
    if try await isThere() { return }
    let process = try start()
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

  /// Whether the lab has a daemon that answers within some seconds.
  func presence(within seconds: Double = answerLimit) async -> DaemonPresence {
    let client = ControlClient(socket: directories.controlSocket(name))
    do {
      let version = try await client.get(ControlPath.version, as: VersionRow.self, within: seconds)
      return version == nil ? .isSilent : .answers
    } catch let error as UserError where error.code == .unreachable {
      return .isAbsent
    } catch {
      // One of another version has an answer that is not understood.
      return .answers
    }
  }

  private func isThere() async throws -> Bool {
    switch await presence() {
    case .answers: return true
    case .isAbsent: return false
    case .isSilent:
      let process = holder.map { "process \($0)" } ?? "its process is not known"
      throw UserError(
        .unreachable, "the daemon of lab \(name) (\(process)) has not answered for \(Int(Self.answerLimit)) s",
        hint: "was it stopped? `kill -CONT` lets it go on; `apus down \(name)` ends it and removes the lab")
    }
  }

  /// Ends a daemon that does not answer; the nodes stay as they are.
  /// - Throws: `UserError` when it cannot be found or does not end.
  func endSilent() async throws {
    guard let pid = holder, let daemon = LabDaemon(lab: name, pid: pid), await daemon.kill() else {
      throw UserError(.unreachable, "the daemon of lab \(name) does not answer, and could not be ended")
    }
    Output.words("the daemon of lab \(name) (process \(pid)) has not answered for \(Int(Self.answerLimit)) s: ended")
  }

  /// The process that holds the lock on the lab's `apus.pid`.
  private var holder: Int32? {
    let path = directories.pidFile(name)
    guard FolderLock(tryingAt: path) == nil, let text = FileManager.default.contents(atPath: path) else { return nil }
    return Int32(String(decoding: text, as: UTF8.self).prefix { !$0.isWhitespace })
  }

  /// Runs this program again as the daemon; it makes itself the leader of its own session.
  private func start() throws -> Process {
    try makeFolder(directories.data(name))
    let log = directories.logFile(name)
    if !FileManager.default.fileExists(atPath: log) { _ = FileManager.default.createFile(atPath: log, contents: nil) }
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
      throw UserError(.failed, "cannot start the daemon \(Self.executable): \(error)")
    }
    return process
  }

  /// The daemon runs in `/`: what is relative to the folder of this command is made absolute.
  private var environment: [String: String] {
    var variables = Variables.all
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

  private func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw UserError(
        .failed, "cannot make the folder \(path): \(error.localizedDescription)",
        hint: "run as root, or set APUS_STATE_DIR and APUS_DATA_DIR to folders of your own")
    }
  }

  private func lastWords() -> UserError {
    let log = directories.logFile(name)
    let text = FileManager.default.contents(atPath: log).map { String(decoding: $0.suffix(2000), as: UTF8.self) } ?? ""
    let lines = text.split(separator: "\n").suffix(3).joined(separator: "\n  ")
    return UserError(.failed, "the daemon of lab \(name) ended at once", hint: lines.isEmpty ? "see \(log)" : lines)
  }
}
