import Frames
internal import LinuxHost

/// Ports by interfaces of this host.
extension Dataplane {
  /// Opens a packet socket of an interface, and has the worker read from it.
  ///
  /// - Parameters:
  ///   - record: gets the interface's address, and its MTU if none was said.
  ///   - mtu: as it was said.
  func open(
    _ record: inout PortRecord, _ interface: HostInterface, mtu: Int?, isWanted: Bool
  ) async throws(DataplaneError) {
    let namespace = interface.namespace
    guard try await !inheritInterface(&record, namespace: namespace, mtu: mtu, isWanted: isWanted) else { return }
    let taken: OpenInterface
    do throws(SystemError) {
      taken = try await InterfaceSocket.openWithoutBlocking(interface.name, namespace: namespace)
    } catch {
      throw .host("port \(record.name): \(error)")
    }
    if mtu == nil { record.mtu = min(max(taken.mtu, 68), PortConfiguration.largestMTU) }
    if let address = MACAddress(taken.address) { record.address = address }
    notePort(record)
    let failure = await take(record, taken, interface.offload, isWanted: isWanted)
    do throws(SystemError) {
      if let failure { throw failure }
      try await watch(record.index, nil, index: taken.index, namespace)
      // Others than the first worker have its carrier only then.
      if workerCount > 1 { await worker.run { _ in } }
    } catch {
      await letGo(of: record)
      throw .host("port \(record.name): \(error)")
    }
  }

  /// Tells the reactor its name, and then the worker.
  private func take(
    _ record: PortRecord, _ taken: OpenInterface, _ offload: OffloadLevel, isWanted: Bool
  ) async -> SystemError? {
    let worker = worker
    var large: LargeFrameTypes = offload == .on ? .all : []
    if !taken.takesUDP { large.subtract([.udp4, .udp6]) }
    let takesLarge = large
    return await withCheckedContinuation { continuation in
      reactor.commands.submit { state in
        guard !state.hasEnded else { return continuation.resume(returning: Self.ending) }
        state.name(record.index, record.name)
        worker.commands.submit { core in
          core.coldAddPort(record, .nic, isWanted: isWanted)
          let error = core.coldOpenNIC(
            record.index, taken.descriptor, takesPartialChecksums: offload != .off, takesLarge: takesLarge)
          continuation.resume(returning: error)
        }
      }
    }
  }
}
