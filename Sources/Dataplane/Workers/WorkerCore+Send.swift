import Frames

/// Frames that the switch itself sends out of a port.
extension WorkerCore {
  /// Sends a frame out of a port as one that was forwarded there.
  ///
  /// It is impaired, captured, counted, or dropped like others. Nothing is learnt, and no state of the port forbids it. Out
  /// of the end of a patch, it comes in at the other end.
  /// - Parameters:
  ///   - frame: of a valid size, with its tag if it has one.
  ///   - vlan: that it leaves in; 0 = its bytes leave as they are, and a patch takes it as they say.
  mutating func coldSend(_ port: Int, _ frame: [UInt8], vlan: UInt16) {
    burst.reset()
    (copies, stamp) = (0, 0)
    packetBase &+= UInt64(Burst.capacity)
    pool.note(frame, in: burst)
    let isPatch = ports[port].kind == .patch
    if recorder.isOn {
      packetBase = recorder.position &+ 1
      recorder.begin(port: port, time: burstTime(), isSent: true)
      recorder.record(burst, from: 0, count: 1, output: isPatch ? -1 : port)
    }
    let header = burst.header(0)
    if header.isTagged { burst.frames[0].flags.insert(.tagged) }
    var place = Place(
      frame: 0, ingress: port, switchIndex: ports[port].switchIndex, vlan: vlan,
      priority: header.isTagged ? header.tag.priority : 0, hops: 0)
    if isPatch {
      if vlan == 0 { place.vlan = ports[port].untaggedVLAN }
      if vlan == 0, header.isTagged, header.tag.vlan != 0 { place.vlan = header.tag.vlan }
      crossings = 1
      if ports[port].egressLine < 0 { arrive(place, patch: port) } else { holdCrossing(place, patch: port) }
      deliverTouched()
    } else {
      pending[port * Burst.capacity] = PendingFrame(frame: 0, edit: vlan == 0 ? .keep : edit(place, port))
      ports[port].pendingCount = 1
      deliver(to: port)
    }
    if recorder.isOn { recorder.end() }
    settleCalls()
    burst.reset()
  }
}
