import Frames

/// Frames of ports that have rules: judged where they come in, and where they leave, before anything is copied.
///
/// A port without rules pays a look at its slot for a frame that needs thought, and nothing for one of a conversation.
extension WorkerState {
  /// When frames of a VLAN are judged; the clock is read once a burst, where it matters.
  @inline(__always)
  private mutating func moment(_ checks: PortRuleSet.Checks, vlan: UInt16) -> PortRuleSet.Moment {
    if checks.needsClock, !burst.isTimed {
      burst.isTimed = true
      delays.readClock()
    }
    return PortRuleSet.Moment(now: delays.now, tick: tick, worker: ports.worker, vlan: vlan)
  }

  /// The VLAN of flows: where nobody reads tags, that of the tag that the frame bears.
  @inline(__always)
  mutating func flowVLAN(_ place: Place, at port: Int) -> UInt16 {
    ports[port].mode == .access || ports[port].mode == .trunk ? place.vlan : unreadVLAN(place)
  }

  @inline(never)
  private mutating func unreadVLAN(_ place: Place) -> UInt16 {
    let form = WireForm(bits: place.priority)
    if let tag = form.tag { return tag.vlan }
    let header = burst.header(place.frame)
    return form.bits == WireForm.asItCame.bits && header.isTagged ? header.tag.vlan : 0
  }

  /// Why a frame from a port's node does not pass its rules; nil = it does.
  @inline(never)
  mutating func judgeArrival(_ place: Place, isUnknown: Bool) -> IngressDrop? {
    let rules = ruleSets.place(ports[place.ingress].rules)
    let moment = moment(rules.element.arrivalChecks, vlan: flowVLAN(place, at: place.ingress))
    burst.look(place.frame)
    let isLocked = ports.isShared && rules.element.needsLock
    if isLocked { rules.element.lock.take() }
    let drop = rules.element.judgeArrival(place.frame, of: burst, moment, isUnknown: isUnknown)
    if isLocked { rules.element.lock.giveBack() }
    return drop
  }

  /// Why a frame does not leave for a port's node by its rules; nil = it does.
  @inline(never)
  mutating func judgeDeparture(_ place: Place, by port: Int) -> EgressDrop? {
    if ports[port].ruleUse.contains(.isolated), ports[place.ingress].ruleUse.contains(.isolated) { return .isolated }
    guard ports[port].ruleUse.contains(.departures) else { return nil }
    let rules = ruleSets.place(ports[port].rules)
    let moment = moment(rules.element.departureChecks, vlan: flowVLAN(place, at: port))
    burst.look(place.frame)
    let isLocked = ports.isShared && rules.element.needsLock
    if isLocked { rules.element.lock.take() }
    let drop = rules.element.judgeDeparture(place.frame, of: burst, moment)
    if isLocked { rules.element.lock.giveBack() }
    return drop
  }

  // Frames of a conversation, all at once.

  /// The same as `enqueue`, between ports of which one at least has rules.
  @inline(never)
  mutating func enqueueRuled(_ known: Conversation, from index: Int) -> (frames: Int, bytes: Int) {
    let port = known.output
    let waiting = ports[port].pendingCount
    let start = port * Burst.capacity + waiting
    let run = burst.noteConversation(known, from: index, in: pending, at: start, room: Burst.capacity - waiting)
    guard run.frames > 0 else { return (0, 0) }
    if taps.recorder.isRecording { taps.recorder.record(burst, from: index, count: run.frames, output: -1) }
    var refused: UInt64 = 0
    if ports[known.ingress].ruleUse.judgesArrivals { refused = judgeArrivals(known, from: index, count: run.frames) }
    if ports[port].ruleUse.contains(.departures) {
      refused |= judgeDepartures(known, from: index, count: run.frames, refused)
    }
    var kept = run.frames
    if refused != 0 || taps.recorder.isRecording {
      kept = 0
      for frame in index..<(index + run.frames) where refused & 1 << UInt64(frame) == 0 {
        pending[start + kept] = PendingFrame(kept: frame)
        if taps.recorder.isRecording { taps.recorder.addOutput(frame, port) }
        kept += 1
      }
      guard kept > 0 else { return run }
    }
    ports[port].pendingCount = waiting + kept
    touch(port)
    if waiting + kept == Burst.capacity { deliver(to: port) }
    return run
  }

  /// Judges frames from the node of a conversation; returns those that it has refused, a bit each.
  @inline(never)
  private mutating func judgeArrivals(_ known: Conversation, from start: Int, count: Int) -> UInt64 {
    let rules = ruleSets.place(ports[known.ingress].rules)
    let moment = moment(rules.element.arrivalChecks, vlan: known.vlan)
    let isLocked = ports.isShared && rules.element.needsLock
    if isLocked { rules.element.lock.take() }
    var refused: UInt64 = 0
    if rules.element.judgesByListAlone(isFromNode: true) {
      let run = PortRuleSet.Run(start: start, count: count, gone: 0, isFromNode: true)
      refused = rules.element.judgeByList(run, of: burst, moment)
      if isLocked { rules.element.lock.giveBack() }
      refuseRun(refused) { $0.refuse(known.place($1), .acl) }
      return refused
    }
    for frame in start..<(start &+ count) {
      burst.look(frame)
      guard let drop = rules.element.judgeArrival(frame, of: burst, moment, isUnknown: false) else { continue }
      refused |= 1 << UInt64(truncatingIfNeeded: frame)
      refuse(known.place(frame), drop)
    }
    if isLocked { rules.element.lock.giveBack() }
    return refused
  }

  /// The same for frames to its other node, without those that were refused.
  @inline(never)
  private mutating func judgeDepartures(_ known: Conversation, from start: Int, count: Int, _ gone: UInt64) -> UInt64 {
    let rules = ruleSets.place(ports[known.output].rules)
    let moment = moment(rules.element.departureChecks, vlan: known.vlan)
    let isLocked = ports.isShared && rules.element.needsLock
    if isLocked { rules.element.lock.take() }
    var refused: UInt64 = 0
    if rules.element.judgesByListAlone(isFromNode: false) {
      let run = PortRuleSet.Run(start: start, count: count, gone: gone, isFromNode: false)
      refused = rules.element.judgeByList(run, of: burst, moment)
      if isLocked { rules.element.lock.giveBack() }
      refuseRun(refused) { $0.refuse(known.place($1), leavingBy: known.output, .acl) }
      return refused
    }
    for frame in start..<(start &+ count) where gone & 1 << UInt64(truncatingIfNeeded: frame) == 0 {
      burst.look(frame)
      guard let drop = rules.element.judgeDeparture(frame, of: burst, moment) else { continue }
      refused |= 1 << UInt64(truncatingIfNeeded: frame)
      refuse(known.place(frame), leavingBy: known.output, drop)
    }
    if isLocked { rules.element.lock.giveBack() }
    return refused
  }

  /// Tells of each frame that was refused, a bit each.
  @inline(never)
  private mutating func refuseRun(_ refused: UInt64, _ tell: (inout WorkerState, Int) -> Void) {
    var left = refused
    while left != 0 {
      tell(&self, left.trailingZeroBitCount)
      left &= left &- 1
    }
  }
}
