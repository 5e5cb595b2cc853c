import Frames

/// The switch: which ports a frame goes to, and how its tag is changed on the way (802.1Q-2018 clauses 8.6 and 8.8).
///
/// Everything here is decided from the scratch copy of a frame. The rules, in order:
/// 1. A frame of less than an Ethernet header is a runt; so is a tagged one of less than header and tag.
/// 2. A wire passes everything else to its other end as it is.
/// 3. The ingress filter finds the VLAN: access ports take untagged, priority-tagged and their own VID; trunks their
///    allowed VIDs, untagged only with a native VLAN. VID 4095 never passes.
/// 4. A group or zero source is dropped; link-local destinations follow the switch's policy.
/// 5. Where the port's state is not forwarding, the frame ends, and teaches at most where its source is. Otherwise the
///    source is learnt in (VLAN, address).
/// 6. A known unicast destination gets the frame, unless it is where the frame came from; everything else floods to
///    the members of the VLAN that are up, except the port it came from. By a port that does not forward none leaves.
/// 7. A patch, the joint of two switches, is followed at once, at most 8 hops; the frame stays in the sender's memory.
extension WorkerCore {
  /// Patches that a frame may cross.
  static var hopLimit: Int { 8 }
  /// Copies of one burst above which its port's next bursts get smaller.
  static var copyRule: Int { 512 }

  /// Where a frame is: on which switch, by which port, in which VLAN, with which priority.
  struct Place: BitwiseCopyable {
    var frame: Int
    var ingress: Int
    var switchIndex: Int
    var vlan: UInt16
    /// PCP and DEI in their places of a tag.
    var priority: UInt16
    var hops: Int
  }

  /// Judges every frame of the burst and notes it with the ports it goes to; counts them as received.
  @inline(__always)
  mutating func forward(from ingress: Int) {
    let bytes = forwardBurst(from: ingress)
    ports[ingress].counters.received(packets: burst.count, bytes: bytes)
  }

  /// As `forward`, without counting; returns the bytes.
  @inline(__always)
  mutating func forwardBurst(from ingress: Int) -> Int {
    let count = burst.count
    var bytes = 0
    crossings = 0
    if ports[ingress].mode == .wire {
      if recorder.isRecording { recorder.record(burst, from: 0, count: count, output: ports[ingress].peer) }
      for index in 0..<count {
        bytes += burst.frames[index].size
        forwardWire(index, from: ingress)
      }
    } else {
      var index = 0
      while index < count {
        let run = converse(from: index, ingress)
        bytes &+= run.bytes
        index += run.frames
        guard index < count else { break }
        bytes &+= burst.frames[index].size
        if recorder.isRecording { recorder.record(burst, from: index, count: 1, output: -1) }
        forwardSwitched(index, from: ingress)
        index += 1
      }
    }
    return bytes
  }

  /// Forwards the frames from `index` on that belong to the conversation which the port's last frame was of.
  ///
  /// - Returns: how many there were, 0 if the next frame needs thought, and their bytes.
  @inline(__always)
  private mutating func converse(from index: Int, _ ingress: Int) -> (frames: Int, bytes: Int) {
    guard let known = conversation(of: ingress) else { return (0, 0) }
    let port = known.output
    let waiting = ports[port].pendingCount
    let run = burst.noteConversation(
      known, from: index, in: pending, at: port * Burst.capacity + waiting, room: Burst.capacity - waiting)
    guard run.frames > 0 else { return (0, 0) }
    ports[port].pendingCount = waiting + run.frames
    if recorder.isRecording { recorder.record(burst, from: index, count: run.frames, output: port) }
    touch(port)
    if waiting + run.frames == Burst.capacity { deliver(to: port) }
    return run
  }

  /// Notes a port for delivery at the end of the burst.
  @inline(__always)
  private mutating func touch(_ port: Int) {
    guard !ports[port].isTouched else { return }
    ports[port].isTouched = true
    touched[touchedCount] = UInt16(truncatingIfNeeded: port)
    touchedCount += 1
  }

  // Mutating, as others here that change nothing: the worker's state would be copied for the call.
  @inline(never)
  private mutating func conversation(of port: Int) -> Conversation? {
    let switchIndex = ports[port].switchIndex
    guard switchIndex >= 0, ports[port].lastSource != 0, ports[port].lastDestination != 0,
      ports[port].lastSourceTick == tick,
      ports[port].generation == switches[switchIndex].stations.with({ $0.generation })
    else { return nil }
    let vlan = ports[port].untaggedVLAN
    let output = ports[port].lastOutput
    guard vlan != 0, ports[port].lastSource >> 48 == UInt64(vlan), ports[port].lastDestination >> 48 == UInt64(vlan),
      output != port, ports[output].kind != .patch, ports[output].untaggedVLAN == vlan
    else { return nil }
    return Conversation(
      destination: MACAddress(bits: ports[port].lastDestination), source: MACAddress(bits: ports[port].lastSource),
      output: output)
  }

