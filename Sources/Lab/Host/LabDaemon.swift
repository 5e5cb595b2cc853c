import FoundationEssentials
import Glibc
import LinuxHost
import Topology

/// Whether a lab has a daemon, as one sees it who asks it something.
package enum DaemonPresence: Sendable {
  case answers
  /// It lives and does not answer: it was stopped (SIGSTOP, a debugger), hangs, or has lost its socket.
  case isSilent
  case isAbsent
}

/// The process of a lab's daemon, for those who cannot reach it by its API.
package struct LabDaemon: Sendable {
  /// Seconds that a daemon may take to take its lab down.
  private static let takeDownLimit = 60.0
  /// Seconds that a process takes at most to end once it has removed its files, or was killed.
  private static let endLimit = 5.0

  package let lab: String
  let process: ProcessIdentity

  package var pid: Int32 { process.pid }

  private init(lab: String, process: ProcessIdentity) {
    self.lab = lab
    self.process = process
  }

  /// The process that `apus.pid` names; nil if there is none, or it does not hold that file open as a daemon does.
  package static func serving(_ lab: String, in directories: LabDirectories) -> LabDaemon? {
    guard let text = HostFacts.text(ofFile: directories.pidFile(lab)),
      let pid = Int32(text.prefix { !$0.isWhitespace }), let process = ProcessIdentity.of(pid: pid)
    else { return nil }
    let path = "\(resolved(directories.stateRoot))/\(lab)/apus.pid"
    return openFiles(of: pid).contains(path) ? LabDaemon(lab: lab, process: process) : nil
  }

  /// Whether the control socket is one on which nobody listens any more.
  package static func hasDied(_ lab: String, in directories: LabDirectories) -> Bool {
    do throws(SystemError) {
      _ = try UnixSocket.connect(path: directories.controlSocket(lab))
      return false
    } catch {
      return error.code == ECONNREFUSED
    }
  }

  /// Daemons that live on although their lab's folder was removed under them: nobody reaches them by it any more.
  ///
  /// Known by the file `apus.pid`, which a daemon holds open; those that are about to end are waited for.
  /// - Parameter wanted: the lab; nil = all of these directories.
  static func lost(_ wanted: String? = nil, in directories: LabDirectories) async -> [LabDaemon] {
    let root = resolved(directories.stateRoot)
    var lost: [LabDaemon] = []
    for entry in HostFacts.entries(of: "/proc") {
      guard let pid = Int32(entry), HostFacts.text(ofFile: "/proc/\(pid)/comm") == "apus\n",
        let process = ProcessIdentity.of(pid: pid), let lab = lostLab(of: pid, root), wanted == nil || wanted == lab
      else { continue }
      if await !process.wait(timeoutSeconds: endLimit) { lost.append(LabDaemon(lab: lab, process: process)) }
    }
    return lost
  }

  /// As the kernel writes it: without symbolic links, `.` and `..`.
  private static func resolved(_ folder: String) -> String {
    URL(filePath: folder, directoryHint: .notDirectory).standardizedFileURL.resolvingSymlinksInPath().path
  }

  /// Paths of what a process has open, with ` (deleted)` behind those that were removed.
  private static func openFiles(of pid: Int32) -> [String] {
    HostFacts.entries(of: "/proc/\(pid)/fd").compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)")
    }
  }

  /// The lab of which a process holds the removed file.
  private static func lostLab(of pid: Int32, _ root: String) -> String? {
    let (prefix, suffix) = ("\(root)/", "/apus.pid (deleted)")
    return openFiles(of: pid).lazy.filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }
      .map { String($0.dropFirst(prefix.count).dropLast(suffix.count)) }.first { Names.valid($0) }
  }

  /// Has it take its lab down, also if it was stopped.
  /// - Throws: `UserError` if it does not end by itself; then it is ended by force, and what it knew of is left.
  func takeLabDown() async throws(UserError) {
    process.signal(SIGINT)
    process.signal(SIGCONT)
    if await process.wait(timeoutSeconds: Self.takeDownLimit) { return }
    let isEnded = await kill()
    let left = NetworkNamespace.names().filter { $0.hasPrefix("apus-\(lab)-") }
    throw UserError(
      .failed, "process \(pid), daemon of lab \(lab), did not take it down; it was \(isEnded ? "ended" : "not ended")",
      hint: left.isEmpty ? nil : "left: namespaces \(left.joined(separator: ", ")); `ip netns delete NAME` removes them"
    )
  }

  /// Whether it has ended, or does so within some seconds.
  package func hasEnded(within seconds: Double) async -> Bool { await process.wait(timeoutSeconds: seconds) }

  /// Ends it at once and leaves its nodes as they are; false if it still runs.
  package func kill() async -> Bool {
    process.signal(SIGKILL)
    return await process.wait(timeoutSeconds: Self.endLimit)
  }
}
