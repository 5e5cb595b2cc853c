internal import LinuxHost

/// Carriers, and the interfaces of TAP ports.
extension Dataplane {
  func open(_ record: PortRecord, _ interface: TAPInterface, _ isWanted: Bool) async throws(DataplaneError) {
    let (descriptor, index, monitor): (Descriptor, Int, LinkMonitor?)
    let namespace = interface.namespace
    let isWatched = await interfaces.run { $0.isWatching(namespace) }
    let request = TAPRequest(
      name: interface.name, namespace: namespace, hasHeader: interface.offload,
      hasChecksumOffload: interface.offload, isPersistent: true)
    do throws(SystemError) {
      descriptor = try TAPDevice.open(request)
      index = try Netlink.index(of: interface.name, namespace: namespace)
      monitor = isWatched ? nil : try LinkMonitor(namespace: namespace)
    } catch {
      throw .host("port \(record.name): \(error)")
    }
    records.append(record)
    await install(record, .tap, isWanted)
    await reactor.run { $0.names[record.index] = record.name }
    let failure = await worker.run { $0.coldOpenTAP(record.index, descriptor, hasOffload: interface.offload) }
    if let failure {
      await uninstall(record)
      throw .host("port \(record.name): \(failure)")
    }
    await interfaces.run { $0.watch(port: record.index, descriptor, index: index, namespace, monitor) }
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
    await worker.run { $0.coldSetWanted(record.index, up) }
    if !record.isToldByOwner { await reactor.run { $0.endpoints[record.index]?.setAdmitting(up) } }
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
      for port in told where !core.cables[port.index].told { held.insert(port.name) }
      return held
    }
  }
}