  @inline(__always)
  private mutating func forwardWire(_ index: Int, from ingress: Int) {
    let size = burst.frames[index].size
    let peer = ports[ingress].peer
    guard size >= Ethernet.headerSize else { return refuse(index, at: ingress, .runt) }
    guard !burst.frames[index].isHeaderInvalid else { return refuse(index, at: ingress, .headerInvalid) }
    guard peer >= 0 else { return refuse(index, at: ingress, .portDown) }
    enqueue(index, to: peer, .keep)
  }

  @inline(__always)
  private mutating func forwardSwitched(_ index: Int, from ingress: Int) {
    let size = burst.frames[index].size
    guard size >= Ethernet.headerSize else { return refuse(index, at: ingress, .runt) }
    guard !burst.frames[index].isHeaderInvalid else { return refuse(index, at: ingress, .headerInvalid) }
    let header = burst.header(index)
    var vlan = ports[ingress].untaggedVLAN
    var priority: UInt16 = 0
    if header.isTagged {
      guard size >= Ethernet.headerSize + Ethernet.tagSize else {
        return refuse(index, at: ingress, .runt)
      }
      // A checksum that starts in the tag would be written over an address once the tag is gone.
      guard
        !burst.frames[index].needsChecksum
          || burst.frames[index].checksumStart >= Ethernet.headerSize + Ethernet.tagSize
      else { return refuse(index, at: ingress, .headerInvalid) }
      burst.frames[index].flags.insert(.tagged)
      guard let named = taggedVLAN(index, header.tag, on: ingress) else { return }
      vlan = named
      priority = header.tag.priority
    } else if vlan == 0 {
      return refuse(index, at: ingress, .vlanFiltered)
    }
    let switchIndex = ports[ingress].switchIndex
    guard switchIndex >= 0 else { return refuse(index, at: ingress, .portDown) }
    let place = Place(
      frame: index, ingress: ingress, switchIndex: switchIndex, vlan: vlan, priority: priority, hops: 0)
    relay(place, header)
  }

  /// The VLAN of a tagged frame by the ingress filter; nil if it was dropped and counted.
  private mutating func taggedVLAN(_ index: Int, _ tag: TagControl, on port: Int) -> UInt16? {
    let vid = tag.vlan
    guard vid != 0x0FFF else {
      refuse(index, at: port, .vlanInvalid)
      return nil
    }
    let vlan = vid == 0 ? ports[port].untaggedVLAN : vid
    guard vlan != 0, ports[port].carries(vlan) else {
      refuse(index, at: port, .vlanFiltered)
      return nil
    }
    return vlan
  }

  /// One switch's part: checks addresses, learns, looks up, sends on.
  @inline(__always)
  private mutating func relay(_ place: Place, _ header: EthernetHeader) {
    let ingress = place.ingress
    let source = header.source
    let destination = header.destination
    guard !source.isGroup, !source.isZero else {
      return refuse(place, .sourceInvalid)
    }
    if destination.isLinkLocal,
      !passesLinkLocal(destination, switches[place.switchIndex].shared.with { $0.linkLocal })
    {
      return refuse(place, .linkLocal)
    }
    let sourceKey = FDB.key(vlan: place.vlan, source)
    if sourceKey != ports[ingress].lastSource || tick != ports[ingress].lastSourceTick
      || ports[ingress].generation != switches[place.switchIndex].stations.with({ $0.generation })
    {
      guard learn(sourceKey, place) else { return }
    }
    guard !destination.isGroup else { return flood(place) }
    let key = FDB.key(vlan: place.vlan, destination)
    var output = ports[ingress].lastOutput
    if key != ports[ingress].lastDestination {
      output = lookup(key, place)
      guard output >= 0 else { return output == Self.refusedOutput ? () : flood(place) }
    }
    guard output != ingress else { return refuseHairpin(place) }
    leave(place, by: output)
  }

  /// Which of 01-80-C2-00-00-00 to -0F pass: none, the first, or all but pause.
  func passesLinkLocal(_ destination: MACAddress, _ policy: LinkLocalPolicy) -> Bool {
    switch policy {
    case .standard: false
    case .linux: destination.lastByte == 0
    case .transparent: destination.lastByte != 1
    }
  }

  /// Notes where the source is; while the control side changes the table, the next frame of the source does.
  ///
  /// - Returns: false if the state of its port forbids the frame, which was dropped.
  @inline(never)
  private mutating func learn(_ key: UInt64, _ place: Place) -> Bool {
    guard ports[place.ingress].gate != .stated || admits(key, place) else { return false }
    let (port, tick) = (place.ingress, tick)
    let learnt = switches[place.switchIndex].stations.with { $0.learn(key, port: port, tick: tick) }
    // What is remembered of lookups may be untrue by now.
    guard let generation = learnt else {
      ports[port].forget()
      return true
    }
    if ports[place.ingress].generation != generation {
      ports[place.ingress].generation = generation
      ports[place.ingress].lastDestination = 0
    }
    ports[place.ingress].lastSource = key
    ports[place.ingress].lastSourceTick = tick
    return true
  }

