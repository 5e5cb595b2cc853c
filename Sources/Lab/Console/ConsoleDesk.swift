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
  ///   - steals: whoever has it loses it, and is told.
  ///   - connect: connects to it; called when nobody else has it any more.
  /// - Throws: `UserError` when another client has it; what `connect` throws.
  func open(
    _ node: String, steals: Bool, connect: () throws(UserError) -> Descriptor
  ) throws(UserError) -> ConsoleSession {
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
      do throws(UserError) {
        let session = ConsoleSession(try connect())
        entries[node] = Entry(session: session)
        return .success(session)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The socket of whoever has the console of a node; nil = nobody.
  func socket(of node: String) -> SwitchedSocket? {
    entries.withLock { entries in
      guard let session = entries[node]?.session, !session.isOver else { return nil }
      return session.socket
    }
  }
}
