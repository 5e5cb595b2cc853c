import Dataplane
import Topology

/// Which ports a capture's targets stand for.
struct CaptureTargets {
  let lab: CanonicalLab

  /// Names of the ports of a target among those that are there.
  /// - Returns: nil for a name that nothing in the lab has.
  func ports(of target: String, among ports: [PortStatus]) -> [String]? {
    if target == "all" { return ports.filter { $0.kind != .patch }.map(\.name) }
    if let port = PortName.find(target, in: ports, by: \.name) { return [port.name] }
    if let link = lab.links.first(where: { $0.name == target }) { return self.ports(of: link) }
    if lab.nodes.contains(where: { $0.name == target }) {
      return ports.filter { PortName($0.name)?.node == target }.map(\.name)
    }
    if lab.switches.contains(where: { $0.name == target }) {
      return ports.filter { $0.switchName == target }.map(\.name)
    }
    return nil
  }

  /// Whether a target is one port, by either way to write it.
  func isPort(_ target: String, in ports: [String]) -> Bool {
    PortName.find(target, in: ports, by: \.self) != nil
  }

  /// Every target is a wire or a trunk: then a frame is taken once, at the end that sends it.
  func areLinks(_ targets: [String]) -> Bool {
    targets.allSatisfy { target in lab.links.contains { $0.name == target } }
  }

  private func ports(of link: LinkDefinition) -> [String] {
    link.ends.map { end in
      switch end {
      case .nic(let node, let nic): Names.port(node: node, nic: nic)
      case .switchPort(let name): PortName.end(switch: name, link: link.name).description
      }
    }
  }

  /// All names that a target may be, for a message.
  func known(_ ports: [PortStatus]) -> String {
    let names = ["all"] + lab.switches.map(\.name) + lab.nodes.map(\.name) + lab.links.map(\.name) + ports.map(\.name)
    return names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", ..." : "")
  }
}
