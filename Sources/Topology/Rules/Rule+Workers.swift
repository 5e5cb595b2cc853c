extension Rule {
  /// Workers that this version of Apus runs.
  private static let mostWorkers = 1

  /// L010: more workers than this version runs.
  static func workerCount(_ subject: RuleSubject) {
    let (workers, processors) = (subject.draft.workers, subject.draft.processors)
    guard workers.count > mostWorkers, let span = subject.draft.workersPlace,
      processors.isEmpty || processors.count == workers.count, processors.firstRepeated(by: \.value) == nil
    else { return }
    let message = "\(workers.count) workers are asked for; this version of apus runs one"
    let hint = processors.isEmpty ? "leave \"count\" out" : "list one processor"
    subject.reporter.error(.notYet, span, message, hint: hint)
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
