extension Rule {
  /// L006: memory with which the built-in guest does not boot.
  static func builtinMemory(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for node in subject.draft.nodes where node.traits.isMachine {
      let emulated = node.nics.lazy.compactMap(\.model).first { $0.value.isEmulated }
      let bytes = emulated == nil ? MachineLimits.builtinMemory : MachineLimits.fullBuiltinMemory
      guard let machine = node.machine, case .builtin = machine.image, let memory = machine.memory,
        memory.value < bytes, reported.insert(memory.span).inserted
      else { continue }
      let least = Units.describe(bytes: UInt64(bytes))
      let found = Units.describe(bytes: UInt64(memory.value))
      let reason = emulated.map { " with a NIC of model \($0.value.rawValue)" } ?? ""
      let message = "the built-in image does not boot with \(found) of memory; it needs \(least)\(reason)"
      // What the others of a profile and of `defaults` share is said where it stands.
      let origin = Diagnostic.Note("node \(node.name.value.quoted) has it", at: node.name.span)
      let isOwn = node.name.span.line == memory.span.line
      subject.reporter.error(.range, memory.span, message, notes: isOwn ? [] : [origin])
    }
  }

  /// L009: more NICs than a machine has places for.
  static func machineNICs(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for node in subject.draft.nodes where node.traits.isMachine && node.nics.count > MachineLimits.nics {
      guard reported.insert(node.name.span).inserted else { continue }
      let message = "a machine has \(MachineLimits.nics) NICs at most, \(node.name.value) has \(node.nics.count)"
      subject.reporter.error(.limit, node.nics[MachineLimits.nics].name.span, message)
    }
  }

  /// L009: NICs, addresses and routes of a machine that do not fit the command line of the built-in guest's kernel.
  static func guestCommandLines(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for (draft, node) in zip(subject.draft.nodes, subject.lab.nodes) where draft.traits.isMachine {
      guard case .builtin? = draft.machine?.image, node.nics.count <= MachineLimits.nics else { continue }
      let size = GuestWords.commandLine(of: node).utf8.count
      guard size > GuestWords.limit, reported.insert(draft.name.span).inserted else { continue }
      let message =
        "NICs, addresses and routes of \(node.name) need \(size) bytes of the guest's kernel command line; "
        + "at most \(GuestWords.limit) fit"
      let hint = "give the node fewer NICs or addresses, or shorter names"
      subject.reporter.error(.limit, draft.name.span, message, hint: hint)
    }
  }
}
