/// Something that changes the state of a subject.
package struct Operation<Subject: Sendable>: Sendable {
  package let name: String
  package let run: @Sendable (Subject) async throws -> Void

  package init(_ name: String, _ run: @escaping @Sendable (Subject) async throws -> Void) {
    self.name = name
    self.run = run
  }
}

/// Carries out every pair of a list of operations at once, and compares how that ends with the one after the other.
///
/// Two operations at once have to end as one of the two orders does. One that fails has changed nothing: then the end may
/// be that of the other alone too. What is compared is always the same; how the two meet is another matter each round.
package struct PairCheck<Subject: Sendable, State: Equatable & Sendable>: Sendable {
  package struct End: Sendable, Equatable {
    package var state: State
    /// Whether each of the two was carried out.
    package var isDone: [Bool]
  }

  private let operations: [Operation<Subject>]
  /// Pairs are carried out so often.
  private let rounds: Int
  /// Which of them succeeded has to be as in the same order too.
  private let comparesOutcomes: Bool
  /// Calls its body with a subject of its own, all of which begin the same, and removes it then.
  private let fresh: @Sendable (@Sendable (Subject) async throws -> End) async throws -> End
  private let state: @Sendable (Subject) async throws -> State

  package init(
    _ operations: [Operation<Subject>], rounds: Int, comparesOutcomes: Bool,
    fresh: @escaping @Sendable (@Sendable (Subject) async throws -> End) async throws -> End,
    state: @escaping @Sendable (Subject) async throws -> State
  ) {
    self.operations = operations
    self.rounds = rounds
    self.comparesOutcomes = comparesOutcomes
    self.fresh = fresh
    self.state = state
  }

  /// Carries all pairs out, some side by side.
  /// - Returns: the pairs that ended otherwise, and how; empty when all is well.
  package func run(sideBySide width: Int = 4) async throws -> [String] {
    var pairs: [(Int, Int)] = []
    for first in operations.indices { for second in first..<operations.count { pairs.append((first, second)) } }
    return try await withThrowingTaskGroup(of: [String].self) { group in
      var failures: [String] = []
      for (place, pair) in pairs.enumerated() {
        if place >= width { failures += try await group.next() ?? [] }
        group.addTask { try await check(operations[pair.0], operations[pair.1]) }
      }
      return try await group.reduce(into: failures) { $0 += $1 }
    }
  }

  private func check(_ first: Operation<Subject>, _ second: Operation<Subject>) async throws -> [String] {
    var ordered = [try await end { [try await carryOut(first, $0), try await carryOut(second, $0)] }]
    var alone: [State] = []
    var failures: [String] = []
    for round in 0..<rounds {
      let end = try await end { try await atOnce(first, second, $0, round) }
      if ordered.contains(where: { isSame($0, end) }) { continue }
      if ordered.count == 1 {
        ordered.append(
          try await self.end { [try await carryOut(second, $0), try await carryOut(first, $0)].reversed() })
        if isSame(ordered[1], end) { continue }
      }
      if alone.isEmpty {
        for one in [first, second] { alone.append(try await self.end { [try await carryOut(one, $0)] }.state) }
      }
      if !end.isDone[0], end.state == alone[1] { continue }
      if !end.isDone[1], end.state == alone[0] { continue }
      failures.append(
        """
        \(first.name) || \(second.name), round \(round): \(end)
          one after the other: \(ordered[0])
          the other way round: \(ordered[1])
        """)
    }
    return failures
  }

  private func isSame(_ one: End, _ other: End) -> Bool {
    one.state == other.state && (!comparesOutcomes || one.isDone == other.isDone)
  }

  private func end(_ body: @escaping @Sendable (Subject) async throws -> [Bool]) async throws -> End {
    try await fresh { subject in
      let isDone = try await body(subject)
      return End(state: try await state(subject), isDone: isDone)
    }
  }

  /// Who begins, and how far ahead, differs with the round.
  private func atOnce(
    _ first: Operation<Subject>, _ second: Operation<Subject>, _ subject: Subject, _ round: Int
  ) async throws -> [Bool] {
    let isSwapped = round % 2 == 1
    let (early, late) = isSwapped ? (second, first) : (first, second)
    async let one = carryOut(early, subject)
    for _ in 0..<round { await Task.yield() }
    async let other = carryOut(late, subject)
    let outcomes = [try await one, try await other]
    return isSwapped ? outcomes.reversed() : outcomes
  }

  private func carryOut(_ operation: Operation<Subject>, _ subject: Subject) async throws -> Bool {
    do {
      try await operation.run(subject)
      return true
    } catch {
      return false
    }
  }
}
