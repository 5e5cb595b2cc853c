import Frames

/// The switch: which ports a frame goes to, and how its tag is changed on the way (802.1Q-2018 clauses 8.6 and 8.8).
///
/// Everything here is decided from the scratch copy of a frame. The rules, in order:
/// 1. A frame of less than an Ethernet header is a runt; so is a tagged one of less than header and tag.
/// 2. A wire passes everything else to its other end as it is.
/// 3. The ingress filter finds the VLAN: access ports take untagged, priority-tagged and their own VID; trunks their
///    allowed VIDs, untagged only with a native VLAN. VID 4095 never passes.
/// 4. A group or zero source is dropped; link-local destinations follow the switch's policy; then the port's rules judge.
/// 5. Where the port's state is not forwarding, the frame ends, and teaches at most where its source is. Otherwise the
///    source is learnt in (VLAN, address).
/// 6. A known unicast destination gets the frame, unless it is where the frame came from; everything else floods to
///    the members of the VLAN that are up, except the port it came from. By a port that does not forward none leaves.
/// 7. A switch without VLANs leaves out rule 3: its ports are transparent, and all its frames are of number 0.
/// 8. A patch, the joint of two switches, is followed at once, at most 8 hops; the frame stays in the sender's memory.
struct Forwarder: ~Copyable {
  /// Patches that a frame may cross.
  static var hopLimit: Int { 8 }

  private(set) var switches = FixedArray<SwitchState>(count: 8) { _ in SwitchState() }
  /// Patches that frames of this burst crossed.
  var crossings = 0
  /// The destination that a frame of this burst was looked up for last and is not known, on which switch; 0 = none.
  var unknownKey: UInt64 = 0
  private var unknownSwitch = -1
  /// Stations that this worker has not come to forget yet; see `Forwarder+Stations`.
  var owedFlushes: [OwedFlush] = []
  var owedAgings: [OwedAging] = []
  /// Stations that came up behind another port, which could not be noted at once.
  let owedMoves = FixedArray<OwedMove>(count: Forwarder.mostOwedMoves) { _ in OwedMove() }
  var owedMoveCount = 0
  /// What was asked ahead of the frames of this burst, and of what generation; see `Forwarder+Ahead`.
  let asked = FixedArray<AskedFrame>(count: Burst.capacity) { _ in AskedFrame() }
  var askedGeneration: UInt32 = 0

  /// Judges every frame of the burst and notes it with the ports it goes to; counts them as received.
  @inline(__always)
  mutating func forward(from ingress: Int, _ state: inout WorkerState) {
    let bytes = forwardBurst(from: ingress, &state)
    state.ports[ingress].counters.received(packets: state.burst.count, bytes: bytes)
  }

  /// As `forward`, without counting; returns the bytes.
  @inline(__always)
  mutating func forwardBurst(from ingress: Int, _ state: inout WorkerState) -> Int {
    let count = state.burst.count
    var bytes = 0
    (crossings, unknownKey) = (0, 0)
    if state.ports[ingress].mode == .wire {
      bytes = forwardBurstWire(from: ingress, &state)
    } else {
      let run = converse(from: 0, ingress, &state)
      bytes = run.bytes
      if run.frames < count {
        bytes &+=
          askAhead(from: run.frames, ingress, &state)
          ? forwardAsked(from: run.frames, ingress, &state) : forwardApart(from: run.frames, ingress, &state)
      }
    }
    return bytes
  }

  /// Forwards the frames from `first` on, of which the first one needs thought; returns their bytes.
  @inline(never)
  private mutating func forwardApart(from first: Int, _ ingress: Int, _ state: inout WorkerState) -> Int {
    let count = state.burst.count
    var (index, bytes) = (first, 0)
    // Stations whose frames were found to need thought, each of them.
    var (source, destination) = (UInt64(0), PortSlot.noDestination)
    while index < count {
      bytes &+= forwardOne(index, ingress, isAsked: false, &state)
      index &+= 1
      guard state.ports[ingress].lastSource != source || state.ports[ingress].lastDestination != destination,
        index < count
      else { continue }
      guard let known = conversation(of: ingress, &state) else {
        (source, destination) = (state.ports[ingress].lastSource, state.ports[ingress].lastDestination)
        continue
      }
      let run = state.enqueue(known, from: index)
      bytes &+= run.bytes
      index &+= run.frames
    }
    return bytes
  }

  /// Forwards the frames from `first` on, for which a large table was asked ahead; returns their bytes.
  ///
  /// A loop of its own, so that frames of other switches pay nothing for it.
  @inline(never)
  private mutating func forwardAsked(from first: Int, _ ingress: Int, _ state: inout WorkerState) -> Int {
    let count = state.burst.count
    var (index, bytes) = (first, 0)
    while index < count {
      // A frame that another one of the same stations follows is the first of a conversation, which the port remembers.
      let isFirst = index &+ 1 < count && asked[index].isLike(asked[index &+ 1])
      bytes &+= forwardOne(index, ingress, isAsked: !isFirst, &state)
      index += 1
      guard isFirst else { continue }
      let run = converse(from: index, ingress, &state)
      bytes &+= run.bytes
      index += run.frames
    }
    return bytes
  }

