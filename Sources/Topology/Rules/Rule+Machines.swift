extension Rule {
  /// L301: an image that is not there.
  ///
  /// L302: one of no known format, or of another than the file says. L308: one with another sum.
  static func images(_ subject: RuleSubject) {
    for node in subject.draft.nodes where node.traits.isMachine {
      guard case .file(let file)? = node.machine?.image else { continue }
      for fault in subject.images.image(file).faults { report(fault, of: file, subject) }
    }
  }

  private static func report(_ fault: ImageTable.Fault, of file: ImageFileDraft, _ subject: RuleSubject) {
    let (reporter, span) = (subject.reporter, file.name.span)
    let image = "image \(file.name.value.quoted)"
    switch fault {
    case .missing:
      let folders = [subject.lab.directory, subject.facts.imageDirectory]
      let places = file.name.value.hasPrefix("/") ? "" : "; looked in \(Quoting.sentence(folders))"
      let near = Suggestion.nearest(to: file.name.value, among: ["builtin"]).map { "did you mean \"\($0)\"?" }
      reporter.error(.fileMissing, span, "\(image) not found\(places)", hint: near)
    case .unreadable: reporter.error(.fileMissing, span, "\(image) cannot be read")
    case .empty: reporter.error(.imageFormat, span, "\(image) is an empty file")
    case .unknown(let head):
      let start = Quoting.beginning(head)
      let message = "\(image) is not qcow2 or vmdk (it begins with \(start)); set format: raw to accept it"
      let name = Quoting.printable(file.name.value)
      reporter.error(.imageFormat, span, message, hint: "image: { file: \(name), format: raw }")
    case .contradicted(let found, let head):
      guard let declared = file.format else { return }
      let truth = found.map { "is \($0), not \(declared.value)" }
      let message = "\(image) \(truth ?? "is not \(declared.value) (it begins with \(Quoting.beginning(head)))")"
      let hint = found.map { "leave \"format\" out, or write format: \($0)" }
      reporter.error(.imageFormat, declared.span, message, hint: hint)
    case .sum(let sum):
      guard let wanted = file.sha256 else { return }
      if let sum {
        let message = "\(image) has SHA-256 \(sum.prefix(12))…, not \(wanted.value.prefix(12))…"
        reporter.error(.imageSum, wanted.span, message, hint: "it is another file, or was not loaded whole")
      } else {
        reporter.error(.imageSum, wanted.span, "no SHA-256 of \(image) could be made", hint: "is sha256sum installed?")
      }
    case .refused(let fault): reporter.error(.imageFormat, span, "\(image): \(fault.message)", hint: fault.hint)
    }
  }

  /// L301: a document of cloud-init that is not there, or is a folder.
  ///
  /// L213: user data that cloud-init makes nothing of.
  static func cloudInit(_ subject: RuleSubject) {
    for (draft, node) in zip(subject.draft.nodes, subject.lab.nodes) where node.cloudInit != nil {
      guard let documents = draft.machine?.cloudInit?.documents else { continue }
      for (key, text) in documents {
        if text.value.isDocument {
          guard key == "user-data", !isUserData(text.value) else { continue }
          let message = "cloud-init ignores user-data whose first line does not say what it is"
          let hint = "start it with #cloud-config, or with #!/bin/sh"
          subject.reporter.warning(.withoutEffect, text.span, message, hint: hint)
        } else {
          let path = Paths.absolute(text.value, in: subject.lab.directory)
          guard !subject.facts.fileExists(path) else {
            guard subject.facts.fileKind(path) == .folder else { continue }
            subject.reporter.error(.fileMissing, text.span, "\(key) \(text.value.quoted) is a folder, not a file")
            continue
          }
          let message = "\(key) \(text.value.quoted) not found; looked in \(subject.lab.directory)"
          let isMeantAsText = text.value.hasPrefix("#") || text.value.contains(": ")
          let hint = isMeantAsText ? "a document in the lab file is a text of several lines: \(key): |" : nil
          subject.reporter.error(.fileMissing, text.span, message, hint: hint)
        }
      }
    }
  }

  /// Whether a subnet of a machine, on a switch, has an address that no node of the lab has.
  private static func hasRoom(beside node: NodeDefinition, _ lab: CanonicalLab) -> Bool {
    let taken = Set(lab.nodes.flatMap(\.nics).flatMap(\.addresses).compactMap { IPPrefix($0.address)?.address })
    return node.nics.contains { nic in
      // Of what leads to something unknown, which was reported, nothing is known.
      guard case .switchPort = nic.attachment else { return nic.attachment == .none }
      return nic.addresses.contains { address in
        guard let prefix = IPPrefix(address.address) else { return false }
        let inside = taken.lazy.filter { prefix.contains($0) && prefix.hosts.contains($0.value) }.count
        // The last host of ::/0 less the first is no more than all numbers less one.
        return prefix.hosts.upperBound - prefix.hosts.lowerBound >= UInt128(inside)
      }
    }
  }

  /// How user data says what it is: a comment such as `#cloud-config`, or the head of a MIME message.
  private static func isUserData(_ text: String) -> Bool {
    let start = text.lowercased()
    return ["#", "content-type:", "mime-version:"].contains { start.hasPrefix($0) }
  }

  /// L213: keys that no machine has a use for, since all that have them run the builtin guest, or another image than
  /// they are of.
  static func diskless(_ subject: RuleSubject) {
    var useful: Set<String> = []
    var useless: [(key: String, span: Span, reason: String)] = []
    for node in subject.draft.nodes where node.traits.isMachine {
      guard let machine = node.machine else { continue }
      var keys: [(String, Span)] = []
      if let persist = machine.persist, persist.value { keys.append(("persist", persist.span)) }
      if let cloudInit = machine.cloudInit { keys.append(("cloud-init", cloudInit.span)) }
      if let firmware = machine.firmware { keys.append(("firmware", firmware.span)) }
      if let boot = machine.boot { keys.append(("boot", boot.span)) }
      if let disk = machine.emptyDisk { keys.append(("disk", disk.span)) }
      keys += machine.setup.keys
      let isUseful = uses(machine.image)
      for (key, span) in keys {
        if isUseful(key) {
          useful.insert(span.position)
        } else {
          useless.append((key, span, uselessness(of: key, machine.image)))
        }
      }
    }
    for (key, span, reason) in useless where !useful.contains(span.position) {
      subject.reporter.warning(.withoutEffect, span, "\(key.quoted) has no effect: \(reason)")
    }
  }

  /// Which of the keys that not all machines use a machine uses.
  private static func uses(_ image: ImageDraft) -> (String) -> Bool {
    switch image {
    case .builtin: { LabSchema.setup.map(\.name).contains($0) }
    case .none: { $0 != "cloud-init" && !LabSchema.setup.map(\.name).contains($0) }
    case .file: { $0 != "disk" && !LabSchema.setup.map(\.name).contains($0) }
    case .unusable: { $0 != "disk" }
    }
  }

  /// Why a machine does not use a key.
  private static func uselessness(of key: String, _ image: ImageDraft) -> String {
    switch key {
    case "persist": return "the builtin image has no disk"
    case "cloud-init":
      if case .none = image { return "\"image: none\" is no system that could be told" }
      return "the builtin image has its name and addresses without it"
    case _ where LabSchema.setup.map(\.name).contains(key): return "no machine has the builtin image"
    case "disk": return "an image has its own disk; an empty one is for \"image: none\""
    default: return "the builtin image is handed to the machine with its kernel"
    }
  }

  /// L215: `ready: { tcp: ... }` of a machine that has no address to connect to, or beside which there is no room.
  static func readyAddresses(_ subject: RuleSubject) {
    for (draft, node) in zip(subject.draft.nodes, subject.lab.nodes) {
      guard let span = draft.machine?.ready?.tcp, node.traits.isMachine || node.traits.isContainer else { continue }
      let isReachable = zip(draft.nics, node.nics).contains { draft, nic in
        // On something unknown, which was reported: what addresses it would have is not known.
        if nic.attachment == .none { return draft.takenAt != nil }
        guard case .switchPort = nic.attachment else { return false }
        return !nic.addresses.isEmpty
      }
      let message: String
      let hint: String
      if !isReachable {
        message = "\"tcp\" is tried at the machine's first address on a switch, and it has none"
        hint = "give a NIC a \"switch\" and an \"address\", or its VLAN a \"subnet\""
      } else if !hasRoom(beside: node, subject.lab) {
        message = "\"tcp\" is tried from another address in the machine's subnet, and none is free there"
        hint = "make the subnet larger, or wait for \"console\" or \"agent\""
      } else {
        continue
      }
      let isOwn = draft.machine?.isReadyOwn ?? true
      let origin = Diagnostic.Note("node \(node.name.quoted) has it from a profile or defaults", at: draft.name.span)
      subject.reporter.error(.ready, span, message, hint: hint, notes: isOwn ? [] : [origin])
    }
  }
}
