import FoundationEssentials
import Glibc
import LinuxHost
import Topology

/// Whether a lab has a daemon, as one sees it who asks it something.
package enum DaemonPresence: Sendable {
  case answers
  /// It takes requests and never answers: it was stopped (SIGSTOP, a debugger), or hangs.
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

  /// - Returns: nil when there is no such process.
  package init?(lab: String, pid: Int32) {
    guard let process = ProcessIdentity.of(pid: pid) else { return nil }
    self.init(lab: lab, process: process)
  }

  private init(lab: String, process: ProcessIdentity) {
    self.lab = lab
    self.process = process
  }

  /// Daemons that live on although their lab's folder was removed under them: nobody reaches them by it any more.
  ///
  /// Known by the file `apus.pid`, which a daemon holds open; those that are about to end are waited for.
  static func lost(in directories: LabDirectories) async -> [LabDaemon] {
    var lost: [LabDaemon] = []
    for entry in HostFacts.entries(of: "/proc") {
      guard let pid = Int32(entry), HostFacts.text(ofFile: "/proc/\(pid)/comm") == "apus\n",
        let lab = lostLab(of: pid, directories), let daemon = LabDaemon(lab: lab, pid: pid)
      else { continue }
      if await !daemon.process.wait(timeoutSeconds: endLimit) { lost.append(daemon) }
    }
    return lost
  }

  /// The lab of which a process holds the removed file.
  private static func lostLab(of pid: Int32, _ directories: LabDirectories) -> String? {
    let (prefix, suffix) = ("\(directories.stateRoot)/", "/apus.pid (deleted)")
    for descriptor in HostFacts.entries(of: "/proc/\(pid)/fd") {
      let path = "/proc/\(pid)/fd/\(descriptor)"
      guard let file = try? FileManager.default.destinationOfSymbolicLink(atPath: path),
        file.hasPrefix(prefix), file.hasSuffix(suffix)
      else { continue }
      let lab = String(file.dropFirst(prefix.count).dropLast(suffix.count))
      if Names.valid(lab) { return lab }
    }
    return nil
  }

  /// Has it take its lab down, and ends it by force if it does not; false if it still runs.
  func takeLabDown() async -> Bool {
    process.signal(SIGINT)
    if await process.wait(timeoutSeconds: Self.takeDownLimit) { return true }
    return await kill()
  }

  /// Ends it at once and leaves its nodes as they are; false if it still runs.
  package func kill() async -> Bool {
    process.signal(SIGKILL)
    return await process.wait(timeoutSeconds: Self.endLimit)
  }
}
