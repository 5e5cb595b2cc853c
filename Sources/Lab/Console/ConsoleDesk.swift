import LinuxHost
import Synchronization

/// Gives each console to one client at a time.
final class ConsoleDesk: Sendable {
  private struct Entry {
    weak var session: ConsoleSession?
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// Connects a client to the console of a node.
  /// - Parameters:
  ///   - path: QEMU's socket.
  ///   - steals: whoever has it loses it, and is told.
  /// - Throws: `UserError` when another client has it, or nobody listens there.
  func open(_ node: String, path: String, steals: Bool) throws(UserError) -> ConsoleSession {
    let result: Result<ConsoleSession, UserError> = entries.withLock { entries in
      let other = entries[node]?.session
      if let other, !other.isOver {
        guard steals else {
          return .failure(
            UserError(
              .failed, "the console of node \(node) is in use", hint: "`apus console --steal \(node)` takes it over"))
        }
        // QEMU takes the next connection once it has seen the end of this one.
        other.end(.taken)
      }
      do throws(SystemError) {
        let session = ConsoleSession(try UnixSocket.connect(path: path))
        entries[node] = Entry(session: session)
        return .success(session)
      } catch {
        return .failure(
          UserError(.failed, "console of node \(node): \(error)", hint: "does the node run? see `apus ps`"))
      }
    }
    return try result.get()
  }
}
