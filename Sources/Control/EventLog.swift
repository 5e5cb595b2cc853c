import Dataplane
import Lab
import Logging

/// Writes what happens in the data plane to the daemon's log: a line each, as it happens.
struct EventLog: Sendable {
  let logger: Logger

  /// Follows one data plane from its start until it stops.
  func follow(_ plane: Dataplane) {
    let events = plane.events.subscribe(fromStart: true)
    Task { for await heard in events { write(heard) } }
  }

  private func write(_ heard: Broadcast<DataplaneEvent>.Heard) {
    switch heard {
    case .element(let event): write(event)
    case .lost(let count): logger.warning("\(count) events came faster than they could be written down")
    }
  }

  func write(_ event: DataplaneEvent) {
    switch event {
    case .portUp(let port): logger.info("port \(port) is up")
    case .portDown(let port): logger.info("port \(port) is down")
    case .portFault(let port, let reason): logger.warning("port \(port): \(reason)")
    case .portRefusal(let port, let reason): logger.warning("port \(port): refused: \(reason)")
    case .portAdvice(let port, let text): logger.warning("port \(port): \(text)")
    case .carrierChangesLost(let port, let count):
      logger.info("port \(port): \(count) changes of its carrier came faster than they could be told")
    case .stations(let news):
      // Moves are told as events; a log would be full of them.
      if case .full = news.what { logger.warning("switch \(news.switchName): \(news.words)") }
    case .workerAdvice(let worker, let text): logger.warning("worker \(worker): \(text)")
    }
  }
}
