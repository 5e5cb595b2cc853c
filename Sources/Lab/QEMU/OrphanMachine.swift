import LinuxHost

/// A QEMU with a socket in our state folder that no lab has written down: its daemon died while it started it.
struct OrphanMachine: Sendable {
  /// As QEMU was told: `apus-LAB-NODE`.
  var name: String
  var lab: String
  var process: ProcessIdentity

  /// All of labs in these folders; machines of other state folders are nobody's business here.
  ///
  /// What a living daemon is about to write down looks the same: the caller knows whether there is one.
  static func find(in directories: LabDirectories) -> [OrphanMachine] {
    let known = Set(directories.runningLabs().flatMap { recorded($0, directories) })
    return HostFacts.entries(of: "/proc").compactMap { entry in
      guard let pid = Int32(entry), !known.contains(pid), let text = HostFacts.text(ofFile: "/proc/\(pid)/cmdline"),
        let (name, lab) = machine(text.split(separator: "\0").map { String($0) }, directories),
        let process = ProcessIdentity.of(pid: pid)
      else { return nil }
      return OrphanMachine(name: name, lab: lab, process: process)
    }
  }

  /// Ends it, by force if it does not listen; false if it still runs.
  func end() async -> Bool { await process.endMachine() }

  /// Name and lab of one of our machines, by its command line.
  private static func machine(_ words: [String], _ directories: LabDirectories) -> (name: String, lab: String)? {
    let prefix = "path=\(directories.stateRoot)/"
    guard words.first?.hasSuffix("qemu-system-x86_64") ?? false,
      let name = words.first(where: { $0.hasPrefix("guest=apus-") }),
      let socket = words.lazy.compactMap({ $0.split(separator: ",").first { $0.hasPrefix(prefix) } }).first
    else { return nil }
    return (
      String(name.dropFirst("guest=".count).prefix { $0 != "," }),
      String(socket.dropFirst(prefix.count).prefix { $0 != "/" })
    )
  }

  /// Processes that a lab has written down.
  private static func recorded(_ lab: String, _ directories: LabDirectories) -> [Int32] {
    HostFacts.entries(of: directories.state(lab)).compactMap { node in
      NodeRecord.read(NodePaths(directories: directories, lab: lab, node: node))?.process?.pid
    }
  }
}
