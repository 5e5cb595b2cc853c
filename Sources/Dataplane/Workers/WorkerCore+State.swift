import Frames

/// What a worker tells and takes in of lines and counters as plain values: see `Dataplane.save`.
extension WorkerCore {
  /// The lines' clock, and what each line of those ports holds; the first worker's to call, while all stand still.
  func coldLines(of ports: [(index: Int, name: String)]) -> [LineState] {
    let now = state.delays.clock
    var states: [LineState] = []
    for port in ports where port.index < state.ports.capacity {
      for line in [state.ports[port.index].ingressLine, state.ports[port.index].egressLine] where line >= 0 {
        states.append(state.delays.lines[line].coldState(port.name, now: now))
      }
    }
    return states
  }

  /// Takes in what a direction of a port held.
  ///
  /// If it is not impaired any more, the frames go on at once, in their order.
  mutating func coldRestoreLine(_ port: Int, _ held: LineState) {
    guard port < state.ports.capacity, state.ports[port].kind != .none else { return }
    let direction: DelayLine.Direction = held.direction == .fromNode ? .fromNode : .toNode
    // Frames of patches are held at the end that sends them.
    guard direction == .toNode || state.ports[port].kind != .patch else { return }
    let line = coldLine(port, direction)
    if let line { return state.delays.coldRestore(line, held, now: state.delays.clock) }
    guard !held.frames.isEmpty else { return }
    var passing = Impairment()
    passing.queueCount = min(held.frames.count, Impairment.largestQueue)
    coldImpair(port, direction, passing, seed: 0)
    if let line = coldLine(port, direction) { state.delays.coldRestore(line, held, now: state.delays.clock) }
    coldImpair(port, direction, nil, seed: 0)
  }

  /// What waits at those ports for nodes in switch-over.
  func coldHeldStores(of ports: [(index: Int, name: String)]) -> [HeldStoreState] {
    let now = state.delays.clock
    var states: [HeldStoreState] = []
    for port in ports where port.index < state.ports.capacity && state.ports[port.index].switchOver >= 0 {
      let place = state.ports[port.index].switchOver
      let deadline = state.delays.switchOvers[place].deadline
      var held = HeldStoreState(
        port: port.name, frames: [], isAsked: state.delays.switchOvers[place].isAsked,
        remaining: deadline > now ? deadline - now : 0)
      state.delays.switchOvers[place].coldForEach { held.frames.append(HeldFrameState($0, $1)) }
      states.append(held)
    }
    return states
  }

  /// Has frames wait that waited at a port of another data plane; they go on when its node takes frames.
  ///
  /// What cannot be a frame is left out; what finds no room is counted as dropped.
  mutating func coldRestoreHeld(_ port: Int, _ held: HeldStoreState, isAsked: Bool) {
    guard port < state.ports.capacity, ![.none, .patch].contains(state.ports[port].kind) else { return }
    coldHoldFrames(port, limit: min(held.remaining, LineState.longest), isAsked: isAsked)
    let place = state.ports[port].switchOver
    guard place >= 0 else { return }
    for frame in held.frames {
      guard let entry = coldJudge(frame) else { continue }
      state.delays.begin()
      let isKept = state.delays.switchOvers[place].coldAppend(entry, frame.bytes)
      state.delays.end()
      if !isKept { state.ports[port].counters.drop(EgressDrop.migrationBuffer) }
    }
    state.burst.reset()
    coldCarrier(port)
  }

  /// What is kept of a frame beside its bytes; nil if it cannot be one.
  private mutating func coldJudge(_ frame: HeldFrameState) -> HeldQueue.Entry? {
    let size = frame.bytes.count
    guard size >= Ethernet.headerSize, size <= Ethernet.maximumFrameSize + Ethernet.tagSize,
      frame.checksum?.isWithin(size) ?? true
    else { return nil }
    var entry = HeldQueue.Entry()
    if let checksum = frame.checksum {
      (entry.needsChecksum, entry.checksumStart, entry.checksumOffset) = (true, checksum.start, checksum.offset)
    }
    guard let large = frame.large else { return entry }
    // As frames are judged that a node sends.
    state.reset()
    state.pool.note(frame.bytes, in: state.burst)
    state.burst.frames[0].judge(
      OffloadHeader(
        OffloadHeader(checksumFrom: Int(entry.checksumStart), field: entry.checksumOffset), type: large.type,
        headers: 0, size: large.size), allowsPartial: entry.needsChecksum, .all)
    state.burst.judgeLarge(0, &state.burst.frames[0])
    guard !state.burst.frames[0].isHeaderInvalid else { return nil }
    (entry.segmentationType, entry.segmentSize) = (large.type, large.size)
    return entry
  }

  private func coldLine(_ port: Int, _ direction: DelayLine.Direction) -> Int? {
    let line = direction == .fromNode ? state.ports[port].ingressLine : state.ports[port].egressLine
    return line >= 0 ? line : nil
  }

  /// Adds what a port had counted elsewhere.
  mutating func coldAddCounters(_ port: Int, _ counters: PortCounters) {
    guard port < state.ports.capacity, state.ports[port].kind != .none else { return }
    state.ports[port].counters.coldAdd(counters)
  }
}

extension HeldFrameState {
  fileprivate init(_ entry: HeldQueue.Entry, _ bytes: [UInt8]) {
    let checksum =
      entry.needsChecksum ? Checksum(start: entry.checksumStart, offset: entry.checksumOffset) : nil
    self.init(bytes, checksum: checksum)
    if entry.segmentationType != 0 { large = Large(type: entry.segmentationType, size: entry.segmentSize) }
  }
}
