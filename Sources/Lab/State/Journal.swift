import Synchronization

/// What one `up` has made so far, with the way back: when a later step fails, nothing of it is left behind.
final class Journal: Sendable {
  private struct Entry: Sendable {
    var subject: String
    var undo: @Sendable () async throws -> Void
  }

  private let entries = Mutex<[Entry]>([])

  /// Notes that `subject` exists from now on.
  /// - Parameter undo: removes it; called at most once, after everything that was noted later is gone.
  func note(_ subject: String, undo: @escaping @Sendable () async throws -> Void) {
    entries.withLock { $0.append(Entry(subject: subject, undo: undo)) }
  }

  /// Removes everything noted, last first.
  ///
  /// Goes on after an error.
  /// - Returns: what could not be removed, and why.
  func rollBack() async -> [String] {
    let undone = entries.withLock { entries in
      defer { entries = [] }
      return entries.reversed()
    }
    var failures: [String] = []
    for entry in undone {
      do {
        try await entry.undo()
      } catch {
        failures.append("\(entry.subject): \(error)")
      }
    }
    return failures
  }
}
