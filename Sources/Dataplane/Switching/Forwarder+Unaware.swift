import Frames

/// Patches of which an end is on a switch without VLANs (`TagMode.transparent`).
///
/// There, nobody has read a frame's tag: it bears the one that it came with, or that of the link by which it came from a
/// switch with VLANs (`WireForm`). An end with VLANs judges it by that as it would judge what a node sends.
extension Forwarder {
  /// What a frame is at the far end of a patch.
  struct Landing {
    var vlan: UInt16 = 0
    var priority: UInt16 = 0
    /// Its own tag was read, and is a tag from here on.
    var readsTag = false
    /// It is not taken there.
    var drop: IngressDrop?
  }

  /// What is known of a frame and its ends before it lands.
  struct Takeoff {
    var near: TagMode
    var nearUntagged: UInt16
    var far: TagMode
    var farUntagged: UInt16
    /// The frame is long enough for a tag, and no checksum starts in it.
    var canBeTagged: Bool
    var header: EthernetHeader
  }

  /// What a frame is at the far end of a patch; whether that is a member of the VLAN is not looked at.
  static func landing(_ place: Place, _ takeoff: Takeoff) -> Landing {
    guard takeoff.near == .transparent else {
      let isUntagged = takeoff.nearUntagged == place.vlan
      return Landing(priority: isUntagged ? WireForm.untagged.bits : place.priority | place.vlan)
    }
    guard takeoff.far != .transparent else { return Landing(priority: place.priority) }
    let form = WireForm(bits: place.priority)
    if let tag = form.tag { return Landing(vlan: tag.vlan, priority: tag.priority) }
    guard form.bits == WireForm.asItCame.bits, takeoff.header.isTagged else {
      return Landing(vlan: takeoff.farUntagged)
    }
    guard takeoff.canBeTagged else { return Landing(drop: .headerInvalid) }
    let tag = takeoff.header.tag
    guard tag.vlan != 0x0FFF else { return Landing(drop: .vlanInvalid) }
    return Landing(vlan: tag.vlan == 0 ? takeoff.farUntagged : tag.vlan, priority: tag.priority, readsTag: true)
  }

  /// The far side of a patch of which an end is on a switch without VLANs; it was counted as crossing.
  @inline(never)
  mutating func arriveUnaware(_ place: Place, from patch: Int, at far: Int, _ state: inout WorkerState) {
    let leastSize = Ethernet.headerSize + Ethernet.tagSize
    let canBeTagged =
      state.burst.frames[place.frame].size >= leastSize
      && (!state.burst.frames[place.frame].needsChecksum || state.burst.frames[place.frame].checksumStart >= leastSize)
    let takeoff = Takeoff(
      near: state.ports[patch].mode, nearUntagged: state.ports[patch].untaggedVLAN, far: state.ports[far].mode,
      farUntagged: state.ports[far].untaggedVLAN, canBeTagged: canBeTagged, header: state.burst.header(place.frame))
    let landing = Self.landing(place, takeoff)
    let drop = landing.drop ?? (state.ports[far].carries(landing.vlan) ? nil : .vlanFiltered)
    if state.ports[patch].taps | state.ports[far].taps != 0 {
      state.recordCrossing(place, from: patch, to: far, vlan: drop == nil ? landing.vlan : 0)
    }
    if let drop { return state.refuseCrossing(place, from: patch, at: far, drop) }
    // To ports of the switch that it came from it goes as it is, whether this is known or not.
    if landing.readsTag { state.burst.frames[place.frame].flags.insert(.tagged) }
    let next = Place(
      frame: place.frame, ingress: far, switchIndex: state.ports[far].switchIndex, vlan: landing.vlan,
      priority: landing.priority, hops: place.hops + 1)
    relayBeyondPatch(next, &state)
  }
}