  /// Forwards a frame by itself; returns its bytes.
  @inline(__always)
  private mutating func forwardOne(
    _ index: Int, _ ingress: Int, isAsked: Bool, _ state: inout WorkerState
  ) -> Int {
    if state.taps.recorder.isRecording {
      state.taps.recorder.record(state.burst, from: index, count: 1, output: -1)
    }
    forwardSwitched(index, from: ingress, isAsked: isAsked, &state)
    return state.burst.frames[index].size
  }

  /// Forwards the frames from `index` on that belong to the conversation which the port's last frame was of.
  ///
  /// - Returns: how many there were, 0 if the next frame needs thought, and their bytes.
  @inline(__always)
  private mutating func converse(
    from index: Int, _ ingress: Int, _ state: inout WorkerState
  ) -> (frames: Int, bytes: Int) {
    guard let known = conversation(of: ingress, &state) else { return (0, 0) }
    return state.enqueue(known, from: index)
  }

  // Mutating, as others here that change nothing: the worker's state would be copied for the call.
  @inline(never)
  private mutating func conversation(of port: Int, _ state: inout WorkerState) -> Conversation? {
    let switchIndex = state.ports[port].switchIndex
    guard switchIndex >= 0, state.ports[port].lastSource != 0,
      state.ports[port].lastDestination != PortSlot.noDestination,
      state.ports[port].lastSourceTick == state.tick,
      state.ports[port].generation == switches[switchIndex].stations.with({ $0.generation })
    else { return nil }
    let vlan = state.ports[port].untaggedVLAN
    let output = state.ports[port].lastOutput
    guard vlan != 0 || state.ports[port].mode == .transparent, state.ports[port].lastSource >> 48 == UInt64(vlan),
      state.ports[port].lastDestination >> 48 == UInt64(vlan),
      output != port, state.ports[output].kind != .patch, state.ports[output].untaggedVLAN == vlan,
      case let use = state.ports[port].ruleUse.union(state.ports[output].ruleUse),
      !use.contains(.isolated) || !state.ports[port].ruleUse.isIsolated(from: state.ports[output].ruleUse)
    else { return nil }
    return Conversation(
      destination: MACAddress(bits: state.ports[port].lastDestination),
      source: MACAddress(bits: state.ports[port].lastSource), vlan: vlan, from: port, to: output,
      isRuled: use.isAsked)
  }

  @inline(__always)
  private mutating func forwardSwitched(
    _ index: Int, from ingress: Int, isAsked: Bool, _ state: inout WorkerState
  ) {
    let size = state.burst.frames[index].size
    guard size >= Ethernet.headerSize else { return state.refuse(index, at: ingress, .runt) }
    guard !state.burst.frames[index].isHeaderInvalid else { return state.refuse(index, at: ingress, .headerInvalid) }
    let header = state.burst.header(index)
    var vlan = state.ports[ingress].untaggedVLAN
    var priority: UInt16 = 0
    if header.isTagged, state.ports[ingress].mode != .transparent {
      guard size >= Ethernet.headerSize + Ethernet.tagSize else {
        return state.refuse(index, at: ingress, .runt)
      }
      // A checksum that starts in the tag would be written over an address once the tag is gone.
      guard
        !state.burst.frames[index].needsChecksum
          || state.burst.frames[index].checksumStart >= Ethernet.headerSize + Ethernet.tagSize
      else { return state.refuse(index, at: ingress, .headerInvalid) }
      state.burst.frames[index].flags.insert(.tagged)
      guard let named = taggedVLAN(index, header.tag, on: ingress, &state) else { return }
      vlan = named
      priority = header.tag.priority
    } else if vlan == 0, state.ports[ingress].mode != .transparent {
      return state.refuse(index, at: ingress, .vlanFiltered)
    }
    let switchIndex = state.ports[ingress].switchIndex
    guard switchIndex >= 0 else { return state.refuse(index, at: ingress, .portDown) }
    let place = Place(
      frame: index, ingress: ingress, switchIndex: switchIndex, vlan: vlan, priority: priority, hops: 0)
    relay(place, header, isAsked: isAsked, &state)
  }

