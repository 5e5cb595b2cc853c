import Topology

extension CanonicalLab {
  /// Why such a lab is not begun, though its names are safe: no lab file is made into one like it; nil as a rule.
  ///
  /// One that an earlier version began is read all the same, so that it can be taken down.
  var whatNoFileHas: String? {
    wrongNameOfJoint ?? doubledName ?? brokenReference ?? wrongContainer ?? wrongSetup ?? wrongRules
  }

  /// What is wrong with the first thing that leads nowhere; nil as a rule, and always for a lab that comes from a file.
  ///
  /// With the codes of the lab file.
  private var brokenReference: String? {
    var joined: [LinkEnd: String] = [:]
    for link in links {
      if let complaint = broken(link) { return complaint }
      guard link.kind == .wire else { continue }
      for end in link.ends {
        guard let other = joined.updateValue(link.name, forKey: end) else { continue }
        return usedTwice(end, by: "link \"\(other)\"", "link \"\(link.name)\"")
      }
    }
    for node in nodes {
      for nic in node.nics {
        let end = LinkEnd.nic(node: node.name, nic: nic.name)
        if let complaint = broken(nic.attachment, of: end, wire: joined.removeValue(forKey: end)) { return complaint }
      }
    }
    let missing = joined.min { $0.key.text < $1.key.text }
    return missing.map { "link \"\($0.value)\": unknown NIC \"\($0.key.text)\" (\(Self.unknown))" } ?? socketUsedTwice
  }

  /// What engines would take for something else; names of the kind's own keys come from a file or the API.
  private var wrongContainer: String? {
    for node in nodes where node.kind == NodeKind.container.word {
      let container = node.container ?? ContainerDefinition()
      if let name = container.attach {
        guard !ContainerNames.isContainer(name) else { continue }
        return "node \(node.name): \"\(name)\" is no name of a container (\(DiagnosticCode.type.rawValue))"
      }
      guard ContainerNames.isImage(node.image ?? "") else {
        return "node \(node.name): \"\(node.image ?? "")\" is no name of an image (\(DiagnosticCode.type.rawValue))"
      }
      if let name = container.env.keys.sorted().first(where: { !ContainerNames.isVariable($0) }) {
        return "node \(node.name): \"\(name)\" is no name of a variable (\(DiagnosticCode.name.rawValue))"
      }
    }
    return nil
  }

  /// What a node's system is told that no lab file can say; keys and paths become those of files.
  private var wrongSetup: String? {
    for node in nodes {
      guard let setup = node.setup else { continue }
      let traits = node.traits
      let keys = setup.keys.filter { !traits.keys.contains($0) }
      if let key = keys.first {
        return "node \(node.name): \(key) is no key of kind \(node.kind) (\(DiagnosticCode.misplacedKey.rawValue))"
      }
      guard !traits.isMachine || node.disk == nil, node.container?.attach == nil else {
        return
          "node \(node.name): \(setup.keys[0]) of what Apus does not set up (\(DiagnosticCode.contradiction.rawValue))"
      }
      for setting in setup.sysctl {
        let isOfHost = !traits.isMachine && !setting.key.hasPrefix(SetupNames.namespaceKeys)
        guard SetupNames.kernelKey(setting.key) != setting.key || isOfHost else { continue }
        return "node \(node.name): \"\(setting.key)\" is no key of sysctl there (\(DiagnosticCode.name.rawValue))"
      }
      if let setting = setup.sysctl.first(where: { !SetupNames.isKernelValue($0.value) }) {
        return "node \(node.name): sysctl \(setting.key) has no value of one line (\(DiagnosticCode.type.rawValue))"
      }
      if let file = setup.files.first(where: { !SetupNames.isPath($0.path) }) {
        return "node \(node.name): \"\(file.path)\" is no path in a node (\(DiagnosticCode.name.rawValue))"
      }
      guard setup.exec.allSatisfy({ SetupNames.isLine($0) }) else {
        return "node \(node.name): an empty line to run (\(DiagnosticCode.type.rawValue))"
      }
    }
    return nil
  }

  private static var unknown: String { DiagnosticCode.unknownName.rawValue }

  private func isSwitch(_ name: String) -> Bool { switches.contains { $0.name == name } }

  private func broken(_ link: LinkDefinition) -> String? {
    guard link.ends.count == 2, link.ends[0] != link.ends[1] else {
      return "link \"\(link.name)\" does not join two ends (\(DiagnosticCode.selfLink.rawValue))"
    }
    for end in link.ends {
      switch end {
      case .switchPort(let name):
        guard link.kind != .wire else {
          return "link \"\(link.name)\": \"\(name)\" is no end of a wire (\(Self.unknown))"
        }
        guard isSwitch(name) else { return "link \"\(link.name)\": unknown switch \"\(name)\" (\(Self.unknown))" }
      case .nic:
        guard link.kind == .wire else {
          return "link \"\(link.name)\": \"\(end.text)\" is no end of a trunk (\(Self.unknown))"
        }
      }
    }
    return nil
  }

  /// - Parameter wire: the one that has the NIC as an end.
  private func broken(_ attachment: Attachment, of end: LinkEnd, wire: String?) -> String? {
    switch attachment {
    case .switchPort(let name, _):
      guard isSwitch(name) else { return "NIC \"\(end.text)\": unknown switch \"\(name)\" (\(Self.unknown))" }
      return wire.map { usedTwice(end, by: "switch \"\(name)\"", "link \"\($0)\"") }
    case .wire(let name):
      return wire == name ? nil : "NIC \"\(end.text)\" is no end of link \"\(name)\" (\(Self.unknown))"
    case .none:
      return wire.map { "NIC \"\(end.text)\" does not name its link \"\($0)\" (\(Self.unknown))" }
    }
  }

  private func usedTwice(_ end: LinkEnd, by first: String, _ second: String) -> String {
    "NIC \"\(end.text)\" is used by \(first) and \(second) (\(DiagnosticCode.usedTwice.rawValue))"
  }

  private var socketUsedTwice: String? {
    var owners: [String: String] = [:]
    for node in nodes {
      for nic in node.nics {
        guard let socket = nic.socket else { continue }
        let name = LinkEnd.nic(node: node.name, nic: nic.name).text
        guard let owner = owners.updateValue(name, forKey: socket) else { continue }
        return "socket \"\(socket)\" is used by \(owner) and \(name) (\(DiagnosticCode.usedTwice.rawValue))"
      }
    }
    return nil
  }
}
