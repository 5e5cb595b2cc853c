import Frames

/// What rules would do with a frame that is traced: no flow comes or ends, nothing is counted. How much of a storm or a rate
/// is left is a matter of the moment at which a frame comes, and is not asked.
extension Forwarder {
  /// Judges a frame where it comes in; false if it ends here.
  func coldTraceArrival(
    _ bytes: [UInt8], _ place: Place, _ state: borrowing WorkerState, _ trace: inout RawTrace
  ) -> Bool {
    let port = place.ingress
    guard state.ports[port].rules >= 0 else { return true }
    let (view, moment) = Self.coldView(bytes, place, state, at: port)
    let set = state.ports[port].rules
    let found = Self.coldLook(bytes) { seen in
      (
        offence: state.ruleSets[set].addresses.offence(view, seen, moment.tick),
        verdict: state.ruleSets[set].coldDecide(view, seen, moment, isFromNode: true)
      )
    }
    guard let found else { return true }
    if let offence = found.offence {
      trace.events.append(.spoofed(port: port, offence))
      trace.drop(port, FrameDrop(IngressDrop.spoofed))
      return false
    }
    guard let verdict = found.verdict else { return true }
    trace.events.append(.rules(port: port, isFromNode: true, verdict))
    if !verdict.allows { trace.drop(port, FrameDrop(IngressDrop.acl)) }
    return verdict.allows
  }

  /// The port has as many stations as it may, and this is none of them; false if the frame ends here.
  func coldTraceLimit(
    _ source: MACAddress, _ place: Place, _ state: borrowing WorkerState, _ trace: inout RawTrace
  ) -> Bool {
    let port = place.ingress
    guard state.ports[port].ruleUse.isLimited else { return true }
    let fdb = switches[place.switchIndex].fdb
    let known = fdb.lookup(FDB.key(vlan: place.vlan, source))
    if let known, known.isStatic || known.port == port { return true }
    guard fdb.coldCount(of: port) >= Int(state.ports[port].learnLimit) else { return true }
    trace.drop(port, FrameDrop(IngressDrop.learnLimit))
    return false
  }

  /// Judges a frame where it would leave; false if it does not.
  func coldTraceDeparture(
    _ bytes: [UInt8], _ place: Place, by port: Int, _ state: borrowing WorkerState, _ trace: inout RawTrace
  ) -> Bool {
    if state.ports[port].ruleUse.contains(.isolated), state.ports[place.ingress].ruleUse.contains(.isolated) {
      trace.events.append(.isolated(from: place.ingress, to: port))
      trace.drop(port, FrameDrop(EgressDrop.isolated))
      return false
    }
    guard state.ports[port].ruleUse.contains(.departures) else { return true }
    let (view, moment) = Self.coldView(bytes, place, state, at: port)
    let set = state.ports[port].rules
    let verdict = Self.coldLook(bytes) { seen in
      state.ruleSets[set].coldDecide(view, seen, moment, isFromNode: false)
    }
    guard let verdict else { return true }
    trace.events.append(.rules(port: port, isFromNode: false, verdict))
    if !verdict.allows { trace.drop(port, FrameDrop(EgressDrop.acl)) }
    return verdict.allows
  }

  private static func coldLook<Result>(_ bytes: [UInt8], _ body: (HeaderBytes) -> Result?) -> Result? {
    HeaderBytes.withFirst(of: Array(bytes.prefix(Burst.scratchSlotSize)), body)
  }

  private static func coldView(
    _ bytes: [UInt8], _ place: Place, _ state: borrowing WorkerState, at port: Int
  ) -> (FrameView, PortRuleSet.Moment) {
    var vlan = place.vlan
    if state.ports[port].mode == .wire || state.ports[port].mode == .transparent {
      let form = WireForm(bits: place.priority)
      let isTagged = bytes.count >= 16 && bytes[12] == 0x81 && bytes[13] == 0
      let own = isTagged ? (UInt16(bytes[14]) << 8 | UInt16(bytes[15])) & 0x0FFF : 0
      vlan = form.tag?.vlan ?? (form.bits == WireForm.asItCame.bits ? own : 0)
    }
    let view = coldLook(bytes) { FrameView(parsing: $0) } ?? FrameView()
    return (view, PortRuleSet.Moment(now: 0, tick: state.tick, worker: 0, vlan: vlan))
  }
}
