import FoundationEssentials
import Glibc
import LinuxHost
import Topology

/// Where labs keep what is running (state: sockets, process ids) and what lasts longer (data: logs, disks).
package struct LabDirectories: Sendable, Equatable {
  /// Absolute; `/run/apus` for root.
  package var stateRoot: String
  /// Absolute; `/var/lib/apus` for root.
  package var dataRoot: String

  package init(stateRoot: String, dataRoot: String) {
    self.stateRoot = stateRoot
    self.dataRoot = dataRoot
  }

  /// The folders that these environment variables and this user select.
  ///
  /// Empty variables count as not set.
  package static func resolve(environment: [String: String]) -> LabDirectories {
    resolve(environment: environment, isRoot: HostFacts.isRoot, user: getuid())
  }

  static func resolve(environment: [String: String], isRoot: Bool, user: UInt32) -> LabDirectories {
    func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : absolute($0) } }
    // XDG base directory specification: relative paths in these variables are to be ignored.
    func xdg(_ key: String) -> String? { environment[key].flatMap { $0.hasPrefix("/") ? absolute($0) : nil } }
    let state =
      value("APUS_STATE_DIR")
      ?? (isRoot ? "/run/apus" : "\(xdg("XDG_RUNTIME_DIR") ?? "/run/user/\(user)")/apus")
    let data =
      value("APUS_DATA_DIR")
      ?? (isRoot
        ? "/var/lib/apus" : "\(xdg("XDG_STATE_HOME") ?? "\(xdg("HOME") ?? "/var/tmp/\(user)")/.local/state")/apus")
    return LabDirectories(stateRoot: state, dataRoot: data)
  }

  /// `path` made absolute against the current folder, without trailing slashes.
  private static func absolute(_ path: String) -> String {
    var path = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  /// Folder of what is running of a lab.
  package func state(_ lab: String) -> String { "\(stateRoot)/\(lab)" }
  /// Folder of the memory of all labs' machines, on a file system that lies in memory itself.
  ///
  /// One for each place of labs, so that labs of one name do not meet.
  package var memoryRoot: String { "\(Self.sharedMemory)/\(memoryFolder)" }
  /// Its name in `sharedMemory`.
  var memoryFolder: String {
    guard stateRoot != "/run/apus" else { return "apus" }
    let digits = String(StableHash.of(stateRoot.utf8), radix: 16)
    return "apus-" + String(repeating: "0", count: 16 - digits.count) + digits
  }
  /// Where every user may have files that lie in memory.
  static let sharedMemory = "/dev/shm"
  /// Folder of the memory of a lab's machines: a file each, called as the node is.
  package func memory(_ lab: String) -> String { "\(memoryRoot)/\(lab)" }
  /// Folder of a lab's logs and disks.
  package func data(_ lab: String) -> String { "\(dataRoot)/\(lab)" }
  package func controlSocket(_ lab: String) -> String { path(.control, in: state(lab)) }
  package func pidFile(_ lab: String) -> String { path(.pid, in: state(lab)) }
  /// Canonical form of what is running.
  package func labFile(_ lab: String) -> String { path(.lab, in: state(lab)) }
  /// What was said of the lab at run time.
  package func runTimeFile(_ lab: String) -> String { path(.runTime, in: state(lab)) }
  /// The secret by which the API is used over TCP, where the daemon keeps it.
  package func tokenFile(_ lab: String) -> String { path(.token, in: state(lab)) }
  package func logFile(_ lab: String) -> String { path(.log, in: data(lab)) }

  private func path(_ file: LabFile, in folder: String) -> String { "\(folder)/\(file.rawValue)" }

  /// Names of the labs that run or were left behind: folders with a `lab.json`, sorted; none for a user who may pass
  /// through the folder of labs and not list it.
  package func runningLabs() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: stateRoot)) ?? []
    return names.filter { hasLab($0) }.sorted()
  }

  /// Whether a lab runs or was left behind; known also to who may not list the folder of labs.
  package func hasLab(_ name: String) -> Bool {
    Names.validLab(name) && FileManager.default.fileExists(atPath: labFile(name))
  }

  /// The running labs, or the one that was asked for.
  /// - Throws: `UserError` when this user may not list them, and has asked for none, or for one that is not there.
  package func labs(asked: String?) throws(UserError) -> [String] {
    // Whoever chooses among them says what is wrong with the name.
    if let asked, !Names.validLab(asked) { return [] }
    if let asked, hasLab(asked) { return [asked] }
    guard !Self.isReadable(stateRoot) else { return runningLabs() }
    if let asked { throw UserError(.notFound, "no lab \"\(asked)\"") }
    throw UserError(
      .failed, "this user may not list the labs in \(stateRoot)", hint: "name the lab: --lab NAME, or APUS_LAB")
  }

  /// Whether this user can see what lies in the folders of all labs.
  package var areReadable: Bool { Self.isReadable(stateRoot) && Self.isReadable(dataRoot) }

  private static func isReadable(_ path: String) -> Bool {
    let manager = FileManager.default
    return !manager.fileExists(atPath: path) || manager.isReadableFile(atPath: path)
  }
}

