extension Rule {
  /// L301: a socket on which Apus is to listen and whose folder is not there.
  ///
  /// L307: one at whose path something else lies.
  static func socketFiles(_ subject: RuleSubject) {
    for nic in subject.nics where nic.definition.role == .listen && nic.kind.nicKeys.contains("socket") {
      guard let socket = nic.draft.socket, let path = nic.definition.socket else { continue }
      if let kind = subject.facts.fileKind(path), kind != .socket {
        let message = "there is a \(kind.rawValue) at \(socket.value.quoted), where the socket of \(nic.name) is to be"
        subject.reporter.error(.socketPath, socket.span, message, hint: "choose another path")
      } else if let folder = Paths.folder(of: path), !subject.facts.folderExists(folder) {
        let message = "there is no folder \(folder.quoted) for \(socket.value.quoted)"
        subject.reporter.error(.fileMissing, socket.span, message, hint: "make it: mkdir -p \(Quoting.shell(folder))")
      }
    }
  }

  /// L310: a socket's owner whom this host does not know.
  static func socketOwners(_ subject: RuleSubject) {
    for nic in subject.nics {
      guard let owner = nic.draft.socketOwner, let mistake = subject.facts.mistake(inOwner: owner.value) else {
        continue
      }
      subject.reporter.error(.account, owner.span, "socket-owner \(owner.value.quoted): \(mistake)")
    }
  }
}
