import Frames

/// How a port treats 802.1Q tags (802.1Q-2018 clause 6.9), as plain values from the control side.
package enum PortMode: Sendable, Equatable {
  /// Untagged, priority-tagged and `vlan` come in; goes out untagged.
  case access(vlan: UInt16)
  /// Members of `allowed` (1...4094) come in tagged; untagged only with `native`.
  case trunk(allowed: VLANSet, native: UInt16?)
  /// A port of a switch without VLANs, as all its ports are: every frame passes as it is, tagged or not.
  case transparent
  /// One end of a wire: everything passes, nothing is looked at.
  case wire
}

/// Which 01-80-C2-00-00-0X frames a switch forwards (802.1Q clause 8.6.3).
package enum LinkLocalPolicy: String, Codable, Sendable, CaseIterable { case standard, linux, transparent }

/// How a worker waits for work.
package enum PollPolicy: String, Sendable, CaseIterable {
  /// Polls while there is work, then sleeps with kicks enabled.
  case adaptive
  /// Never sleeps.
  case busy
  /// Sleeps as soon as a breath found nothing.
  case sleep
}

/// Settings of the data plane as a whole.
package struct DataplaneConfiguration: Sendable {
  /// What `workerCount` may be.
  package static let workerCounts = 1...64
  package var workerCount = 1
  /// Processors to pin workers to, a worker each; fewer than workers = from the first again; empty = not pinned.
  package var cpus: [Int] = []
  package var poll = PollPolicy.adaptive
  /// Priority of the workers' threads, -20 (first) to 19; what this process may not have is left as it is.
  package var nice = 0
  /// Bytes of the flight recorder; 0 = there is none.
  package var recorderSize = 8 << 20
  /// How long frames wait at most for a node that moves.
  package var switchOverLimit = Duration.seconds(30)
  package init() {}

  /// The processor that a worker is pinned to; nil = it is not.
  func cpu(ofWorker index: Int) -> Int? { cpus.isEmpty ? nil : cpus[index % cpus.count] }
}

/// Settings of one switch.
package struct SwitchConfiguration: Codable, Equatable, Sendable {
  package var name: String
  /// Seconds until an unused FDB entry is forgotten.
  package var aging: Double = 300
  package var linkLocal = LinkLocalPolicy.standard
  /// Stations that are known at most, of `fdbLimits`.
  package var fdbLimit = 8192
  /// Stations behind one port that are known at most; nil = half of all.
  package var fdbPerPort: Int?
  package init(name: String) { self.name = name }

  /// What `fdbLimit` may be.
  package static let fdbLimits = 1...1 << 20
  /// What `fdbPerPort` comes to.
  var fdbPortLimit: Int { min(max(fdbPerPort ?? fdbLimit / 2, 1), fdbLimit) }
}

/// A vhost-user socket of a port.
package struct VhostUserSocket: Sendable {
  package enum Role: String, Sendable { case listen, connect }
  /// No longer than `UnixSocket.maximumPathLength`.
  package var path: String
  package var role = Role.listen
  /// Ring pairs offered, 1 to 16.
  package var queuePairs = 1
  /// Permission bits of the socket file (`listen` only).
  package var mode: UInt32 = 0o660
  /// Owner of the socket file (`listen` only); nil = unchanged.
  package var owner: (user: UInt32, group: UInt32)?
  package var offload = OffloadLevel.on
  /// The front-end counts rings where others count pairs (GET_QUEUE_NUM), and its messages do not show it.
  package var countsRings = false
  package init(path: String) { self.path = path }
}

/// A TAP of a port.
package struct TAPInterface: Sendable {
  /// Interface name, at most 15 bytes.
  package var name: String
  /// Named network namespace that holds the interface; nil = the host's.
  package var namespace: String?
  /// `off` does without the virtio-net header.
  package var offload = OffloadLevel.on
  package init(name: String) { self.name = name }
}

/// What a port is made of.
package enum PortBackend: Sendable {
  case vhostUser(VhostUserSocket)
  case tap(TAPInterface)
  /// A stream of frames, each behind its length.
  case stream(SocketPeer)
  /// A frame a datagram.
  case dgram(SocketPeer)
  case nic(HostInterface)

  /// What is behind the port, and the path of its socket or the name of its interface.
  var kindAndPlace: (PortStatus.Kind, String) {
    switch self {
    case .vhostUser(let socket): (.vhostUser, socket.path)
    case .tap(let interface): (.tap, interface.name)
    case .stream(let peer): (.stream, peer.path)
    case .dgram(let peer): (.dgram, peer.path)
    case .nic(let interface): (.nic, interface.name)
    }
  }
}

/// One end of a patch, the joint of two switches.
package struct PatchEnd: Sendable {
  /// Name of the port; unique in the lab.
  package var name: String
  package var switchName: String
  /// `transparent` of an end on a switch without VLANs, whatever the other one is.
  package var mode: PortMode

  package init(_ name: String, on switchName: String, _ mode: PortMode) {
    (self.name, self.switchName, self.mode) = (name, switchName, mode)
  }
}

/// A port to be made.
package struct PortConfiguration: Sendable {
  /// `node.nic`, or the name given; unique in the lab.
  package var name: String
  /// Switch it belongs to; nil = one end of a wire, or nowhere.
  package var switchName: String?
  package var mode: PortMode
  /// Bytes, 68...65521; frames to the node with a longer payload are dropped as `too-big`.
  ///
  /// Nil = as much as there can be, and nothing is told to the node.
  package var mtu: Int?
  /// Largest MTU of a port, in bytes.
  package static let largestMTU = 65521
  /// Bytes of frames to the node that wait while it moves, of `migrationBuffers`; 0 = none do.
  package var migrationBuffer = usualMigrationBuffer
  package static let usualMigrationBuffer = 4 << 20
  package static let migrationBuffers = 0...1 << 30
  /// Station address of the node's NIC, for `port list` and GET_CONFIG.
  package var address: MACAddress
  package var backend: PortBackend
  /// Carrier from the start, as `setCarrier` changes it.
  package var carrier = true
  /// Who makes the port tells its front-end of the carrier (see `heldPorts`), on which the front-end stops its rings:
  /// the session never ends for that.
  package var carrierIsTold = false
  /// It was asked for at run time, and no lab file has it; only told on.
  package var isAdded = false
  /// What it lets through, from its first frame on.
  package var rules = PortRules()

  package init(name: String, switchName: String?, mode: PortMode, address: MACAddress, backend: PortBackend) {
    self.name = name
    self.switchName = switchName
    self.mode = mode
    self.address = address
    self.backend = backend
  }
}

extension Duration {
  /// Nanoseconds, no fewer than none and no more than those of a lifetime.
  var wholeNanoseconds: UInt64 {
    let (seconds, rest) = components
    guard seconds >= 0, rest >= 0 else { return 0 }
    return UInt64(min(seconds, 1 << 31)) * 1_000_000_000 + UInt64(rest / 1_000_000_000)
  }
}
