import Dataplane
import Topology

/// Rules of ports: from the file, and what was said of them since.
extension LabRuntime {
  /// Has every port that is there let through what a lab and what was said since say; the others are made so.
  ///
  /// Nothing is done to a port whose rules stay: what it counted and which flows it knows go on.
  func setRules(of lab: CanonicalLab) async throws {
    guard let plane else { return }
    let there = Set(await plane.ports().map(\.name))
    for node in lab.nodes {
      for nic in node.nics {
        let name = Names.port(node: node.name, nic: nic.name)
        guard there.contains(name) else { continue }
        try await brief { () async throws(UserError) in
          let said = runTime.settings[name] ?? RunTimeState.Port()
          try await setRules(name, try said.portRules(of: nic, node, in: lab))
        }
      }
    }
    try await brief { () async throws(UserError) in
      for port in runTime.ports where there.contains(port.name) {
        try await setRules(port.name, try port.portRules(in: lab))
      }
    }
  }

  /// Replaces what a port lets through, if it is something else.
  func setRules(_ name: String, _ rules: PortRules) async throws(UserError) {
    guard let plane else { throw Self.noLab }
    try await explained("port \(name)") { () async throws(DataplaneError) in
      let old = try await plane.ruleStatus(port: name)?.rules ?? PortRules()
      if old != rules { try await plane.setRules(port: name, rules) }
    }
  }

  /// What the port of a NIC lets through in the lab that is up.
  ///
  /// A node that runs on while the rules of its ports change has them as they were.
  /// - Parameter said: what was said of it at run time.
  func portRules(
    of nic: NICDefinition, _ node: NodeDefinition, _ said: RunTimeState.Port?
  ) throws(UserError) -> PortRules {
    guard let current else { return PortRules() }
    return try (said ?? RunTimeState.Port()).portRules(of: upToDate(nic, of: node), node, in: current)
  }

  /// The same NIC with the rules that the lab has now.
  private func upToDate(_ nic: NICDefinition, of node: NodeDefinition) -> NICDefinition {
    let now = current?.nodes.first { $0.name == node.name }?.nics.first { $0.name == nic.name }
    var nic = nic
    if let now { nic.rules = now.rules }
    return nic
  }

  /// What is said of a port's rules once they are changed: what the file says too is not kept.
  func saidRules(
    of port: SettablePort, _ said: RunTimeState.Port, _ change: [RuleKey: String], _ lab: CanonicalLab
  ) throws(UserError) -> [String: String]? {
    guard case .nic(let node, let old, _) = port else {
      throw UserError(
        .badInput, "port \(port.name) joins two switches: rules are of ports that nodes are at",
        hint: "set them at the ports of the nodes")
    }
    let nic = upToDate(old, of: node.definition)
    let rules = try said.rules(insteadOf: nic.rules).changed(by: change)
    var words: [String: String] = [:]
    for key in RuleKey.allCases where rules.text(of: key) != nic.rules.text(of: key) {
      words[key.rawValue] = rules.text(of: key) ?? key.neutralWord
    }
    var after = said
    after.rules = words.isEmpty ? nil : words
    _ = try after.portRules(of: nic, node.definition, in: lab)
    return after.rules
  }

  /// What the rules of a port did so far; nil for one without rules, and for one that is not there.
  package func ruleStatus(port: String) async -> RuleStatus? {
    await withPlane { try? await $0.ruleStatus(port: port) } ?? nil
  }
}

extension RunTimeState.Port {
  /// What was said of its rules; what this version does not know is left out.
  var saidRules: [RuleKey: String] {
    var said: [RuleKey: String] = [:]
    for (word, text) in rules ?? [:] {
      if let key = RuleKey(rawValue: word) { said[key] = text }
    }
    return said
  }

  /// The rules that the port has then.
  func rules(insteadOf file: RulesDefinition) -> RulesDefinition {
    var rules = file
    for (key, text) in saidRules { try? rules.set(key, to: text) }
    return rules
  }

