import LinuxHost
import Topology

/// What a lab has that an added port has too.
enum PortCollision: Sendable, Equatable {
  /// Something of the lab is called so: `node`, `switch`, `link`, `port`.
  case name(of: String)
  /// The lab has no such switch.
  case noSwitch
  /// A node of the lab makes an interface of that name.
  case interface(of: String)
  /// A NIC of the lab has a socket at that path.
  case socket(of: String)
}

extension AddedPort {
  /// Why the port and a lab cannot be at the same time; nil as a rule.
  /// - Parameter folder: of the lab's sockets that the file does not name.
  func collision(with lab: CanonicalLab, folder: String) -> PortCollision? {
    if lab.nodes.contains(where: { $0.name == name }) { return .name(of: "node") }
    if lab.switches.contains(where: { $0.name == name }) { return .name(of: "switch") }
    if lab.links.contains(where: { $0.name == name }) { return .name(of: "link") }
    guard lab.switches.contains(where: { $0.name == switchName }) else { return .noSwitch }
    let isInterface = AddedPortKind.named(kind)?.isInterface ?? false
    for node in lab.nodes {
      for nic in node.nics {
        let port = Names.port(node: node.name, nic: nic.name)
        if port == name { return .name(of: "NIC") }
        if isInterface, namespace == nil, node.traits.isOnHost, nic.name == target { return .interface(of: port) }
        guard !isInterface, node.traits.hasSockets else { continue }
        let path = nic.socket ?? "\(folder)/\(PortName.nic(node: node.name, nic: nic.name).socketFile)"
        if path == target { return .socket(of: port) }
      }
    }
    return nil
  }

  /// Why the port cannot be added to a lab; nil = it can.
  /// - Parameters:
  ///   - isComing: the lab is being made true, and is not yet.
  ///   - others: ports that were added before.
  func obstacle(
    in lab: CanonicalLab, isComing: Bool, folder: String, others: [AddedPort]
  ) -> UserError? {
    let lead = isComing ? "lab \(lab.name) is being changed, and " : ""
    switch collision(with: lab, folder: folder) {
    case .name(let what):
      return UserError(
        .badInput, "\(lead)the name \(name) is taken by a \(what) of lab \(lab.name)", hint: "choose another name")
    case .noSwitch: return UserError(.notFound, "\(lead)its switch \(switchName) goes")
    case .interface(let port):
      return UserError(.badInput, "\(lead)the interface \(target) is that of port \(port)", hint: "choose another one")
    case .socket(let port):
      return UserError(.badInput, "\(lead)the socket \(target) is that of port \(port)", hint: "choose another path")
    case nil: break
    }
    if others.contains(where: { $0.name == name }) {
      return UserError(
        .badInput, "there is a port \(name) already, which was added at run time",
        hint: "choose another name, or `apus port remove \(name)`")
    }
    let isInterface = AddedPortKind.named(kind)?.isInterface ?? false
    let other = others.first {
      $0.target == target && $0.namespace == namespace
        && AddedPortKind.named($0.kind)?.isInterface ?? false == isInterface
    }
    return other.map {
      UserError(.badInput, "\(isInterface ? "the interface" : "the socket") \(target) is that of port \($0.name)")
    }
  }
}

extension RunTimeState {
  /// Why a lab cannot be made true beside the ports that were added; nil as a rule.
  ///
  /// - Parameter folder: of the lab's sockets that the file does not name.
  func conflict(with lab: CanonicalLab, folder: String) -> UserError? {
    for port in ports {
      guard let collision = port.collision(with: lab, folder: folder) else { continue }
      let added = "port \(port.name), which was added at run time"
      let message: String
      switch collision {
      case .name(let what):
        message = "the name of \(what) \"\(port.name)\" is that of \(added) (\(DiagnosticCode.collision.rawValue))"
      case .noSwitch: message = "switch \(port.switchName) cannot go: on it is \(added)"
      case .interface(let nic):
        message =
          "the interface \"\(port.target)\" of \(nic) is that of \(added) (\(DiagnosticCode.hostInterface.rawValue))"
      case .socket(let nic):
        message = "the socket \"\(port.target)\" of \(nic) is that of \(added) (\(DiagnosticCode.usedTwice.rawValue))"
      }
      return UserError(
        .failed, "lab \(lab.name): \(message)",
        hint: "`apus port remove \(port.name)` first, or `apus up --reset`, which removes all that was said at run time"
      )
    }
    return ruleConflict(with: lab)
  }
}
