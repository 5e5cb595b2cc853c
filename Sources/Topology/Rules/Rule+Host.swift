extension Rule {
  /// L208: two TAPs of one lab, or interfaces of the host that it takes, with one name.
  static func tapNames(_ subject: RuleSubject) {
    var first: [String: (name: String, span: Span)] = [:]
    var taken: Set<String> = []
    var reported: Set<[Span]> = []
    for nic in subject.nics where nic.kind.isOnHost {
      if nic.kind.takesInterfaces { taken.insert(nic.definition.name) }
      let name = nic.definition.name
      guard let other = first[name] else {
        first[name] = (nic.name, nic.draft.name.span)
        continue
      }
      guard reported.insert([other.span, nic.draft.name.span]).inserted else { continue }
      let verbs = taken.contains(name) ? ("is used", "uses") : ("is made", "makes")
      let message =
        "host interface \(name.quoted) \(verbs.0) by \(other.name) (\(other.span.position)) and \(nic.name)"
      let notes = [Diagnostic.Note("\(other.name) \(verbs.1) it here", at: other.span)]
      subject.reporter.error(.interfaceName, nic.draft.name.span, message, notes: notes)
    }
  }

  /// L303: an interface of the host that the lab would have to make.
  ///
  /// A running lab's own interfaces are no surprise.
  static func hostInterfaces(_ subject: RuleSubject) {
    for nic in subject.nics where nic.kind.isOnHost && !nic.kind.takesInterfaces {
      let name = nic.definition.name
      guard subject.facts.hostInterfaceExists(name), !subject.facts.interface(name, belongsTo: subject.lab.name) else {
        continue
      }
      let hint = "choose another name, or remove it: ip link delete \(name)"
      let message = "the host has an interface \(name.quoted) already"
      subject.reporter.error(.hostInterface, nic.draft.name.span, message, hint: hint)
    }
  }

  /// L307: a socket whose path no Unix socket can have.
  ///
  /// L202: two NICs on one socket.
  static func socketPaths(_ subject: RuleSubject) {
    var first: [String: (name: String, span: Span)] = [:]
    var reported: Set<[Span]> = []
    for nic in subject.nics where nic.kind.hasSockets {
      if let socket = nic.draft.socket, let path = nic.definition.socket {
        if let other = first[path], reported.insert([other.span, socket.span]).inserted {
          let message = "socket \(path.quoted) is used by \(other.name) and \(nic.name)"
          let notes = [Diagnostic.Note("\(other.name) uses it here", at: other.span)]
          subject.reporter.error(.usedTwice, socket.span, message, notes: notes)
        }
        first[path] = first[path] ?? (nic.name, socket.span)
        check(subject, longest(path, nic.definition), socket.span, hint: "choose a shorter path")
      } else if let state = subject.facts.stateDirectory {
        let file = PortName.nic(node: nic.node, nic: nic.definition.name).socketFile
        let hint = "choose shorter names, or a shorter folder by APUS_STATE_DIR"
        let path = longest("\(state)/\(subject.lab.name)/\(file)", nic.definition)
        check(subject, path, nic.draft.name.span, hint: hint)
      }
    }
    guard let state = subject.facts.stateDirectory else { return }
    if let name = subject.draft.name {
      let hint = "choose a shorter name, or a shorter folder by APUS_STATE_DIR"
      check(subject, "\(state)/\(name.value)/control.sock", name.span, hint: hint)
    }
    for node in subject.draft.nodes where node.traits.isMachine {
      let hint = "choose shorter names, or a shorter folder by APUS_STATE_DIR"
      check(subject, "\(state)/\(subject.lab.name)/\(node.name.value)/console.sock", node.name.span, hint: hint)
    }
  }

  /// Of datagrams the peer's socket has the longer path.
  private static func longest(_ path: String, _ nic: NICDefinition) -> String {
    nic.transport == .dgram ? Paths.peerSocket(of: path) : path
  }

  private static func check(_ subject: RuleSubject, _ path: String, _ span: Span, hint: String) {
    let size = path.utf8.count
    guard size > subject.facts.longestSocketPath else { return }
    let message = "socket path \(path.quoted) has \(size) bytes; Linux allows \(subject.facts.longestSocketPath)"
    subject.reporter.error(.socketPath, span, message, hint: hint)
  }

  /// L305: a virtual machine that asks for more memory than the host has at all.
  static func wholeMemory(_ subject: RuleSubject) {
    guard let total = subject.facts.totalMemory else { return }
    var reported: Set<Span> = []
    for (draft, node) in zip(subject.draft.nodes, subject.lab.nodes) where draft.traits.isMachine {
      guard UInt64(clamping: node.memory) > total else { continue }
      let span = draft.machine?.memory?.span ?? draft.name.span
      guard reported.insert(span).inserted else { continue }
      let (ask, have) = (Units.describe(bytes: UInt64(clamping: node.memory)), Units.describe(bytes: total))
      subject.reporter.error(
        .resources, span, "node \(node.name) asks for \(ask) of memory, this host has \(have) in all")
    }
  }

  /// L305: virtual machines that ask for more memory than the host has free.
  static func memory(_ subject: RuleSubject) {
    let machines = subject.lab.nodes.indices.filter { subject.lab.nodes[$0].traits.isMachine }
    guard let first = machines.first, let free = subject.facts.availableMemory else { return }
    let wanted = machines.reduce(UInt64(0)) { $0 + UInt64(subject.lab.nodes[$1].memory) }
    guard wanted > free + subject.facts.memoryTaken(by: subject.lab.name) else { return }
    let (ask, have) = (Units.describe(bytes: wanted), Units.describe(bytes: free))
    let span = subject.draft.nodes[first].name.span
    subject.reporter.warning(.resources, span, "virtual machines ask for \(ask), this host has \(have) free")
  }

  /// L306: no KVM, said once.
  static func withoutKVM(_ subject: RuleSubject) {
    guard !subject.facts.hasKVM, let node = subject.draft.nodes.first(where: { $0.traits.isMachine }) else { return }
    let message = "this host has no KVM: virtual machines are emulated (TCG), which is slow"
    subject.reporter.note(.withoutKVM, node.kind?.span ?? node.name.span, message)
  }
}
