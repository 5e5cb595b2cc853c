import Topology

/// How far each node of one bring-up has come; who starts after others waits here.
actor StartOrder {
  /// In the order in which a node comes through them.
  enum Progress: Int, Sendable { case waiting, started, ready }

  private var progress: [String: Progress]
  private var waiters: [(condition: StartCondition, signal: AsyncStream<Void>.Continuation)] = []

  init(_ nodes: [String]) {
    progress = Dictionary(nodes.map { ($0, .waiting) }, uniquingKeysWith: { first, _ in first })
  }

  func note(_ node: String, _ state: Progress) {
    // What is told late does not take back what came after it.
    guard state.rawValue > (progress[node] ?? .waiting).rawValue else { return }
    progress[node] = state
    waiters.removeAll { waiter in
      guard isTrue(waiter.condition) else { return false }
      waiter.signal.finish()
      return true
    }
  }

  /// Returns when all conditions are true.
  /// - Throws: `CancellationError`, as when a node that is waited for has failed.
  func wait(for conditions: [StartCondition]) async throws {
    for condition in conditions where !isTrue(condition) {
      let (signal, continuation) = AsyncStream.makeStream(of: Void.self)
      waiters.append((condition, continuation))
      for await _ in signal {}
      try Task.checkCancellation()
    }
  }

  private func isTrue(_ condition: StartCondition) -> Bool {
    let wanted: Progress = condition.state == .ready ? .ready : .started
    return (progress[condition.node] ?? .waiting).rawValue >= wanted.rawValue
  }
}
