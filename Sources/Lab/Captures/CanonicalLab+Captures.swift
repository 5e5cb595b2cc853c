import Capture
import Topology

extension CanonicalLab {
  /// What the head of a capture file says of the lab.
  /// - Parameter application: who writes it.
  func section(application: String) -> PcapngSection {
    var section = PcapngSection()
    section.application = application
    section.system = "Linux"
    section.comment = "lab \(name)"
    return section
  }

  /// Names of all stations and hosts, for those who read a capture.
  var captureNames: [PcapngName] {
    var settings = CaptureSettings()
    // Stations are called as their nodes; the NIC is added where a node has several.
    for node in nodes {
      settings.addNames(
        node.nics.map { ($0.mac, node.nics.count == 1 ? node.name : Names.port(node: node.name, nic: $0.name)) })
    }
    return settings.names + hosts
  }

  /// Hosts are called as their nodes, whichever of their NICs has the address.
  private var hosts: [PcapngName] {
    nodes.flatMap { node in
      node.nics.flatMap(\.addresses).compactMap(\.bytes).map { PcapngName(address: $0, name: node.name) }
    }
  }
}
