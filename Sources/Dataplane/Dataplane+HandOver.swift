package import LinuxHost
internal import VhostUser

/// The data plane goes to another process, whose nodes notice nothing but a short silence: the side that gives it.
///
/// Nothing is taken apart for it: workers and reactor stand still, and what every port has open is told as plain values
/// and descriptors, of which the other process has duplicates. So `resume` has only to let them go on. From `handOver`
/// to `begin` there, or to `resume` here, frames wait where they are: in rings, in interfaces and in sockets.
extension Dataplane {
  /// Between two looks whether all workers stand still.
  private static let haltPause = Duration.microseconds(100)

  /// Has all frames stand still, and tells all that another process needs to go on.
  ///
  /// `resume` or `stop` follows. After `stop` everything belongs to the other process: socket files stay.
  /// - Returns: the value, and the descriptors that it names by their places.
  /// - Throws: if it cannot be; it goes on then as if nothing had been.
  package func handOver() async throws(DataplaneError) -> (state: PlaneState, descriptors: [Descriptor]) {
    try checkGoesOn()
    guard inheritance == nil else { throw .invalid("the data plane has not begun itself") }
    try await checkNobodyMoves()
    try checkGoesOn()
    isHandedOver = true
    do throws(DataplaneError) {
      return try await give()
    } catch {
      await resume()
      throw error
    }
  }

  /// Goes on as if nothing had been, since the other process does not take it over.
  ///
  /// - Parameter first: done before any frame moves, such as to capture again; not to take long.
  package func resume(first: @Sendable () async -> Void = {}) async {
    guard isHandedOver, !isStopped else { return }
    for listener in listeners.values { listener.setGivenAway(false) }
    isHandedOver = false
    await first()
    await worker.run { $0.coldGoOn() }
    await reactor.run { $0.goOn() }
    await interfaces.run { $0.goOn() }
  }

  private func checkNobodyMoves() async throws(DataplaneError) {
    if let name = await movingPort() { throw .invalid("port \(name): its machine is being moved") }
  }

  /// A port that has a second front-end or peer; nil = none has.
  private func movingPort() async -> String? {
    let port = await reactor.run { state in
      state.standbys.keys.first ?? state.sockets.values.first { $0.standbyStatus != nil }?.port
    }
    return port.flatMap { portTable.name(of: $0) }
  }

  private func give() async throws(DataplaneError) -> (state: PlaneState, descriptors: [Descriptor]) {
    await reactor.run { $0.halt() }
    // What came in between the first look and this.
    try await checkNobodyMoves()
    // Before the workers: what they are told of interfaces has them read frames.
    await interfaces.run { $0.halt() }
    // Each is a question to the worker that has been asked, or its next one.
    while await reactor.run({ $0.isBetweenSteps }) { await worker.run { _ in } }
    while await !worker.run({ $0.coldHalt() }) { try? await Task.sleep(for: Self.haltPause) }
    // What workers have said so far, and what the reactor has them do for it.
    await reactor.settle()
    await worker.run { _ in }
    let records = records.filter { $0.kind != .patch }
    let indices = records.map(\.index)
    let open = await worker.run { $0.coldOpenPorts(indices) }
    let links = await interfaces.run { state in indices.map { state.link(of: $0) } }
    let giving = records.indices.map { place in
      let record = records[place]
      return ReactorState.Giving(
        record: (record.index, record.name, record.kind, record.place),
        listener: listeners[record.index]?.descriptor, open: open[place], link: links[place], mtu: record.mtu,
        address: record.address.map { "\($0)" })
    }
    guard let given = await reactor.run({ $0.give(giving) }) else {
      throw .host("the session of a front-end cannot be handed over at this moment")
    }
    for listener in listeners.values { listener.setGivenAway(true) }
    var state = await save()
    state.ports = given.ports
    state.takenAt = HostClock.monotonic
    return (state, given.descriptors)
  }
}
