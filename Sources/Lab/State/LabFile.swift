import LinuxHost

/// What lies in a lab's own folders beside the folders of its nodes and the sockets of its ports.
///
/// What is not listed here or in `NodeFile` is not ours, and is never removed: a new file is a new case.
enum LabFile: String, CaseIterable {
  case control = "control.sock"
  case pid = "apus.pid"
  case lab = "lab.json"
  case runTime = "runtime.json"
  /// Interfaces of this host that added ports have taken, and how they were.
  case interfaces = "interfaces.json"
  /// The secret of the API over TCP.
  case token = "http.token"
  /// Where a folder of the lab is that is being written, or the saved one from which it is about to go on,
  /// `UnfinishedSave`.
  case saving = "saving.json"
  case log = "apus.log"

  var kind: Folder.Kind { self == .control ? .socket : .file }
}

/// What lies in a node's folders.
enum NodeFile: String, CaseIterable {
  case pid
  case record = "node.json"
  /// Interfaces of this host that it has taken, and how they were.
  case interfaces = "interfaces.json"
  case consoleSocket = "console.sock"
  case monitorSocket = "qmp.sock"
  case agentSocket = "agent.sock"
  /// Those of the QEMU to which the machine moves, until it is there; no longer than theirs, as paths have an end.
  case newConsoleSocket = "console.new"
  case newMonitorSocket = "qmp.new"
  case newAgentSocket = "agent.new"
  /// By which the machine moves.
  case moveSocket = "move.sock"
  case consoleLog = "console.log"
  /// What was capped of it.
  case olderConsoleLog = "console.log.1"
  case processLog = "qemu.log"
  /// On their way into a container.
  case files = "files.tar"
  /// `/etc/hosts` of a container.
  case hosts
  case disk = "disk.qcow2"
  case unfinishedDisk = "disk.qcow2.new"
  /// What the machine writes while it is saved, and that file once it is in the disk; `DiskLayers`.
  case layer = "disk.qcow2.layer"
  case mergedLayer = "disk.qcow2.merged"
  /// Is there while the disk outlives the lab.
  case persistMark = "disk.persist"
  case imageRecord = "disk.image"
  /// What UEFI remembers.
  case variables = "uefi-vars.fd"
  /// The server of a VLAN: what it is told, what it has given out, what it says, its process.
  case serverConfiguration = "dnsmasq.conf"
  case leases = "dhcp.leases"
  case serverLog = "dnsmasq.log"
  case olderServerLog = "dnsmasq.log.1"
  case serverPID = "dnsmasq.pid"
  case seed = "seed.iso"
  /// What the seed is being made of.
  case seedFiles = "seed.iso.files"
  case environment = "ovf-env.iso"
  /// What that is being made of.
  case environmentFiles = "ovf-env.iso.files"

  var kind: Folder.Kind {
    switch self {
    case .consoleSocket, .monitorSocket, .agentSocket, .newConsoleSocket, .newMonitorSocket, .newAgentSocket,
      .moveSocket:
      .socket
    case .seedFiles, .environmentFiles: .folder
    default: .file
    }
  }

  /// What stays as long as `persistMark` is there.
  static func persists(_ name: String) -> Bool {
    let first: [NodeFile] = [.disk, .imageRecord, .persistMark, .variables, .layer]
    return first.contains { $0.rawValue == name } || DiskFiles.isKept(name)
  }
}
