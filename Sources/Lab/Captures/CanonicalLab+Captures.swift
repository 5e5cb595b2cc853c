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
    settings.addNames(stations)
    return settings.names + hosts
  }

  /// Stations are called as their nodes; the NIC is added where a node has several.
  private var stations: [(address: String, name: String)] {
    nodes.flatMap { node in
      node.nics.map { ($0.mac, node.nics.count == 1 ? node.name : "\(node.name).\($0.name)") }
    }
  }

  /// Hosts are called as their nodes, whichever of their NICs has the address.
  private var hosts: [PcapngName] {
    nodes.flatMap { node in
      node.nics.flatMap(\.addresses).compactMap(\.bytes).map { PcapngName(address: $0, name: node.name) }
    }
  }
}
