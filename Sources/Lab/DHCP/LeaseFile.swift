import Frames
import Topology

/// What dnsmasq has given out: a line a lease, `EXPIRY MAC ADDRESS NAME CLIENT`.
enum LeaseFile {
  /// A file without the leases of addresses that belong to others now: who has the address in the lab would not get it.
  static func text(_ text: String, for hosts: [DHCPDefinition.Host]) -> String {
    var owners: [String: Set<MACAddress>] = [:]
    for host in hosts {
      for address in host.addresses { owners[address, default: []].insert(host.mac) }
    }
    let lines = text.split(separator: "\n").filter { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 3, let owner = owners[String(fields[2])] else { return true }
      return MACAddress(fields[1]).map { owner.contains($0) } ?? false
    }
    return lines.map { "\($0)\n" }.joined()
  }
}
