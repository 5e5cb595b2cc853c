extension Rule {
  /// L211: what a system is told that Apus does not set up: that of another image, or of another's container.
  static func foreignSetups(_ subject: RuleSubject) {
    var reported: Set<String> = []
    for node in subject.draft.nodes {
      for (key, span) in node.setup.keys {
        guard let (message, hint) = refusal(of: key, node), reported.insert(span.position).inserted else { continue }
        subject.reporter.error(.contradiction, span, message, hint: hint)
      }
    }
  }

  /// L211: files of a container in whose place its engine, or Apus, mounts others.
  static func mountedFiles(_ subject: RuleSubject) {
    var reported: Set<String> = []
    for node in subject.draft.nodes where node.container != nil && node.container?.attach == nil {
      for file in node.setup.files?.value ?? [] {
        let (path, span) = (file.path.value, file.path.span)
        guard let (mounter, hint) = mount(of: path), reported.insert(span.position).inserted else { continue }
        let message = "\(path.quoted) of a container is \(mounter)'s own, which hides the one of \"files\""
        subject.reporter.error(.contradiction, span, message, hint: hint)
      }
    }
  }

  /// Who mounts a file in every container, and what to do instead of having another.
  private static func mount(of path: String) -> (mounter: String, hint: String)? {
    switch path {
    case "/etc/hosts": ("Apus", "it has the addresses of all nodes, as NODE and NODE.LAB")
    case "/etc/hostname": ("the engine", "a container's host name is its node's name")
    case "/etc/resolv.conf":
      ("the engine", "write it when it is there: exec: [\"echo nameserver 10.0.0.1 > /etc/resolv.conf\"]")
    default: nil
    }
  }

  private static func refusal(of key: String, _ node: NodeDraft) -> (message: String, hint: String?)? {
    if node.container?.attach != nil {
      return ("\(key.quoted) is for a container that Apus makes, and \"attach\" names one that is there", nil)
    }
    guard node.traits.isMachine else { return nil }
    let message = "\(key.quoted) is for machines with the built-in image, \(node.name.value) has another"
    switch node.machine?.image {
    case .file: return (message, "tell its system by \"cloud-init\"")
    case .some(.none): return (message, nil)
    case .builtin, .unusable, nil: return nil
    }
  }

  /// L301: a file of `files` that is not there, or is a folder.
  static func setupFiles(_ subject: RuleSubject) {
    var reported: Set<String> = []
    for node in subject.lab.nodes.indices where subject.lab.nodes[node].setup != nil {
      let draft = subject.draft.nodes[node]
      for file in draft.wholeSetup.files?.value ?? [] where reported.insert(file.content.span.position).inserted {
        check(file, subject)
      }
    }
  }

  private static func check(_ file: SetupDraft.File, _ subject: RuleSubject) {
    let (text, span) = (file.content.value, file.content.span)
    guard !text.isDocument else { return }
    let path = Paths.absolute(text, in: subject.lab.directory)
    guard subject.facts.fileExists(path) else {
      let hint = "a text in the lab file has several lines: \(Quoting.printable(file.path.value)): |"
      let message = "file \(text.quoted) not found; looked in \(subject.lab.directory)"
      return subject.reporter.error(.fileMissing, span, message, hint: hint)
    }
    if subject.facts.fileKind(path) == .folder {
      subject.reporter.error(.fileMissing, span, "\(text.quoted) is a folder, not a file")
    }
  }
}

extension NodeDraft {
  /// What it says itself, and for a machine what `defaults` adds.
  var wholeSetup: SetupDraft { setup.over(machine?.setup ?? SetupDraft()) }
}
