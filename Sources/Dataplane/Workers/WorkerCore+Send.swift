import Frames

/// Frames that the switch itself sends out of a port.
extension WorkerCore {
  /// Sends a frame out of a port as one that was forwarded there.
  ///
  /// It is impaired, captured, counted, or dropped like others. Nothing is learnt, and no state of the port forbids it. Out
  /// of the end of a patch, it comes in at the other end.
  /// - Parameters:
  ///   - frame: of a valid size, with its tag if it has one.
  ///   - vlan: that it leaves in; 0 = its bytes leave as they are; a patch takes it as forwarded in the VLAN that they say, so
  ///     untagged if that is the native one of its near end.
  mutating func coldSend(_ port: Int, _ frame: [UInt8], vlan: UInt16) {
    state.reset()
    state.taps.begin()
    state.pool.note(frame, in: state.burst)
    let isPatch = state.ports[port].kind == .patch
    if state.taps.recorder.isOn {
      state.taps.beginRecordingSent(of: state.burst, port: port, output: isPatch ? -1 : port)
    }
    let header = state.burst.header(0)
    // On a switch without VLANs nobody reads it.
    let readsTag = header.isTagged && state.ports[port].mode != .transparent
    if readsTag { state.burst.frames[0].flags.insert(.tagged) }
    var place = Place(
      frame: 0, ingress: port, switchIndex: state.ports[port].switchIndex, vlan: vlan,
      priority: readsTag ? header.tag.priority : 0, hops: 0)
    if isPatch {
      if vlan == 0 { place.vlan = state.ports[port].untaggedVLAN }
      if vlan == 0, readsTag, header.tag.vlan != 0 { place.vlan = header.tag.vlan }
      forwarder.cross(sent: place, &state)
    } else {
      state.enqueue(0, to: port, vlan == 0 ? .keep : state.edit(place, port))
    }
    state.deliverTouched()
    if state.taps.recorder.isOn { state.taps.recorder.end() }
    state.ports.settleCalls()
    state.burst.reset()
  }
}
