/// Looks until a condition holds, for a minute at most; returns whether it does.
///
/// For what comes about by itself, on machines of any speed: a report that reaches another thread, a descriptor of which a
/// process that another test starts holds a copy for a moment.
package func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
  let deadline = ContinuousClock.now + .seconds(60)
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(2))
  }
  return try await condition()
}

/// What did not come about in time.
package struct NotInTime: Error, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

/// Asks again and again until the answer is yes, 20 times a second.
///
/// - Throws: `NotInTime` when the time is over.
package func eventually(
  _ what: String, within seconds: Double = 60, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(seconds)
  while try await !condition() {
    guard ContinuousClock.now < deadline else { throw NotInTime(description: "not within \(seconds) s: \(what)") }
    try await Task.sleep(for: .milliseconds(50))
  }
}
