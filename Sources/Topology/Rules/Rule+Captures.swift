extension Rule {
  /// L309: a filter that libpcap does not take.
  ///
  /// A daemon that finds it has stopped other captures by then.
  static func captureFilters(_ subject: RuleSubject) {
    for capture in subject.draft.captures {
      guard let filter = capture.filter, let mistake = subject.facts.mistake(inFilter: filter.value) else { continue }
      let message = "filter \(filter.value.quoted): \(mistake)"
      subject.reporter.error(.captureFilter, filter.span, message, hint: "the language is that of pcap-filter(7)")
    }
  }

  /// L301: a capture whose file has no folder to be in, or is one.
  ///
  /// L009: more captures than run at once.
  static func captureFiles(_ subject: RuleSubject) {
    if subject.draft.captures.count > Limits.captures {
      let message = "a lab has \(Limits.captures) captures at most, this file has \(subject.draft.captures.count)"
      let hint = "one capture may have many ports: on: [vm1, sw2]"
      subject.reporter.error(.limit, subject.draft.captures[Limits.captures].file.span, message, hint: hint)
    }
    for capture in subject.draft.captures {
      let path = Paths.absolute(capture.file.value, in: subject.lab.directory)
      if subject.facts.fileKind(path) == .folder {
        let message = "\(capture.file.value.quoted) is a folder; a capture is written to a file"
        subject.reporter.error(.fileMissing, capture.file.span, message, hint: "add the name of a file")
      }
      guard let folder = Paths.folder(of: path), !subject.facts.folderExists(folder) else { continue }
      let message = "there is no folder \(folder.quoted) for \(capture.file.value.quoted)"
      subject.reporter.error(
        .fileMissing, capture.file.span, message, hint: "make it: mkdir -p \(Quoting.shell(folder))")
    }
  }
}
