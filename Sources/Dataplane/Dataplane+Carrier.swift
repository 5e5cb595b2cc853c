internal import LinuxHost

/// Carriers, and the interfaces of TAP ports.
extension Dataplane {
  /// Opens an interface, which may take a while, and has the worker read from it.
  func open(_ record: inout PortRecord, _ interface: TAPInterface, isWanted: Bool) async throws(DataplaneError) {
    let namespace = interface.namespace
    guard try await !inheritInterface(&record, namespace: namespace, mtu: nil, isWanted: isWanted) else { return }
    let request = TAPRequest(
      name: interface.name, namespace: namespace, hasHeader: interface.offload != .off,
      offloads: interface.offload.tapOffloads, isPersistent: true)
    let (tap, index): (OpenTAP, Int)
    do throws(SystemError) {
      tap = try await TAPDevice.openWithoutBlocking(request)
      index = try await NetworkNamespace.runWithoutBlocking(in: namespace) { () throws(SystemError) in
        try Netlink.index(of: request.name, namespace: namespace)
      }
    } catch {
      throw .host("port \(record.name): \(error)")
    }
    notePort(record)
    let failure = await take(record, tap, hasOffload: request.hasHeader, isWanted: isWanted)
    do throws(SystemError) {
      if let failure { throw failure }
      try await watch(record.index, tap.descriptor, index: index, namespace)
      // Others than the first worker have its carrier only then.
      if workerCount > 1 { await worker.run { _ in } }
    } catch {
      await letGo(of: record)
      throw .host("port \(record.name): \(error)")
    }
  }

  /// Tells the reactor its name, and then the worker.
  private func take(
    _ record: PortRecord, _ tap: OpenTAP, hasOffload: Bool, isWanted: Bool
  ) async -> SystemError? {
    let worker = worker
    return await withCheckedContinuation { continuation in
      reactor.commands.submit { state in
        guard !state.hasEnded else { return continuation.resume(returning: Self.ending) }
        state.name(record.index, record.name)
        worker.commands.submit { core in
          core.coldAddPort(record, .tap, isWanted: isWanted)
          let error = core.coldOpenTAP(
            record.index, tap.descriptor, hasOffload: hasOffload, takesLarge: LargeFrameTypes(tap.offloads))
          continuation.resume(returning: error)
        }
      }
    }
  }

  /// Hears of an interface from now on; the first one in a namespace needs a monitor there.
  func watch(
    _ port: Int, _ descriptor: Descriptor?, index: Int, _ namespace: String?
  ) async throws(SystemError) {
    guard await !interfaces.run({ $0.watch(port: port, descriptor, index: index, namespace, nil) }) else { return }
    let monitor = try await NetworkNamespace.runWithoutBlocking(in: namespace) { () throws(SystemError) in
      try LinkMonitor(namespace: namespace)
    }
    _ = await interfaces.run { $0.watch(port: port, descriptor, index: index, namespace, monitor) }
  }

  /// The last word of the worker about it was heard.
  func forgetInterface(of record: PortRecord) async {
    await reactor.settle()
    await interfaces.run { $0.forget(port: record.index) }
  }

  /// Takes a port's carrier away, or gives it back; returns when its node was told, if that is for us to do.
  ///
  /// A vhost-user session ends with it, unless the carrier is told by who made the port.
  package func setCarrier(port: String, up: Bool) async throws(DataplaneError) {
    let record = try record(port)
    let (commands, number) = (reactor.commands, record.index)
    await withCheckedContinuation { continuation in
      // One after the other, so that of two changes at once the same is the last for both.
      worker.commands.submit { core in
        core.coldSetWanted(number, up)
        commands.submit { state in
          if !record.isToldByOwner { state.setAdmitting(port: number, up) }
          continuation.resume()
        }
      }
    }
    await tellNodes()
  }

  /// Returns when all that interfaces have done so far counts, and their nodes were told what follows from it.
  package func settleInterfaces() async {
    await interfaces.run { $0.hear() }
    await worker.run { _ in }
    await tellNodes()
  }

  private func tellNodes() async {
    await reactor.settle()
    await interfaces.run { _ in }
  }

  /// Ports whose guests are to see no carrier because of the other end of their wire; only of those that are told by
  /// who made them.
  package func heldPorts() async -> Set<String> {
    let told = records.filter(\.isToldByOwner).map { (index: $0.index, name: $0.name) }
    guard !told.isEmpty else { return [] }
    return await worker.run { core in
      var held: Set<String> = []
      for port in told where !core.state.ports.cables[port.index].told { held.insert(port.name) }
      return held
    }
  }
}