  /// The port behind a destination, or -1 for a flood, or `refusedOutput`; remembered for the next frame of the same port.
  @inline(never)
  private mutating func lookup(_ key: UInt64, _ place: Place) -> Int {
    guard let value = switches[place.switchIndex].stations.with({ $0.lookup(key) }) else { return -1 }
    guard ports[value.port].sends(place.vlan) else { return refuseOutput(value.port, place) }
    ports[place.ingress].lastDestination = key
    ports[place.ingress].lastOutput = value.port
    return value.port
  }

  @inline(never)
  private mutating func flood(_ place: Place) {
    for position in 0..<switches[place.switchIndex].memberCount {
      let port = Int(switches[place.switchIndex].members[position])
      guard port != place.ingress, ports[port].isUp, ports[port].sends(place.vlan) else { continue }
      copies += 1
      leave(place, by: port)
    }
  }

  /// A frame leaves a switch by a port: into a patch, or to a node with its tag as the port wants it.
  @inline(__always)
  private mutating func leave(_ place: Place, by port: Int) {
    guard ports[port].kind != .patch else { return cross(place, patch: port) }
    if recorder.isRecording { recorder.addOutput(place.frame, port) }
    enqueue(place.frame, to: port, edit(place, port))
  }

  @inline(__always)
  func edit(_ place: Place, _ port: Int) -> TagEdit {
    edit(place, port, isTagged: burst.frames[place.frame].isTagged, tag: burst.header(place.frame).tag)
  }

  @inline(__always)
  func edit(_ place: Place, _ port: Int, isTagged: Bool, tag old: @autoclosure () -> TagControl) -> TagEdit {
    guard ports[port].mode == .trunk, ports[port].untaggedVLAN != place.vlan else {
      return isTagged ? TagEdit(kind: .remove, tag: TagControl(bits: 0)) : .keep
    }
    let tag = TagControl(bits: place.priority | place.vlan)
    guard isTagged else { return TagEdit(kind: .insert, tag: tag) }
    return old().bits == tag.bits ? .keep : TagEdit(kind: .rewrite, tag: tag)
  }

  /// Follows a patch to its other switch; counts the frame on both of its ports.
  @inline(never)
  private mutating func cross(_ place: Place, patch: Int) {
    // Without a loop a frame crosses each patch once at most.
    guard place.hops < Self.hopLimit, crossings < burst.count * patchEndCount / 2 else {
      return refuse(place, .loop)
    }
    crossings += 1
    guard ports[patch].egressLine < 0 else { return holdCrossing(place, patch: patch) }
    arrive(place, patch: patch)
  }

  /// The far side of a patch, with the VLAN and priority of the near one in `place`.
  @inline(__always)
  mutating func arrive(_ place: Place, patch: Int) {
    let far = ports[patch].peer
    let size = burst.frames[place.frame].size
    guard far >= 0, ports[patch].isUp else {
      ports[patch].counters.drop(EgressDrop.carrierDown)
      return noteDrop(place.frame, at: patch, edit(place, patch), FrameDrop(EgressDrop.carrierDown), .toNode)
    }
    ports[patch].counters.transmitted(packets: 1, bytes: size)
    ports[far].counters.received(packets: 1, bytes: size)
    if ports[patch].taps | ports[far].taps != 0 { tapCrossing(place, from: patch, to: far) }
    // A native VLAN crosses untagged: the far side's native VLAN takes it, and its priority is lost with the tag.
    let isUntagged = ports[patch].untaggedVLAN == place.vlan
    let vlan = isUntagged ? ports[far].untaggedVLAN : place.vlan
    guard vlan != 0, ports[far].carries(vlan) else {
      ports[far].counters.drop(IngressDrop.vlanFiltered)
      return noteDrop(place.frame, at: far, edit(place, patch), FrameDrop(IngressDrop.vlanFiltered), .fromNode)
    }
    let next = Place(
      frame: place.frame, ingress: far, switchIndex: ports[far].switchIndex, vlan: vlan,
      priority: isUntagged ? 0 : place.priority, hops: place.hops + 1)
    relayBeyondPatch(next)
  }

  @inline(never)
  private mutating func relayBeyondPatch(_ place: Place) { relay(place, burst.header(place.frame)) }

  /// Notes a frame for a port; a port whose list is full is served at once.
  @inline(__always)
  private mutating func enqueue(_ frame: Int, to port: Int, _ edit: TagEdit) {
    let count = ports[port].pendingCount
    touch(port)
    pending[port * Burst.capacity + count] = PendingFrame(frame: UInt16(truncatingIfNeeded: frame), edit: edit)
    ports[port].pendingCount = count + 1
    if count + 1 == Burst.capacity { deliver(to: port) }
  }
}
