import Topology

/// What nodes' systems are told: settings of their kernels can change while they run, unless one is taken out, as what
/// it was before is not known. Files and lines are of a start.
extension LabDifference {
  /// Both nodes without what is outside of them, and without settings that can be made others while they run.
  static func insides(_ node: NodeDefinition, _ before: NodeDefinition) -> (now: NodeDefinition, then: NodeDefinition) {
    var (now, then) = (detached(node), detached(before))
    if canSet(node, before) { (now.setup, then.setup) = (lasting(now.setup), lasting(then.setup)) }
    return (now, then)
  }

  private static func canSet(_ node: NodeDefinition, _ before: NodeDefinition) -> Bool {
    Set(keys(before)).isSubset(of: keys(node))
  }

  private static func keys(_ node: NodeDefinition) -> [String] { (node.setup?.kernelSettings ?? []).map(\.key) }

  /// Without settings of the kernel; nil if that is all.
  private static func lasting(_ setup: SetupDefinition?) -> SetupDefinition? {
    var rest = setup
    rest?.forwarding = nil
    rest?.sysctl = []
    return rest?.isEmpty ?? true ? nil : rest
  }

  /// `forwarding on, sysctl net.ipv4.conf.all.rp_filter`: settings that become others; nil if none does.
  static func settingWords(_ node: NodeDefinition, _ before: NodeDefinition) -> String? {
    let (now, then) = (node.setup ?? SetupDefinition(), before.setup ?? SetupDefinition())
    var words: [String] = []
    if let forwarding = now.forwarding, forwarding != then.forwarding {
      words.append("forwarding \(forwarding ? "on" : "off")")
    }
    let others = now.sysctl.filter { !then.sysctl.contains($0) }.map(\.key)
    if !others.isEmpty { words.append("sysctl \(others.joined(separator: " "))") }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  /// The same behind `made anew`; empty if none does.
  static func setupWords(_ node: NodeDefinition, _ before: NodeDefinition) -> String {
    guard node.kind == before.kind, let reason = setupReason(node, before) else { return "" }
    return ": \(reason)"
  }

  /// Which of the keys makes the node start anew; nil if none does.
  static func setupReason(_ node: NodeDefinition, _ before: NodeDefinition) -> String? {
    let (now, then) = (node.setup ?? SetupDefinition(), before.setup ?? SetupDefinition())
    if now.files != then.files { return "other `files`" }
    if now.exec != then.exec { return "another `exec`" }
    guard !canSet(node, before) else { return nil }
    return then.forwarding != nil && now.forwarding == nil ? "no `forwarding` any more" : "`sysctl` with a key less"
  }
}
