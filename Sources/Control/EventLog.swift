import Dataplane
import Logging

/// Writes what happens in the data plane to the daemon's log: a line each, as it happens.
struct EventLog: Sendable {
  let logger: Logger

  /// Follows one data plane until it stops; for its only reader.
  func follow(_ plane: Dataplane) {
    Task { for await event in plane.events { write(event) } }
  }

  func write(_ event: DataplaneEvent) {
    switch event {
    case .portUp(let port): logger.info("port \(port) is up")
    case .portDown(let port): logger.info("port \(port) is down")
    case .portFault(let port, let reason): logger.warning("port \(port): \(reason)")
    case .portRefusal(let port, let reason): logger.warning("port \(port): refused: \(reason)")
    case .portAdvice(let port, let text): logger.warning("port \(port): \(text)")
    }
  }
}
