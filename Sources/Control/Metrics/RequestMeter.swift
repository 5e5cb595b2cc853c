import Hummingbird
import NIOCore
import Synchronization

/// Counts requests of the API as they are answered, and connections; bounded by the table of routes.
final class RequestMeter: Sendable {
  /// What requests are told apart by.
  struct Kind: Hashable, Comparable {
    var method: String
    /// The row's path: `/v1/ports/{port}`; `none` where no row matches.
    var route: String
    var status: Int

    static func < (one: Kind, other: Kind) -> Bool {
      (one.route, one.method, one.status) < (other.route, other.method, other.status)
    }
  }

  private struct State {
    var counts: [Kind: UInt64] = [:]
    /// Connections that are open, and have asked something.
    var connections: Set<ObjectIdentifier> = []
    var connectionCount: UInt64 = 0
  }

  private let state = Mutex(State())

  /// How often each kind of request was answered.
  var counts: [(kind: Kind, count: UInt64)] {
    state.withLock(\.counts).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Connections: those that are open now and have asked something, and all that ever did.
  var connections: (open: Int, all: UInt64) { state.withLock { ($0.connections.count, $0.connectionCount) } }

  fileprivate func note(_ kind: Kind) { state.withLock { $0.counts[kind, default: 0] += 1 } }

  fileprivate func note(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    let isNew = state.withLock { state in
      guard state.connections.insert(id).inserted else { return false }
      state.connectionCount += 1
      return true
    }
    guard isNew else { return }
    channel.closeFuture.whenComplete { [weak self] _ in
      _ = self?.state.withLock { $0.connections.remove(id) }
    }
  }
}

/// Has every request counted, whatever becomes of it.
struct MeterMiddleware: RouterMiddleware {
  let meter: RequestMeter

  func handle(
    _ request: Request, context: ControlContext, next: (Request, ControlContext) async throws -> Response
  ) async throws -> Response {
    meter.note(context.channel)
    let response = try await next(request, context)
    // Methods and paths that there are not are as many as anybody likes; Hummingbird has a word in place of their path.
    let route = context.endpointPath.flatMap { $0.hasPrefix("/") ? $0 : nil }
    meter.note(
      RequestMeter.Kind(
        method: route == nil ? "none" : request.method.rawValue, route: route ?? "none",
        status: Int(response.status.code)))
    return response
  }
}
