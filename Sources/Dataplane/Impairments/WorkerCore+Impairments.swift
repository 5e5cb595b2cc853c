import CLinux
import Frames

/// Impaired ports: their frames are held in lines, and go on when their time has come.
///
/// A port without impairment pays one branch a burst where its frames come in, and one where they leave.
extension WorkerCore {
  // Taking in.

  /// Read after a burst was taken, so that no frame leaves earlier than its delay says.
  @inline(__always)
  mutating func readClock() {
    if !isDriven { now = clinux_monotonic() }
  }

  /// Holds a burst from the node; what the switch would refuse at sight is refused now.
  @inline(never)
  mutating func holdBurst(of port: Int) {
    readClock()
    let line = ports[port].ingressLine
    var outcome = DelayLine.Outcome()
    var bytes = 0
    for index in 0..<burst.count {
      let size = burst.frames[index].size
      bytes += size
      if size < Ethernet.headerSize {
        refuse(index, at: port, .runt)
      } else if burst.frames[index].isHeaderInvalid {
        refuse(index, at: port, .headerInvalid)
      } else {
        let frame = DelayLine.Candidate(index: index, edit: .keep, packetID: packetID(index))
        let drop = lines[line].hold(frame, of: burst, now: now, &outcome)
        if drop != .none { noteDrop(index, at: port, .keep, drop, .fromNode) }
      }
    }
    ports[port].counters.received(packets: burst.count, bytes: bytes)
    note(outcome, port, line)
  }

  /// Holds a port's pending frames.
  @inline(never)
  mutating func holdPending(of port: Int, count: Int) {
    readClock()
    let line = ports[port].egressLine
    var outcome = DelayLine.Outcome()
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      let index = Int(item.frame)
      let frame = DelayLine.Candidate(index: index, edit: item.edit, packetID: packetID(index))
      let drop = lines[line].hold(frame, of: burst, now: now, &outcome)
      if drop != .none { noteDrop(index, at: port, item.edit, drop, .toNode) }
    }
    note(outcome, port, line)
  }

  /// Holds a frame that is about to cross a patch, with what its switch found out about it.
  @inline(never)
  mutating func holdCrossing(_ place: Place, patch: Int) {
    readClock()
    let line = ports[patch].egressLine
    let isTagged = burst.frames[place.frame].isTagged
    let note =
      UInt32(place.vlan | place.priority) | UInt32(truncatingIfNeeded: place.hops) << 16 | (isTagged ? 1 << 31 : 0)
    var outcome = DelayLine.Outcome()
    let frame = DelayLine.Candidate(index: place.frame, edit: .keep, packetID: packetID(place.frame), note: note)
    let drop = lines[line].hold(frame, of: burst, now: now, &outcome)
    if drop != .none { noteDrop(place.frame, at: patch, edit(place, patch), drop, .toNode) }
    self.note(outcome, patch, line)
  }

  private mutating func note(_ outcome: DelayLine.Outcome, _ port: Int, _ line: Int) {
    nextRelease = min(nextRelease, lines[line].nextRelease)
    if outcome.lost > 0 { ports[port].counters.drop(EgressDrop.impairedLoss, outcome.lost) }
    if outcome.withoutRoom > 0 { ports[port].counters.drop(EgressDrop.impairedQueue, outcome.withoutRoom) }
  }

  // Letting go.

  /// Sends on what is due, a burst of each line at most; returns the frames.
  @inline(never)
  mutating func releaseDue() -> Int {
    var moved = 0
    for line in 0..<lines.count where lines[line].nextRelease <= now { moved += release(line, until: now) }
    findNextRelease()
    released += moved
    return moved
  }

  private mutating func findNextRelease() {
    nextRelease = .max
    for line in 0..<lines.count { nextRelease = min(nextRelease, lines[line].nextRelease) }
  }

  @inline(never)
  private mutating func release(_ line: Int, until time: UInt64) -> Int {
    let port = lines[line].port
    let isDelivered = lines[line].direction == .toNode && ports[port].kind != .patch
    burst.reset()
    copies = 0
    stamp = 0
    isReleasing = true
    lines[line].take(
      into: burst, packetIDs: packetIDs, notes: heldNotes, until: time,
      limit: isDelivered ? Burst.capacity : ports[port].burstLimit)
    let count = burst.count
    if isDelivered { deliverReleased(to: port) } else { passOnReleased(from: port) }
    burst.reset()
    isReleasing = false
    lines[line].letGo()
    return count
  }

  private mutating func deliverReleased(to port: Int) {
    for index in 0..<burst.count {
      pending[port * Burst.capacity + index] = PendingFrame(frame: UInt16(truncatingIfNeeded: index), edit: .keep)
    }
    ports[port].pendingCount = burst.count
    deliver(to: port, isReleased: true)
  }

  /// Forwards frames from a node, which were counted when they came, or from a patch.
  private mutating func passOnReleased(from port: Int) {
    if ports[port].kind == .patch {
      crossReleased(port)
    } else {
      guard ports[port].isUp else {
        for index in 0..<burst.count { refuse(index, at: port, .portDown) }
        return
      }
      if ports[port].taps & puntTaps != 0 { punt(from: port, queue: 0) }
      _ = forwardBurst(from: port)
    }
    deliverTouched()
    adaptBurst(port)
  }

  private mutating func crossReleased(_ patch: Int) {
    crossings = 0
    for index in 0..<burst.count {
      let note = heldNotes[index]
      if note >> 31 != 0 { burst.frames[index].flags.insert(.tagged) }
      let place = Place(
        frame: index, ingress: patch, switchIndex: ports[patch].switchIndex, vlan: UInt16(note & 0x0FFF),
        priority: UInt16(note & 0xF000), hops: Int(note >> 16 & 0xFF))
      arrive(place, patch: patch)
    }
  }

  // Commands.

  /// Replaces what is done to one direction of a port; see `Dataplane.setImpairment`.
  mutating func coldImpair(_ port: Int, _ direction: DelayLine.Direction, _ impairment: Impairment?, seed: UInt64) {
    guard ports[port].kind != .none else { return }
    let line = direction == .fromNode ? ports[port].ingressLine : ports[port].egressLine
    guard let impairment else {
      if line >= 0 { coldEmptyLine(line) }
      return
    }
    guard line < 0 else { return lines[line].coldChange(impairment) }
    let free = coldFreeLine()
    lines[free] = DelayLine(impairment, port: port, direction, seed: seed)
    lineCount += 1
    switch direction {
    case .fromNode: ports[port].ingressLine = free
    case .toNode: ports[port].egressLine = free
    }
  }

  private mutating func coldFreeLine() -> Int {
    for line in 0..<lines.count where lines[line].port < 0 { return line }
    let first = lines.count
    lines.grow(to: max(2 * first, 4)) { _ in DelayLine() }
    return first
  }

  /// Ends a line; what it holds goes on at once.
  private mutating func coldEmptyLine(_ line: Int) {
    while lines[line].count > 0 { _ = release(line, until: .max) }
    settleCalls()
    coldRemoveLine(line)
  }

  /// Ends the lines of a port; what they hold is gone.
  mutating func coldRemoveLines(of port: Int) {
    for line in [ports[port].ingressLine, ports[port].egressLine] where line >= 0 { coldRemoveLine(line) }
  }

  private mutating func coldRemoveLine(_ line: Int) {
    let port = lines[line].port
    if ports[port].ingressLine == line { ports[port].ingressLine = -1 }
    if ports[port].egressLine == line { ports[port].egressLine = -1 }
    lines[line] = DelayLine()
    lineCount -= 1
    findNextRelease()
  }
}