/// The files of one node.
struct NodePaths: Sendable {
  let directories: LabDirectories
  let lab: String
  let node: String
  let stateDirectory: String
  let dataDirectory: String

  init(directories: LabDirectories, lab: String, node: String) {
    self.directories = directories
    self.lab = lab
    self.node = node
    stateDirectory = "\(directories.state(lab))/\(node)"
    dataDirectory = "\(directories.data(lab))/\(node)"
  }

  /// Process id alone, for people and scripts.
  var pidFile: String { state(.pid) }
  /// What `NodeRecord` holds.
  var recordFile: String { state(.record) }
  var consoleSocket: String { state(.consoleSocket) }
  var monitorSocket: String { state(.monitorSocket) }
  var agentSocket: String { state(.agentSocket) }
  /// The sockets of the QEMU to which the machine moves.
  var newConsoleSocket: String { state(.newConsoleSocket) }
  var newMonitorSocket: String { state(.newMonitorSocket) }
  var newAgentSocket: String { state(.newAgentSocket) }
  /// By which it moves.
  var moveSocket: String { state(.moveSocket) }
  var consoleLog: String { data(.consoleLog) }
  /// What the machine has as memory, where that is a file.
  var memory: String { "\(directories.memory(lab))/\(node)" }
  /// What a machine from an image has written.
  var overlay: String { data(.disk) }
  /// The same of one of its disks, counted from 1.
  func disk(_ number: Int) -> String { "\(dataDirectory)/\(DiskFiles(number: number).disk)" }
  /// What a guest from an appliance is told.
  var environment: String { data(.environment) }
  /// Is there while `overlay` outlives the lab.
  var persistMark: String { data(.persistMark) }
  /// Which image `overlay` was made over, as `ImageIdentity` has it.
  var imageRecord: String { data(.imageRecord) }
  /// What cloud-init is told.
  var seed: String { data(.seed) }
  /// What UEFI remembers.
  var variables: String { data(.variables) }
  /// What the server of a VLAN is told.
  var serverConfiguration: String { data(.serverConfiguration) }
  /// What it has given out.
  var leases: String { data(.leases) }
  /// What it says.
  var serverLog: String { data(.serverLog) }
  var serverPID: String { state(.serverPID) }
  /// What a container has at `/etc/hosts`.
  var hosts: String { data(.hosts) }
  /// What QEMU itself says.
  var processLog: String { data(.processLog) }

  private func state(_ file: NodeFile) -> String { "\(stateDirectory)/\(file.rawValue)" }
  private func data(_ file: NodeFile) -> String { "\(dataDirectory)/\(file.rawValue)" }
}