  /// The VLAN of a tagged frame by the ingress filter; nil if it was dropped and counted.
  private mutating func taggedVLAN(
    _ index: Int, _ tag: TagControl, on port: Int, _ state: inout WorkerState
  ) -> UInt16? {
    let vid = tag.vlan
    guard vid != 0x0FFF else {
      state.refuse(index, at: port, .vlanInvalid)
      return nil
    }
    let vlan = vid == 0 ? state.ports[port].untaggedVLAN : vid
    guard vlan != 0, state.ports[port].carries(vlan) else {
      state.refuse(index, at: port, .vlanFiltered)
      return nil
    }
    return vlan
  }

  /// One switch's part: checks addresses, learns, looks up, sends on.
  ///
  /// - Parameter isAsked: what was asked ahead of the frame may be used.
  @inline(__always)
  private mutating func relay(
    _ place: Place, _ header: EthernetHeader, isAsked: Bool, _ state: inout WorkerState
  ) {
    let ingress = place.ingress
    let source = header.source
    let destination = header.destination
    guard !source.isGroup, !source.isZero else {
      return state.refuse(place, .sourceInvalid)
    }
    if destination.isLinkLocal,
      !passesLinkLocal(destination, switches[place.switchIndex].shared.with { $0.linkLocal })
    {
      return state.refuse(place, .linkLocal)
    }
    if state.ports[ingress].ruleUse.judgesArrivals, !admitsByRules(place, destination, &state) { return }
    let sourceKey = FDB.key(vlan: place.vlan, source)
    if sourceKey != state.ports[ingress].lastSource || state.tick != state.ports[ingress].lastSourceTick
      || state.ports[ingress].generation != switches[place.switchIndex].stations.with({ $0.generation })
    {
      if isAsked, isTrue(place), state.ports[ingress].gate != .stated, isSettled(sourceKey, place, state.tick) {
        state.ports[ingress].remember(sourceKey, at: state.tick, askedGeneration)
      } else {
        guard learn(sourceKey, place, &state) else { return }
      }
    }
    guard !destination.isGroup else { return flood(place, &state) }
    let key = FDB.key(vlan: place.vlan, destination)
    var output = state.ports[ingress].lastOutput
    if key != state.ports[ingress].lastDestination {
      output = isAsked && isTrue(place) ? askedOutput(key, place) : -1
      if output < 0 || !state.ports[output].sends(place.vlan) {
        output = key == unknownKey && place.switchIndex == unknownSwitch ? -1 : lookup(key, place, &state)
      }
      guard output >= 0 else { return output == Self.refusedOutput ? () : flood(place, &state) }
    }
    guard output != ingress else { return state.refuseHairpin(place) }
    leave(place, by: output, &state)
  }

  /// What was asked ahead of the frames of the burst is true still.
  @inline(__always)
  private func isTrue(_ place: Place) -> Bool {
    switches[place.switchIndex].stations.with({ $0.generation }) == askedGeneration
  }

  /// Notes where the source is; while the control side changes the table, the next frame of the source does.
  ///
  /// - Returns: false if the state of its port forbids the frame, which was dropped.
  @inline(never)
  private mutating func learn(_ key: UInt64, _ place: Place, _ state: inout WorkerState) -> Bool {
    guard state.ports[place.ingress].gate != .stated || admits(key, place, &state) else { return false }
    guard !state.ports[place.ingress].ruleUse.isLimited else { return learnLimited(key, place, &state) }
    let (port, tick) = (place.ingress, state.tick)
    unknownKey = 0
    let (learnt, isUntold) = switches[place.switchIndex].stations.with {
      ($0.learn(key, port: port, tick: tick), $0.isUntold)
    }
    if isUntold { coldTellStations(place.switchIndex, state) }
    // What is remembered of lookups may be untrue by now.
    guard let generation = learnt else {
      state.ports[port].forget()
      oweMove(key, place)
      return true
    }
    if owedMoveCount > 0 { settleMove(of: key, on: place.switchIndex) }
    state.ports[place.ingress].remember(key, at: tick, generation)
    return true
  }

  /// The port behind a destination, or -1 for a flood, or `refusedOutput`; remembered for the next frame of the same port.
  @inline(never)
  private mutating func lookup(_ key: UInt64, _ place: Place, _ state: inout WorkerState) -> Int {
    guard let value = switches[place.switchIndex].stations.with({ $0.lookup(key) }) else {
      (unknownKey, unknownSwitch) = (key, place.switchIndex)
      return -1
    }
    guard state.ports[value.port].sends(place.vlan) else { return refuseOutput(value.port, place, &state) }
    state.ports[place.ingress].lastDestination = key
    state.ports[place.ingress].lastOutput = value.port
    return value.port
  }

  @inline(never)
  private mutating func flood(_ place: Place, _ state: inout WorkerState) {
    for position in 0..<switches[place.switchIndex].memberCount {
      let port = Int(switches[place.switchIndex].members[position])
      guard port != place.ingress, state.ports[port].isUp, state.ports[port].sends(place.vlan) else { continue }
      state.copies += 1
      leave(place, by: port, &state)
    }
  }

