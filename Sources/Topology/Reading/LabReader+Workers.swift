extension LabReader {
  /// Reads `workers:`.
  mutating func readWorkers(_ node: YAMLNode, owner: Span) {
    guard let object = ObjectReader(node, LabSchema.workers, label: "\"workers\"", owner: owner, reporter: reporter)
    else { return }
    let count = object["count"].flatMap { values.workerCount($0, "count") }
    draft.workersPlace = count?.span
    if let node = object["cpus"], let items = values.items(node, "cpus", of: "processor numbers", allowsSingle: true) {
      let cpus = items.compactMap { values.integer($0, "cpus", in: Limits.processors) }
      draft.workers.cpus = cpus.map(\.value)
      draft.processors = cpus
      draft.workers.count = .exactly(max(1, cpus.count))
      checkProcessors(cpus, listed: items.count, at: node.span, for: count)
    }
    if let count { draft.workers.count = count.value }
    if let poll: Located<WorkerSettings.Poll> = object["poll"].flatMap({ values.choice($0, "poll") }) {
      draft.workers.poll = poll.value
    }
    if let nice = object["nice"].flatMap({ values.integer($0, "nice", in: Limits.nice) }) {
      draft.workers.nice = nice.value
    }
  }

  /// L214: processors that are not one for each worker.
  private func checkProcessors(
    _ cpus: [Located<Int>], listed: Int, at span: Span, for count: Located<WorkerCount>?
  ) {
    let notes = Diagnostic.Note.ifPlaced("the number of workers is set here", at: count?.span)
    switch count?.value {
    case .auto:
      let message = "\"cpus\" lists processors, but the number of workers is auto"
      let hint = "leave \"count\" out: there is a worker for each of \"cpus\""
      return reporter.error(.workers, span, message, hint: hint, notes: notes)
    case .exactly(let count) where count != listed:
      let message = "\"cpus\" has \(Quoting.count(listed, "processor")) for \(Quoting.count(count, "worker"))"
      return reporter.error(.workers, span, message, hint: "list one processor for each worker", notes: notes)
    case nil where listed > Limits.workers.upperBound:
      let message = "\"cpus\" has \(listed) processors; there are \(Limits.workers.upperBound) workers at most"
      return reporter.error(.workers, span, message)
    default: break
    }
    guard let repeated = cpus.firstRepeated(by: \.value) else { return }
    let first = cpus.first { $0.value == repeated.value }?.span
    let places = Diagnostic.Note.ifPlaced("it is listed here first", at: first)
    reporter.error(.workers, repeated.span, "processor \(repeated.value) is listed twice", notes: places)
  }
}
