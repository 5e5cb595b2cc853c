import FoundationEssentials
import LinuxHost
import Topology

/// `/etc/hosts` of a lab's containers: the names of its nodes, as `NODE` and `NODE.LAB`.
enum HostsFile {
  /// Its owner may write it; programs of every user in the container read it.
  private static let mode: UInt32 = 0o644

  static func text(of lab: CanonicalLab) -> String {
    var lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    for node in lab.nodes {
      for address in node.nics.flatMap(\.addresses) {
        lines.append("\(address.address.prefix { $0 != "/" }) \(node.name) \(node.name).\(lab.name)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes it into the file that is there, as containers that run have that very file mounted.
  static func write(_ lab: CanonicalLab, _ paths: NodePaths) throws(UserError) {
    let folder = try LabFolders.makeData(paths)
    let text = Data(text(of: lab).utf8)
    // Programs of the container may have made it as long as they like.
    if let old = folder.read(NodeFile.hosts.rawValue, limit: text.count + 1), Data(old) == text { return }
    do {
      if Files.exists(paths.hosts) {
        try text.write(to: URL(filePath: paths.hosts))
      } else {
        try folder.write(NodeFile.hosts.rawValue, Array(text), mode: mode)
      }
    } catch {
      throw UserError(.failed, "cannot write \(paths.hosts): \(ErrorWords.of(error))")
    }
  }
}
