import Frames

/// Punts: what the control side's protocols must see goes into a ring of its own for each of them.
///
/// A punt is a capture of a kind of its own (`CaptureTap.isPunt`, a bit of `TapSet.punts`), so that a port that nobody punts
/// from pays nothing for them. It sees frames as the switch does: not before an impairment lets them go, nor from a port
/// that is down, nor those that leave; and whatever then becomes of them, by policy or by the port's state.
extension WorkerState {
  /// Offers a burst that the switch is about to judge to the port's punts.
  @inline(never)
  mutating func punt(from port: Int, queue: Int) {
    var seen = CaptureTap.Sighting(
      port: port, captures: ports[port].taps & taps.punts, direction: .fromNode, drop: .none,
      queue: UInt16(truncatingIfNeeded: queue))
    seen.depth = taps.depth(of: seen.captures, seen.direction)
    for index in 0..<burst.count {
      seen.vlan = ingressVLAN(index, on: port)
      taps.record(index, of: burst, .keep, seen)
    }
  }

  /// The VLAN that the ingress filter takes a frame to be of; 0 = none, and it will be dropped.
  private mutating func ingressVLAN(_ index: Int, on port: Int) -> UInt16 {
    let size = burst.frames[index].size
    guard size >= Ethernet.headerSize else { return 0 }
    let header = burst.header(index)
    guard header.isTagged else { return ports[port].untaggedVLAN }
    guard size >= Ethernet.headerSize + Ethernet.tagSize, header.tag.vlan != 0x0FFF else { return 0 }
    guard header.tag.vlan != 0 else { return ports[port].untaggedVLAN }
    return ports[port].carries(header.tag.vlan) ? header.tag.vlan : 0
  }
}
