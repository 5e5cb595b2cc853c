import Frames

/// Frames of impaired ports, which are held in lines and go on when their time has come (WorkerCore+Release.swift).
///
/// A port without impairment pays one branch a burst where its frames come in, and one where they leave.
extension WorkerState {
  /// Holds a burst from the node; what the switch would refuse at sight is refused now.
  @inline(never)
  mutating func holdBurst(of port: Int) {
    delays.readClock()
    let line = ports[port].ingressLine
    var bytes = 0
    delays.begin()
    for index in 0..<burst.count {
      let size = burst.frames[index].size
      bytes += size
      if size < Ethernet.headerSize {
        refuse(index, at: port, .runt)
      } else if burst.frames[index].isHeaderInvalid {
        refuse(index, at: port, .headerInvalid)
      } else {
        let frame = DelayLine.Candidate(index: index, edit: .keep, packetID: taps.packetID(index))
        refuseHeld(hold(frame, in: line), index, at: port, .keep, .fromNode)
      }
    }
    delays.end()
    ports[port].counters.received(packets: burst.count, bytes: bytes)
  }

  /// Has a line hold a frame; the segments of a large one are work like any other.
  private mutating func hold(_ frame: DelayLine.Candidate, in line: Int) -> DelayLine.HoldOutcome {
    let outcome = delays.hold(frame, of: burst, in: line, workLimit: burst.hasLarge ? workLeft : .max)
    if burst.hasLarge { chargeLarge(outcome.work, for: 1) }
    return outcome
  }

  /// Holds a port's pending frames.
  @inline(never)
  mutating func holdPending(of port: Int, count: Int) {
    delays.readClock()
    let line = ports[port].egressLine
    delays.begin()
    for position in 0..<count {
      let item = pending[port * Burst.capacity + position]
      let index = Int(item.frame)
      let frame = DelayLine.Candidate(index: index, edit: item.edit, packetID: taps.packetID(index))
      refuseHeld(hold(frame, in: line), index, at: port, item.edit, .toNode)
    }
    delays.end()
  }

  /// Holds a frame that is about to cross a patch, with what its switch found out about it.
  @inline(never)
  mutating func holdCrossing(_ place: Place, patch: Int) {
    delays.readClock()
    let note = place.note(isTagged: burst.frames[place.frame].isTagged)
    let frame = DelayLine.Candidate(
      index: place.frame, edit: .keep, packetID: taps.packetID(place.frame), note: note)
    delays.begin()
    let outcome = hold(frame, in: ports[patch].egressLine)
    delays.end()
    refuseHeld(outcome, place.frame, at: patch, edit(place, patch), .toNode)
  }
}
