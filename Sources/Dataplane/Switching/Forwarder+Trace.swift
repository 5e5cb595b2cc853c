import Frames

/// A dry run of the rules of Forwarder.swift over the state of this moment: nothing is learnt, counted or sent.
///
/// Written apart from them, so that the loop carries nothing for it; a test sends what was traced and compares.
extension Forwarder {
  /// What is the same at every place of a frame.
  private struct Traced {
    var bytes: [UInt8]
    var header: EthernetHeader
    var isTagged: Bool
  }

  /// Follows a frame that a port's node might send.
  func coldTrace(_ port: Int, _ bytes: [UInt8], _ state: borrowing WorkerState) -> RawTrace {
    var trace = RawTrace()
    trace.events.append(.received(port: port, size: bytes.count))
    guard state.ports[port].isUp else {
      trace.drop(port, FrameDrop(IngressDrop.portDown))
      return trace
    }
    if state.ports[port].ingressLine >= 0 {
      trace.events.append(.impaired(port: port, state.delays.lines[state.ports[port].ingressLine].impairment))
    }
    guard bytes.count >= Ethernet.headerSize else {
      trace.drop(port, FrameDrop(IngressDrop.runt))
      return trace
    }
    guard bytes.count <= Ethernet.maximumFrameSize else {
      trace.drop(port, FrameDrop(IngressDrop.headerInvalid))
      return trace
    }
    let header = Self.header(bytes)
    if state.ports[port].mode == .wire {
      traceWire(Traced(bytes: bytes, header: header, isTagged: false), port, state, &trace)
    } else {
      traceSwitched(Traced(bytes: bytes, header: header, isTagged: header.isTagged), port, state, &trace)
    }
    return trace
  }