  /// A frame leaves a switch by a port: into a patch, or to a node with its tag as the port wants it.
  @inline(__always)
  mutating func leave(_ place: Place, by port: Int, _ state: inout WorkerState) {
    guard state.ports[port].kind != .patch else { return cross(place, patch: port, &state) }
    if state.ports[port].ruleUse.judgesDepartures, !releasesByRules(place, by: port, &state) { return }
    if state.taps.recorder.isRecording { state.taps.recorder.addOutput(place.frame, port) }
    state.enqueue(place.frame, to: port, state.edit(place, port))
  }

  /// Follows a patch to its other switch; counts the frame on both of its ports.
  @inline(never)
  private mutating func cross(_ place: Place, patch: Int, _ state: inout WorkerState) {
    // Without a loop a frame crosses each patch once at most.
    guard place.hops < Self.hopLimit, crossings < state.burst.count * state.ports.patchEndCount / 2 else {
      return state.refuse(place, .loop)
    }
    crossings += 1
    guard state.ports[patch].egressLine < 0 else { return state.holdCrossing(place, patch: patch) }
    arrive(place, patch: patch, &state)
  }

  /// The far side of a patch, with the VLAN and priority of the near one in `place`.
  @inline(__always)
  mutating func arrive(_ place: Place, patch: Int, _ state: inout WorkerState) {
    let far = state.ports[patch].peer
    let size = state.burst.frames[place.frame].size
    guard far >= 0, state.ports[patch].isUp else {
      return state.refuse(place, leavingBy: patch, .carrierDown)
    }
    state.ports[patch].counters.transmitted(packets: 1, bytes: size)
    state.ports[far].counters.received(packets: 1, bytes: size)
    guard state.ports[patch].mode != .transparent, state.ports[far].mode != .transparent else {
      return arriveUnaware(place, from: patch, at: far, &state)
    }
    // A native VLAN crosses untagged: the far side's native VLAN takes it, and its priority is lost with the tag.
    let isUntagged = state.ports[patch].untaggedVLAN == place.vlan
    let vlan = isUntagged ? state.ports[far].untaggedVLAN : place.vlan
    let isCarried = vlan != 0 && state.ports[far].carries(vlan)
    if state.ports[patch].taps | state.ports[far].taps != 0 {
      state.recordCrossing(place, from: patch, to: far, vlan: isCarried ? vlan : 0)
    }
    guard isCarried else {
      return state.refuseCrossing(place, from: patch, at: far, .vlanFiltered)
    }
    let next = Place(
      frame: place.frame, ingress: far, switchIndex: state.ports[far].switchIndex, vlan: vlan,
      priority: isUntagged ? 0 : place.priority, hops: place.hops + 1)
    relayBeyondPatch(next, &state)
  }

  @inline(never)
  mutating func relayBeyondPatch(_ place: Place, _ state: inout WorkerState) {
    relay(place, state.burst.header(place.frame), isAsked: false, &state)
  }

  /// Sends on the frames that a line at the end of a patch let go.
  mutating func crossReleased(_ patch: Int, _ state: inout WorkerState) {
    crossings = 0
    unknownKey = 0
    for index in 0..<state.burst.count {
      let note = state.delays.notes[index]
      if Place.isTagged(note: note) { state.burst.frames[index].flags.insert(.tagged) }
      var place = Place(note: note, frame: index, patch: patch, switchIndex: state.ports[patch].switchIndex)
      if state.ports[patch].mode == .transparent { place.readAsWireForm() }
      arrive(place, patch: patch, &state)
    }
  }

  /// Sends a frame of the switch's own into a patch, out of its end at the place.
  mutating func cross(sent place: Place, _ state: inout WorkerState) {
    crossings = 1
    unknownKey = 0
    if state.ports[place.ingress].egressLine < 0 {
      arrive(place, patch: place.ingress, &state)
    } else {
      state.holdCrossing(place, patch: place.ingress)
    }
  }

  // Switches.

  /// Takes a switch in, with room for port numbers below `portCapacity`.
  mutating func coldAdd(_ index: Int, _ table: SwitchTable, portCapacity: Int) {
    switches.grow(to: index + 1) { _ in SwitchState() }
    switches[index] = SwitchState(table, portCapacity: portCapacity)
  }

  mutating func coldRemove(_ index: Int) {
    coldDropDebts(ofSwitch: index)
    switches[index] = SwitchState()
  }

  /// Makes room for port numbers below `capacity`.
  mutating func coldReservePorts(_ capacity: Int) {
    for index in 0..<switches.count { switches[index].reservePorts(capacity) }
  }

  mutating func coldAddMember(_ port: Int, switchIndex: Int) { switches[switchIndex].addMember(port) }

  mutating func coldRemoveMember(_ port: Int, switchIndex: Int) { switches[switchIndex].removeMember(port) }
}
