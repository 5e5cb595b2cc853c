/// Punts: how protocols on the control side hear what comes to their switches.
///
/// They speak by `send`; what they decide comes back as forwarding states (`setForwarding`) and flushes (`flushFDB`).
extension Dataplane {
  /// A punt as the data plane keeps it.
  struct PuntEntry {
    let handle: PuntHandle
    let switches: Set<String>
  }

  /// Starts to copy frames that come in by any port of these switches, ends of patches too, into rings of its own, one a worker.
  ///
  /// Frames are seen as the switch gets them, with its verdict: those too that it drops, such as link-local ones and those
  /// that a port's state forbids. Ports that come later are part of it when their addition returns. A ring that is full
  /// costs its reader frames, which are counted, and never a forwarded frame.
  /// - Parameters:
  ///   - switches: names, one at least; a switch that is made again under its name is the same.
  ///   - filter: frames that are wanted, as they came; nil = all.
  ///   - ringSize: bytes that wait to be read at most, rounded up to a power of two; 256 KiB to 1 GiB.
  /// - Throws: `unknownSwitch`, or `invalid` for a setting out of range or too many captures and punts.
  package func punt(
    from switches: Set<String>, matching filter: FilterProgram?, ringSize: Int = 1 << 20
  ) async throws(DataplaneError) -> PuntHandle {
    guard !switches.isEmpty else { throw .invalid("a punt from no switch") }
    for name in switches.sorted() { _ = try switchIndex(name) }
    guard CaptureRing.sizes.contains(ringSize) else {
      throw .invalid("punt ring of \(ringSize) bytes: 256 KiB to 1 GiB can be had")
    }
    let rings = try Self.rings(workerCount, ringSize)
    let handle = PuntHandle(rings: rings, marks: marks)
    let members = records.filter { $0.switchName.map(switches.contains) ?? false }
      .map { (port: $0.index, interface: handle.append($0)) }
    // Before the wait: ports that come meanwhile join it.
    punts.append(PuntEntry(handle: handle, switches: switches))
    let isThere = await worker.run { core in
      guard let punt = core.coldStartCapture(rings, .punt(filter, ringSize: ringSize)) else { return false }
      for member in members { core.coldCapture(punt, member.port, member.interface) }
      return true
    }
    guard isThere, !isStopped else {
      punts.removeAll { $0.handle === handle }
      // Nobody else closes it any more.
      rings.close(.stopped)
      throw isStopped ? Self.hasEnded : .invalid("\(TapSet.captureLimit) captures and punts run already")
    }
    return handle
  }

  /// Ends a punt; what is in its rings can still be read.
  ///
  /// Nothing happens if it has ended.
  package func stopPunt(_ punt: PuntHandle) async {
    punts.removeAll { $0.handle === punt }
    let rings = punt.rings
    await worker.run { core in
      if let tap = core.state.taps.coldFind(rings) { core.coldStopCapture(tap, .stopped) }
    }
  }

  /// Takes ports that have just come into the punts of their switches.
  func joinPunts(_ records: [PortRecord]) async {
    var joining: [(rings: [CaptureRing], interface: CaptureInterface, port: Int, block: CounterBlock)] = []
    for record in records {
      guard let switchName = record.switchName else { continue }
      for entry in punts where entry.switches.contains(switchName) {
        joining.append((entry.handle.rings, entry.handle.append(record), record.index, record.block))
      }
    }
    guard !joining.isEmpty else { return }
    let all = joining
    await worker.run { core in
      for one in all {
        // The port may have gone, or the punt ended, meanwhile.
        guard core.state.ports[one.port].block === one.block, let tap = core.state.taps.coldFind(one.rings) else {
          one.interface.finish()
          continue
        }
        core.coldCapture(tap, one.port, one.interface)
      }
    }
  }
}

extension CaptureConfiguration {
  /// What a punt is, for the worker.
  fileprivate static func punt(_ filter: FilterProgram?, ringSize: Int) -> CaptureConfiguration {
    var configuration = CaptureConfiguration()
    configuration.isPunt = true
    configuration.directions = .fromNode
    configuration.drops = .included
    configuration.filter = filter
    configuration.ringSize = ringSize
    configuration.endsWithPorts = false
    return configuration
  }
}
