extension Rule {
  /// L301: a token file that is not there.
  ///
  /// Whether its token is good is for the daemon, which reads it.
  static func tokenFile(_ subject: RuleSubject) {
    guard let file = subject.draft.http?.tokenFile else { return }
    let path = Paths.absolute(file.value, in: subject.lab.directory)
    guard !subject.facts.fileExists(path) else { return }
    let message = "there is no token file \(path.quoted)"
    let hint = "make one: (umask 077; openssl rand -base64 32 >\(Quoting.shell(path))); or leave \"token-file\" out"
    subject.reporter.error(.fileMissing, file.span, message, hint: hint)
  }
}
