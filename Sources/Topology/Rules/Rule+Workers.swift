extension Rule {
  /// L305: more workers than processors to run on.
  static func workerCount(_ subject: RuleSubject) {
    guard case .exactly(let count) = subject.draft.workers.count, subject.draft.processors.isEmpty,
      let span = subject.draft.workersPlace, let usable = subject.facts.processors
    else { return }
    let have = usable.reduce(0) { $0 + $1.count }
    guard count > have else { return }
    let message = "\(count) workers are asked for; apus may run on \(Quoting.count(have, "processor")) of this host"
    subject.reporter.warning(.resources, span, message, hint: "more than \(have) gain nothing here")
  }

  /// L214: a worker's processor that this host does not have, or does not give to this program.
  static func workerProcessors(_ subject: RuleSubject) {
    guard !subject.draft.processors.isEmpty, let usable = subject.facts.processors else { return }
    for processor in subject.draft.processors where !usable.contains(where: { $0.contains(processor.value) }) {
      let list = usable.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      let message = "apus may not run on processor \(processor.value) of this host"
      let hint = "it may run on \(list.joined(separator: ","))"
      subject.reporter.error(.workers, processor.span, message, hint: hint)
    }
  }
}
