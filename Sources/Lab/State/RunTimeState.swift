import FoundationEssentials
import LinuxHost
import Topology

/// `runtime.json`: what was said at run time, which survives another `up` and the daemon's death.
struct RunTimeState: Codable, Sendable, Equatable {
  /// What was said of a link.
  struct Link: Codable, Sendable, Equatable {
    /// nil = as the file has it.
    var impair: ImpairmentPair?
    /// Ends whose carrier is down.
    var down: Set<String> = []
  }

  /// What was said of a port that the lab file has; nil = as there.
  struct Port: Codable, Sendable, Equatable {
    var mode: VLANMode?
    /// Bytes.
    var mtu: Int?
    var offload: NICDefinition.Offload?
    /// What was said of its rules, by the words of `RuleKey`.
    var rules: [String: String]?

    /// The mode that the port has: what was said before its switch came to have VLANs, or to have none, is void.
    func mode(insteadOf file: VLANMode) -> VLANMode {
      guard let mode, (mode == .transparent) == (file == .transparent) else { return file }
      return mode
    }

    /// `vlan 20, mtu 1400`.
    var words: String {
      let rules = RuleKey.allCases.compactMap { key in saidRules[key].map { "\(key.rawValue) \($0)" } }
      return
        ([mode?.words, mtu.map { "mtu \($0)" }, offload.map { "offload \($0.rawValue)" }].compactMap(\.self) + rules)
        .joined(separator: ", ")
    }
  }

  /// By the links' names.
  var links: [String: Link] = [:]
  /// Nodes that `stop` has stopped and that are no process.
  var stopped: Set<String> = []
  /// Ports that were added, in their order.
  var ports: [AddedPort] = []
  /// By the names of the lab's own ports.
  var settings: [String: Port] = [:]
  /// In the order in which they were said.
  var stations: [StaticStation] = []
  /// Of the API over TCP; nil = as the file has it.
  var http: HTTPOverride?

  init() {}

  private enum CodingKeys: String, CodingKey { case links, stopped, ports, settings, stations, http }

  /// What an earlier version wrote down says nothing of ports and stations.
  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    links = try container.decode([String: Link].self, forKey: .links)
    stopped = try container.decode(Set<String>.self, forKey: .stopped)
    ports = try container.decodeIfPresent([AddedPort].self, forKey: .ports) ?? []
    settings = try container.decodeIfPresent([String: Port].self, forKey: .settings) ?? [:]
    stations = try container.decodeIfPresent([StaticStation].self, forKey: .stations) ?? []
    http = try container.decodeIfPresent(HTTPOverride.self, forKey: .http)
  }

  /// Nothing was said, if nothing is written down or it cannot be read.
  static func read(_ lab: String, in directories: LabDirectories) -> RunTimeState {
    let bytes = Files.read(directories.runTimeFile(lab))
    return bytes.flatMap { try? JSONDecoder().decode(RunTimeState.self, from: Data($0)) } ?? RunTimeState()
  }

  func write(_ lab: String, in directories: LabDirectories) throws(UserError) {
    let folder = try LabFolders.state(of: lab, in: directories)
    guard self != RunTimeState() else { return try Files.remove(LabFile.runTime.rawValue, in: folder) }
    try Files.write(encoded(self), as: LabFile.runTime.rawValue, in: folder)
  }
}
