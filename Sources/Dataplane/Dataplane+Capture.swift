import Frames
internal import LinuxHost

/// Captures of frames at ports.
extension Dataplane {
  /// A capture as the data plane keeps it.
  struct CaptureEntry {
    let handle: CaptureHandle
    /// Its slot on each worker.
    let slot: Int
  }

  /// Starts to copy frames of ports into rings of its own, one a worker, which the caller drains.
  ///
  /// A ring that is full costs records, which are counted, and never a forwarded frame.
  /// - Parameter ports: names; may be empty if the configuration lets the capture go on without ports.
  /// - Throws: `unknownPort`, `invalid` for a setting out of range or too many captures, or `host` if there is no memory
  ///   for the rings.
  package func startCapture(
    ports: [String], _ configuration: CaptureConfiguration = CaptureConfiguration()
  ) async throws(DataplaneError) -> CaptureHandle {
    var members: [PortRecord] = []
    var names: Set<String> = []
    for name in ports where names.insert(name).inserted { members.append(try record(name)) }
    guard !members.isEmpty || !configuration.endsWithPorts else { throw .invalid("a capture of no port") }
    guard configuration.snapLength >= 0 else {
      throw .invalid("snap length \(configuration.snapLength) is negative")
    }
    guard CaptureRing.sizes.contains(configuration.ringSize) else {
      throw .invalid("capture ring of \(configuration.ringSize) bytes: 256 KiB to 1 GiB can be had")
    }
    guard !configuration.directions.isEmpty else { throw .invalid("a capture in no direction") }
    let rings = try Self.rings(workerCount, configuration.ringSize)
    lastCapture += 1
    let handle = CaptureHandle(id: lastCapture, rings: rings, marks: marks)
    let added = members.map { (port: $0.index, interface: handle.append($0)) }
    let slot = await worker.run { core -> Int? in
      guard let slot = core.coldStartCapture(rings, configuration) else { return nil }
      for member in added { core.coldCapture(slot, member.port, member.interface) }
      return slot
    }
    guard let slot else { throw .invalid("\(TapSet.captureLimit) captures run already") }
    guard !isStopped else {
      // Nobody else closes it any more.
      rings.close(.stopped)
      throw Self.hasEnded
    }
    captures.append(CaptureEntry(handle: handle, slot: slot))
    return handle
  }

  /// Replaces the filter of a running capture; nil = all frames are wanted.
  ///
  /// - Returns: the number of the change, which records have from then on.
  @discardableResult
  package func changeFilter(
    of capture: CaptureHandle, to program: FilterProgram?
  ) async throws(DataplaneError) -> UInt16 {
    let (slot, rings) = (try entry(capture).slot, capture.rings)
    let number = await worker.run { core -> UInt16? in
      core.state.taps.coldHolds(rings, at: slot) ? core.coldSetFilter(slot, program) : nil
    }
    guard let number else { throw .invalid("the capture has ended") }
    return number
  }

  /// Takes a port into a running capture; nothing happens if it is part of it.
  @discardableResult
  package func addPort(_ name: String, to capture: CaptureHandle) async throws(DataplaneError) -> CaptureInterface {
    let (slot, rings, record) = (try entry(capture).slot, capture.rings, try record(name))
    if let interface = capture.current(record) { return interface }
    let interface = capture.append(record)
    let isThere = await worker.run { core in
      // The port may have gone, or the capture ended, meanwhile.
      guard core.state.taps.coldHolds(rings, at: slot), core.state.ports[record.index].block === record.block else {
        return false
      }
      core.coldCapture(slot, record.index, interface)
      return true
    }
    guard isThere else {
      interface.finish()
      throw .invalid("the capture has ended, or port \(name) has gone")
    }
    return interface
  }

  /// Takes a port out of a running capture, which ends if it was the last.
  package func removePort(_ name: String, from capture: CaptureHandle) async throws(DataplaneError) {
    let (slot, rings, record) = (try entry(capture).slot, capture.rings, try record(name))
    await worker.run { core in
      guard core.state.taps.coldHolds(rings, at: slot), core.state.ports[record.index].block === record.block else {
        return
      }
      core.coldUncapture(slot, record.index)
    }
  }

  /// Ends a capture; what is in its rings can still be drained.
  ///
  /// Nothing happens if it has ended.
  package func stopCapture(_ capture: CaptureHandle) async {
    guard let entry = captures.first(where: { $0.handle === capture }) else { return }
    captures.removeAll { $0.handle === capture }
    let (slot, rings) = (entry.slot, capture.rings)
    await worker.run { core in
      if core.state.taps.coldHolds(rings, at: slot) { core.coldStopCapture(slot, .stopped) }
    }
  }

  /// Rings of a capture or punt.
  ///
  /// - Throws: `host` if there is no memory for them.
  static func rings(_ workers: Int, _ size: Int) throws(DataplaneError) -> [CaptureRing] {
    do throws(SystemError) {
      return try [CaptureRing](workers: workers, size: size)
    } catch {
      throw .host("\(error)")
    }
  }

  /// Captures that were started and not stopped; one whose ports went has `end` set.
  package func runningCaptures() -> [CaptureHandle] { captures.map(\.handle) }

  private func entry(_ capture: CaptureHandle) throws(DataplaneError) -> CaptureEntry {
    guard let entry = captures.first(where: { $0.handle === capture }) else {
      throw .invalid("the capture has ended")
    }
    return entry
  }
}
