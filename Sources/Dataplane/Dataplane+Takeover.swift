internal import LinuxHost
internal import VhostUser

/// Sessions taken out of one data plane and put into another.
extension Dataplane {
  /// Takes the session out of a vhost-user port, which then waits for the next front-end; nil if nobody is connected, or
  /// the front-end left meanwhile.
  package func takeSession(port name: String) async throws(DataplaneError) -> TakenSession? {
    let index = try record(name).index
    let commands = reactor.commands
    return await withCheckedContinuation { continuation in
      commands.submit { state in
        guard let endpoint = state.endpoints[index] else { return continuation.resume(returning: nil) }
        endpoint.take { continuation.resume(returning: $0) }
      }
    }
  }

  /// Has a vhost-user port go on with a session that was taken out, here or elsewhere.
  ///
  /// Returns when its rings run, or its front-end has left meanwhile.
  /// - Throws: `invalid` if the port has a front-end, or does not offer what the session's front-end has acknowledged, or
  ///   the session says what cannot be. Its connection is closed then.
  package func takeUp(_ taken: TakenSession, port name: String) async throws(DataplaneError) {
    let index = try record(name).index
    let failure = await reactor.run { state -> String? in
      guard let endpoint = state.endpoints[index] else { return "it is not a vhost-user port" }
      return endpoint.takeUp(taken)
    }
    if let failure { throw .invalid("port \(name): \(failure)") }
    // Each turn is a question to the worker and its answer; there are as many as rings, and two.
    while await reactor.run({ $0.endpoints[index]?.session?.isTakingUp == true }) { await worker.run { _ in } }
  }
}
