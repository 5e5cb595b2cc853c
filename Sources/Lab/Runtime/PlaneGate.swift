import Dataplane
import Synchronization

/// The data plane of a lab for those who wait at no door: who reads, and who captures.
///
/// A data plane that has ended answers nobody. So who is inside keeps it from ending, and who comes too late is told.
final class PlaneGate: Sendable {
  private struct State {
    var plane: Dataplane?
    var insideCount = 0
    /// Who waits until the last has left.
    var closer: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// Lets everybody in to a data plane that has begun.
  func open(_ plane: Dataplane) { state.withLock { $0.plane = plane } }

  /// Lets nobody in any more; returns when all have left.
  ///
  /// One caller at a time.
  func close() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        state.plane = nil
        if state.insideCount > 0 { state.closer = continuation }
        return state.insideCount == 0
      }
      if isEmpty { continuation.resume() }
    }
  }

  /// - Returns: the data plane, which does not end before `leave`; nil when there is none, and nothing is to be left.
  func enter() -> Dataplane? {
    state.withLock { state in
      guard let plane = state.plane else { return nil }
      state.insideCount += 1
      return plane
    }
  }

  func leave() {
    let closer = state.withLock { state -> CheckedContinuation<Void, Never>? in
      state.insideCount -= 1
      return state.insideCount == 0 ? state.closer.take() : nil
    }
    closer?.resume()
  }
}

extension LabRuntime {
  /// Takes frames as if a port's node had sent them.
  /// - Throws: `DataplaneError`, also when no lab is up any more.
  package nonisolated func inject(_ frames: [[UInt8]], into port: String) async throws(DataplaneError) {
    guard let plane = gate.enter() else { throw .invalid("the lab was taken down") }
    defer { gate.leave() }
    try await plane.inject(port: port, frames: frames)
  }

  /// Asks the data plane something; it does not end meanwhile, so what takes long holds a `down` up.
  /// - Returns: nil when there is none.
  package nonisolated func withPlane<Value: Sendable>(
    _ body: @Sendable (Dataplane) async throws -> Value
  ) async rethrows -> Value? {
    guard let plane = gate.enter() else { return nil }
    defer { gate.leave() }
    return try await body(plane)
  }
}
