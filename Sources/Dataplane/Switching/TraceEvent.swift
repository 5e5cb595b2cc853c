import Frames

/// One thing that the switch would find out or do about a frame; ports and switches by number.
enum TraceEvent: Sendable, Equatable {
  /// Why a member of a VLAN gets no copy of a flood.
  enum Skip: Sendable { case isIngress, isDown, otherVLAN, notForwarding }

  case received(port: Int, size: Int)
  case impaired(port: Int, Impairment)
  /// The port's node is in switch-over.
  case held(port: Int)
  case wire(to: Int)
  case vlan(port: Int, vlan: Int, tag: TagControl?)
  /// The switch reads no tag.
  case unaware(switchIndex: Int, port: Int, isTagged: Bool)
  case source(MACAddress, vlan: Int, switchIndex: Int, port: Int, known: Int?, isStatic: Bool)
  /// The port's state in a VLAN, which is not forwarding.
  case state(ForwardingState, port: Int, vlan: Int)
  case linkLocal(MACAddress, LinkLocalPolicy, passes: Bool)
  case found(MACAddress, vlan: Int, switchIndex: Int, port: Int)
  /// Known, but the port is not a member of the VLAN.
  case foundElsewhere(MACAddress, vlan: Int, switchIndex: Int, port: Int)
  case unknown(MACAddress, vlan: Int, switchIndex: Int)
  case flood(switchIndex: Int, vlan: Int, ports: [Int], skipped: [Int: Skip])
  case crosses(patch: Int, far: Int, vlan: Int, isTagged: Bool)
  /// The same where an end is on a switch without VLANs; the VLAN is that of the far end, 0 = none.
  case crossesUnaware(patch: Int, far: Int, vlan: Int, edit: TagEdit.Kind, tag: TagControl)
  case leaves(port: Int, edit: TagEdit.Kind, tag: TagControl, size: Int)
  /// An access list of the port has judged it.
  case rules(port: Int, isFromNode: Bool, TraceVerdict)
  /// It is not the node's.
  case spoofed(port: Int, AddressLock.Offence)
  case isolated(from: Int, to: Int)
  case dropped(port: Int, FrameDrop)
}

/// What would become of a frame.
struct RawTrace: Sendable {
  var events: [TraceEvent] = []
  /// Ports that it would go to, with the frame as it would leave.
  var outputs: [(port: Int, frame: [UInt8])] = []
  /// Reasons of the drops on the way.
  var drops: [FrameDrop] = []
  /// Patches crossed.
  var crossings = 0

  mutating func drop(_ port: Int, _ reason: FrameDrop) {
    events.append(.dropped(port: port, reason))
    drops.append(reason)
  }
}