  /// What the port of a NIC lets through then, in the VLANs that it has then.
  func portRules(
    of nic: NICDefinition, _ node: NodeDefinition, in lab: CanonicalLab
  ) throws(UserError) -> PortRules {
    var meant = nic
    if case .switchPort(let name, let file) = nic.attachment {
      meant.attachment = .switchPort(switch: name, mode: mode(insteadOf: file))
    }
    return try meant.portRules(rules(insteadOf: nic.rules), of: node, in: lab)
  }
}

extension RunTimeState {
  /// Why a lab cannot be made true beside what was said of rules: what held somebody off is not given up unasked.
  func ruleConflict(with lab: CanonicalLab) -> UserError? {
    func conflict(_ port: String, _ error: UserError) -> UserError {
      UserError(
        .failed, "lab \(lab.name): \(error.message), as its rules were set at run time",
        hint: "`apus port set \(port) ...` first, or `apus up --reset`, which takes back all that was said at run time")
    }
    for node in lab.nodes {
      for nic in node.nics {
        let name = Names.port(node: node.name, nic: nic.name)
        guard let said = settings[name], said.rules != nil else { continue }
        do throws(UserError) { _ = try said.portRules(of: nic, node, in: lab) } catch { return conflict(name, error) }
      }
    }
    for port in ports {
      do throws(UserError) { _ = try port.portRules(in: lab) } catch { return conflict(port.name, error) }
    }
    return nil
  }
}

extension LabDifference {
  /// What changes of access lists, and of the rules of ports that stay.
  static func ruleSteps(_ old: CanonicalLab, _ new: CanonicalLab) -> [PlanStep] {
    let (before, now) = (old.access ?? [], new.access ?? [])
    var steps: [PlanStep] = []
    for list in before where !now.contains(where: { $0.name == list.name }) {
      steps.append(PlanStep(.remove, "access \(list.name)"))
    }
    for list in now {
      let was = before.first { $0.name == list.name }
      guard was != list else { continue }
      steps.append(PlanStep(was == nil ? .create : .change, "access \(list.name)", list.size))
    }
    var nics: [String: RulesDefinition] = [:]
    for node in old.nodes {
      for nic in node.nics { nics[Names.port(node: node.name, nic: nic.name)] = nic.rules }
    }
    for node in new.nodes {
      for nic in node.nics {
        let name = Names.port(node: node.name, nic: nic.name)
        guard let was = nics[name], was != nic.rules else { continue }
        steps.append(PlanStep(.change, "port \(name)", nic.rules.isEmpty ? "no rules" : "rules: \(nic.rules.words)"))
      }
    }
    return steps
  }
}

extension AccessDefinition {
  /// `3 rules, stateful`.
  fileprivate var size: String {
    let count = directions.reduce(0) { $0 + ($1.rules?.count ?? 0) }
    return "\(count) \(count == 1 ? "rule" : "rules")\(isStateful ? ", stateful" : "")"
  }
}

extension CanonicalLab {
  /// Rules that no lab file says; nil as a rule.
  var wrongRules: String? {
    var names: Set<String> = []
    for list in access ?? [] {
      guard Names.valid(list.name), list.name != AccessDefinition.noneWord else {
        return "\"\(list.name)\" is no name of an access list (\(DiagnosticCode.name.rawValue))"
      }
      guard names.insert(list.name).inserted else {
        return "access list \"\(list.name)\" is there twice (\(DiagnosticCode.duplicateKey.rawValue))"
      }
      guard list.fitsLimits else {
        return "access list \"\(list.name)\" has too many rules, or ports (\(DiagnosticCode.limit.rawValue))"
      }
    }
    for node in nodes {
      for nic in node.nics {
        do throws(UserError) {
          _ = try nic.portRules(nic.rules, of: node, in: self)
        } catch {
          return "\(error.message) (\(DiagnosticCode.access.rawValue))"
        }
      }
    }
    return nil
  }
}

extension AccessDefinition {
  fileprivate var fitsLimits: Bool {
    directions.allSatisfy { _, rules in
      let rules = rules ?? []
      return rules.count <= AccessList.mostRules
        && rules.allSatisfy { rule in
          [rule.ports, rule.fromPorts].allSatisfy { $0.map { (1...AccessRule.mostPorts).contains($0.count) } ?? true }
        }
    }
  }
}