  private static func header(_ bytes: [UInt8]) -> EthernetHeader {
    let word = { (start: Int) in
      bytes.dropFirst(start).prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    return EthernetHeader(first: word(0), second: word(8))
  }

  private func traceWire(_ frame: Traced, _ port: Int, _ state: borrowing WorkerState, _ trace: inout RawTrace) {
    let peer = state.ports[port].peer
    guard peer >= 0 else { return trace.drop(port, FrameDrop(IngressDrop.portDown)) }
    let place = Place(frame: 0, ingress: port, switchIndex: -1, vlan: 0, priority: 0, hops: 0)
    guard coldTraceArrival(frame.bytes, place, state, &trace) else { return }
    trace.events.append(.wire(to: peer))
    guard coldTraceDeparture(frame.bytes, place, by: peer, state, &trace) else { return }
    traceDelivery(frame, .keep, to: peer, state, &trace)
  }

  private func traceSwitched(_ frame: Traced, _ port: Int, _ state: borrowing WorkerState, _ trace: inout RawTrace) {
    var vlan = state.ports[port].untaggedVLAN
    var priority: UInt16 = 0
    if state.ports[port].mode == .transparent {
      let switchIndex = state.ports[port].switchIndex
      trace.events.append(.unaware(switchIndex: switchIndex, port: port, isTagged: frame.isTagged))
    } else if frame.isTagged {
      guard frame.bytes.count >= Ethernet.headerSize + Ethernet.tagSize else {
        return trace.drop(port, FrameDrop(IngressDrop.runt))
      }
      let tag = frame.header.tag
      trace.events.append(.vlan(port: port, vlan: tag.vlan == 0 ? Int(vlan) : Int(tag.vlan), tag: tag))
      guard tag.vlan != 0x0FFF else { return trace.drop(port, FrameDrop(IngressDrop.vlanInvalid)) }
      if tag.vlan != 0 { vlan = tag.vlan }
      priority = tag.priority
      guard vlan != 0, state.ports[port].carries(vlan) else {
        return trace.drop(port, FrameDrop(IngressDrop.vlanFiltered))
      }
    } else {
      trace.events.append(.vlan(port: port, vlan: Int(vlan), tag: nil))
      guard vlan != 0 else { return trace.drop(port, FrameDrop(IngressDrop.vlanFiltered)) }
    }
    let switchIndex = state.ports[port].switchIndex
    guard switchIndex >= 0 else { return trace.drop(port, FrameDrop(IngressDrop.portDown)) }
    traceRelay(
      frame,
      Place(frame: 0, ingress: port, switchIndex: switchIndex, vlan: vlan, priority: priority, hops: 0), state, &trace)
  }

  private func traceRelay(_ frame: Traced, _ place: Place, _ state: borrowing WorkerState, _ trace: inout RawTrace) {
    let (source, destination) = (frame.header.source, frame.header.destination)
    let (switchIndex, vlan) = (place.switchIndex, Int(place.vlan))
    guard !source.isGroup, !source.isZero else {
      return trace.drop(place.ingress, FrameDrop(IngressDrop.sourceInvalid))
    }
    if destination.isLinkLocal {
      let policy = switches[switchIndex].table.linkLocal
      let passes = passesLinkLocal(destination, policy)
      trace.events.append(.linkLocal(destination, policy, passes: passes))
      guard passes else { return trace.drop(place.ingress, FrameDrop(IngressDrop.linkLocal)) }
    }
    guard coldTraceArrival(frame.bytes, place, state, &trace) else { return }
    let known = switches[switchIndex].fdb.lookup(FDB.key(vlan: place.vlan, source))
    let forwarding = state.ports[place.ingress].states.state(place.vlan)
    if forwarding != .discarding {
      trace.events.append(
        .source(
          source, vlan: vlan, switchIndex: switchIndex, port: place.ingress, known: known?.port,
          isStatic: known?.isStatic ?? false))
    }
    guard forwarding == .forwarding else {
      trace.events.append(.state(forwarding, port: place.ingress, vlan: vlan))
      return trace.drop(place.ingress, FrameDrop(IngressDrop.notForwarding))
    }
    guard coldTraceLimit(source, place, state, &trace) else { return }
    guard !destination.isGroup else { return traceFlood(frame, place, state, &trace) }
    // What the frame itself teaches is known when its destination is looked up.
    let teaches = source == destination && known?.isStatic != true
    let found = switches[switchIndex].fdb.lookup(FDB.key(vlan: place.vlan, destination))
    guard let output = teaches ? place.ingress : found?.port else {
      trace.events.append(.unknown(destination, vlan: vlan, switchIndex: switchIndex))
      return traceFlood(frame, place, state, &trace)
    }
    guard state.ports[output].carries(place.vlan) else {
      trace.events.append(.foundElsewhere(destination, vlan: vlan, switchIndex: switchIndex, port: output))
      return traceFlood(frame, place, state, &trace)
    }
    trace.events.append(.found(destination, vlan: vlan, switchIndex: switchIndex, port: output))
    guard state.ports[output].sends(place.vlan) else {
      trace.events.append(.state(state.ports[output].states.state(place.vlan), port: output, vlan: vlan))
      return trace.drop(output, FrameDrop(EgressDrop.notForwarding))
    }
    guard output != place.ingress else { return trace.drop(place.ingress, FrameDrop(EgressDrop.hairpin)) }
    traceLeave(frame, place, by: output, state, &trace)
  }

  private func traceFlood(_ frame: Traced, _ place: Place, _ state: borrowing WorkerState, _ trace: inout RawTrace) {
    var outputs: [Int] = []
    var skipped: [Int: TraceEvent.Skip] = [:]
    for position in 0..<switches[place.switchIndex].memberCount {
      let port = Int(switches[place.switchIndex].members[position])
      if port == place.ingress {
        skipped[port] = .isIngress
      } else if !state.ports[port].carries(place.vlan) {
        skipped[port] = .otherVLAN
      } else if !state.ports[port].isUp {
        skipped[port] = .isDown
      } else if !state.ports[port].sends(place.vlan) {
        skipped[port] = .notForwarding
      } else {
        outputs.append(port)
      }
    }
    trace.events.append(
      .flood(switchIndex: place.switchIndex, vlan: Int(place.vlan), ports: outputs, skipped: skipped))
    for port in outputs { traceLeave(frame, place, by: port, state, &trace) }
  }

  private func traceLeave(
    _ frame: Traced, _ place: Place, by port: Int, _ state: borrowing WorkerState, _ trace: inout RawTrace
  ) {
    guard state.ports[port].kind == .patch else {
      guard coldTraceDeparture(frame.bytes, place, by: port, state, &trace) else { return }
      return traceDelivery(
        frame,
        state.ports[port].edit(
          vlan: place.vlan, priority: place.priority, isTagged: frame.isTagged, tag: frame.header.tag),
        to: port, state, &trace)
    }
    guard place.hops < Self.hopLimit, trace.crossings < state.ports.patchEndCount / 2 else {
      return trace.drop(place.ingress, FrameDrop(IngressDrop.loop))
    }
    trace.crossings += 1
    if state.ports[port].egressLine >= 0 {
      trace.events.append(.impaired(port: port, state.delays.lines[state.ports[port].egressLine].impairment))
    }
    let far = state.ports[port].peer
    guard far >= 0, state.ports[port].isUp else { return trace.drop(port, FrameDrop(EgressDrop.carrierDown)) }
    guard state.ports[port].mode != .transparent, state.ports[far].mode != .transparent else {
      return traceLanding(frame, place, patch: port, at: far, state, &trace)
    }
    let isUntagged = state.ports[port].untaggedVLAN == place.vlan
    let vlan = isUntagged ? state.ports[far].untaggedVLAN : place.vlan
    trace.events.append(.crosses(patch: port, far: far, vlan: Int(vlan), isTagged: !isUntagged))
    guard vlan != 0, state.ports[far].carries(vlan) else {
      return trace.drop(far, FrameDrop(IngressDrop.vlanFiltered))
    }
    traceRelay(
      frame,
      Place(
        frame: 0, ingress: far, switchIndex: state.ports[far].switchIndex, vlan: vlan,
        priority: isUntagged ? 0 : place.priority, hops: place.hops + 1), state, &trace)
  }

  /// A patch of which an end is on a switch without VLANs.
  private func traceLanding(
    _ frame: Traced, _ place: Place, patch: Int, at far: Int, _ state: borrowing WorkerState, _ trace: inout RawTrace
  ) {
    let takeoff = Takeoff(
      near: state.ports[patch].mode, nearUntagged: state.ports[patch].untaggedVLAN, far: state.ports[far].mode,
      farUntagged: state.ports[far].untaggedVLAN,
      canBeTagged: frame.bytes.count >= Ethernet.headerSize + Ethernet.tagSize, header: frame.header)
    let landing = Self.landing(place, takeoff)
    let edit = state.ports[patch].edit(
      vlan: place.vlan, priority: place.priority, isTagged: frame.isTagged, tag: frame.header.tag)
    trace.events.append(
      .crossesUnaware(patch: patch, far: far, vlan: Int(landing.vlan), edit: edit.kind, tag: edit.tag))
    if let drop = landing.drop { return trace.drop(far, FrameDrop(drop)) }
    guard state.ports[far].carries(landing.vlan) else { return trace.drop(far, FrameDrop(IngressDrop.vlanFiltered)) }
    let next = Place(
      frame: 0, ingress: far, switchIndex: state.ports[far].switchIndex, vlan: landing.vlan,
      priority: landing.priority, hops: place.hops + 1)
    traceRelay(frame, next, state, &trace)
  }

  private func traceDelivery(
    _ frame: Traced, _ edit: TagEdit, to port: Int, _ state: borrowing WorkerState, _ trace: inout RawTrace
  ) {
    let size = frame.bytes.count + edit.growth
    trace.events.append(.leaves(port: port, edit: edit.kind, tag: edit.tag, size: size))
    guard state.ports[port].isUp else { return trace.drop(port, FrameDrop(EgressDrop.carrierDown)) }
    if state.ports[port].egressLine >= 0 {
      trace.events.append(.impaired(port: port, state.delays.lines[state.ports[port].egressLine].impairment))
    }
    let leaving = Self.apply(edit, to: frame.bytes)
    guard state.ports[port].switchOver < 0 else {
      trace.events.append(.held(port: port))
      return trace.outputs.append((port, leaving))
    }
    guard state.ports.egressTraits(port).takes(size, isTagged: edit.leavesTagged(frame.header.isTagged)) else {
      return trace.drop(port, FrameDrop(EgressDrop.tooBig))
    }
    if let refusal = state.ports.coldRefusal(port) { return trace.drop(port, FrameDrop(refusal)) }
    trace.outputs.append((port, leaving))
  }

  /// The frame as it leaves.
  private static func apply(_ edit: TagEdit, to bytes: [UInt8]) -> [UInt8] {
    let tag = [0x81, 0, UInt8(edit.tag.bits >> 8), UInt8(truncatingIfNeeded: edit.tag.bits)]
    switch edit.kind {
    case .keep: return bytes
    case .remove: return Array(bytes[..<12] + bytes[16...])
    case .insert: return Array(bytes[..<12] + tag + bytes[12...])
    case .rewrite: return Array(bytes[..<12] + tag + bytes[16...])
    }
  }
}
