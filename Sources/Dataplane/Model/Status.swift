import Frames

/// Why a frame was dropped on its way from the node into the switch, in the words of the user guide.
package enum IngressDrop: Int, Sendable, CaseIterable {
  case runt, vlanFiltered, vlanInvalid, sourceInvalid, linkLocal, portDown, headerInvalid, loop, notForwarding
  case acl, spoofed, storm, rate, learnLimit

  /// Name in JSON, metrics and tables.
  package var name: String {
    switch self {
    case .runt: "runt"
    case .vlanFiltered: "vlan-filtered"
    case .vlanInvalid: "vlan-invalid"
    case .sourceInvalid: "source-invalid"
    case .linkLocal: "link-local"
    case .portDown: "port-down"
    case .headerInvalid: "header-invalid"
    case .loop: "loop"
    case .notForwarding: "not-forwarding"
    case .acl: "acl"
    case .spoofed: "spoofed"
    case .storm: "storm"
    case .rate: "rate"
    case .learnLimit: "learn-limit"
    }
  }
}

/// Why a frame was dropped on its way from the switch to the node.
package enum EgressDrop: Int, Sendable, CaseIterable, BitwiseCopyable {
  case noBuffer, carrierDown, tooBig, guestFault, hairpin, impairedLoss, impairedQueue, tapBusy, notForwarding
  case migrationBuffer, acl, rate, isolated

  /// Name in JSON, metrics and tables.
  package var name: String {
    switch self {
    case .noBuffer: "no-buffer"
    case .carrierDown: "carrier-down"
    case .tooBig: "too-big"
    case .guestFault: "guest-fault"
    case .hairpin: "hairpin"
    case .impairedLoss: "impaired-loss"
    case .impairedQueue: "impaired-queue"
    case .tapBusy: "tap-busy"
    case .notForwarding: "not-forwarding"
    case .migrationBuffer: "migration-buffer"
    case .acl: "acl"
    case .rate: "rate"
    case .isolated: "isolated"
    }
  }
}

/// One queue of a vhost-user port.
package struct QueueStatus: Sendable {
  /// Ring index: even = to the node, odd = from the node.
  package var index: Int
  package var size: Int
  /// `split` or `packed`.
  package var ring: String
  package var isEnabled: Bool
  package var availableIndex: Int
  package var usedIndex: Int
  package var kicks: UInt64
  package var calls: UInt64
  /// Number of the worker that serves it.
  package var worker = 0
  /// Large frames (of several segments): from the node, those that it sent; to the node, those that went to it, whole or
  /// cut.
  package var segmented: UInt64 = 0
  /// Frames to the node that took more than one of its buffers.
  package var merged: UInt64 = 0
  /// Why it does not run; nil = it does.
  package var stopped: String?
}

/// What a port and its node leave to each other, as agreed: `checksum`, `tso4`, `tso6`, `ecn`, and `uso` or one of `uso4`
/// and `uso6`.
package struct OffloadStatus: Sendable, Equatable {
  /// What the node takes.
  package var toNode: [String]
  /// What it may send.
  package var fromNode: [String]

  package init(toNode: [String], fromNode: [String]) {
    (self.toNode, self.fromNode) = (toNode, fromNode)
  }
}

/// A mapped region of guest memory.
package struct MemoryRegionStatus: Sendable {
  package var guestAddress: UInt64
  package var size: UInt64
  package var fileOffset: UInt64
}

/// What only a vhost-user port has.
package struct VhostUserStatus: Sendable {
  package var socket: String
  package var queuePairs: Int
  package var isConnected: Bool
  /// Names of the acknowledged feature bits.
  package var features: [String]
  package var protocolFeatures: [String]
  package var memoryRegions: [MemoryRegionStatus]
  package var queues: [QueueStatus]
  /// Sessions that ended by a fault.
  package var faults: UInt64
  /// Messages and front-ends refused since the port was made; a refused message need not end its session.
  package var refusals: UInt64
  /// The latest of them: what was refused, and why.
  package var lastRefusal: String?
  /// What is known to be wrong with the front-end that is connected, and what to do; nil = nothing.
  package var advice: String?
  /// Which end of the socket this product is: `listen` or `connect`.
  package var role = VhostUserSocket.Role.listen
}

/// What only a port has whose peer is given whole frames over a socket.
package struct SocketPeerStatus: Sendable {
  package var path: String
  /// Where the peer binds its own socket; of datagrams alone.
  package var peerPath: String?
  /// `listen` or `connect`; of a stream alone.
  package var role: String?
  /// The peer is there.
  package var isConnected: Bool
  /// Connections that ended by a fault of the peer.
  package var faults: UInt64
  /// IPv4 fragments from the peer that say that they must not be fragments (DF).
  package var forbiddenFragments: UInt64
}

/// Frames that wait for a node that moves.
package struct HeldStatus: Sendable, Equatable {
  package var frames: Int
  package var bytes: Int
  /// Bytes that may wait.
  package var limit: Int

  package init(frames: Int, bytes: Int, limit: Int) { (self.frames, self.bytes, self.limit) = (frames, bytes, limit) }
}

/// A port as `port list` and `port show` tell it.
///
/// *Receive* and *in*: from the node into the switch.
package struct PortStatus: Sendable {
  /// What is behind a port; the end of a patch reads `trunk`, the users' word for the joint of two switches.
  package enum Kind: String, Codable, Sendable {
    case vhostUser = "vhost-user", tap, nic, stream, dgram, patch = "trunk"
  }
  package var name: String
  package var switchName: String?
  package var kind: Kind
  package var carrier: Bool
  /// The port's own end is there: its front-end has started the rings, its interface is open and set up.
  ///
  /// What was set, and the other end of a wire, do not count.
  package var hasEnd = true
  package var mode: PortMode
  /// The other end of a wire or patch.
  package var peer: String?
  /// Station address of the node's NIC; nil for the end of a trunk, which has none.
  package var address: MACAddress?
  package var mtu: Int
  package var queues: Int
  package var receivePackets: UInt64
  package var receiveBytes: UInt64
  package var transmitPackets: UInt64
  package var transmitBytes: UInt64
  /// Reasons with a count above zero.
  package var dropsIn: [String: UInt64]
  package var dropsOut: [String: UInt64]
  /// Last fatal error of the port's session.
  package var error: String?
  package var vhostUser: VhostUserStatus?
  package var socketPeer: SocketPeerStatus?
  /// Nil while there is no node to agree with, and for the end of a trunk.
  package var offloads: OffloadStatus?
  /// VLANs in which it does not forward; nil = it forwards in all.
  package var states: ForwardingStates?
  /// Name of a TAP's interface.
  package var interface: String?
  /// It was asked for at run time, and no lab file has it.
  package var isAdded = false
  /// Of each direction that is impaired.
  package var impairments: [ImpairmentStatus] = []
  /// What waits for its node, which is in switch-over; nil = it is not.
  package var held: HeldStatus?
}

/// One entry of a switch's forwarding database.
package struct FDBEntry: Sendable {
  package var switchName: String
  package var vlan: Int
  package var address: MACAddress
  package var port: String
  package var ageSeconds: Double
  package var isStatic: Bool

  package init(
    switchName: String, vlan: Int, address: MACAddress, port: String, ageSeconds: Double, isStatic: Bool
  ) {
    (self.switchName, self.vlan, self.address, self.port) = (switchName, vlan, address, port)
    (self.ageSeconds, self.isStatic) = (ageSeconds, isStatic)
  }
}

/// What a switch counts.
package struct SwitchStatus: Sendable {
  package var name: String
  /// Entries of the forwarding database, static ones too.
  package var fdbEntries: UInt64
  /// Stations that came up on another port than before.
  package var fdbMoves: UInt64
  /// Of the entries, those that are static.
  package var fdbStaticEntries: UInt64 = 0
  /// Stations that had to make room for others.
  package var fdbEvictions: UInt64 = 0
  /// Entries that fit.
  package var fdbLimit: UInt64 = 0

  package init(name: String, fdbEntries: UInt64, fdbMoves: UInt64) {
    self.name = name
    self.fdbEntries = fdbEntries
    self.fdbMoves = fdbMoves
  }
}

/// A worker, and its account of its time.
package struct WorkerStatus: Sendable {
  package var index = 0
  /// The processor that it is pinned to; nil = it is not.
  package var cpu: Int?
  /// Ports of which it serves a queue, in their order, each of them once.
  package var ports: [String] = []
  /// Share of the last whole second in which it moved frames, 0...1; nil before the first.
  package var recentBusy: Double?
  /// Frames that it received in the last whole second, a second; nil before the first.
  package var recentFrames: Double?
  /// TSC cycles of breaths that moved frames.
  package var busyCycles: UInt64
  /// TSC cycles of breaths that found nothing, without sleep.
  package var idleCycles: UInt64
  package var sleeps: UInt64
  /// Breaths that moved frames.
  package var bursts: UInt64
  /// Frames received by this worker.
  package var frames: UInt64
  /// Frames of each breath that moved some.
  package var burstSizes = Histogram()
  /// Time from the start of a breath that moved frames to its end, of one in 16: by microseconds, their sum in nanoseconds.
  package var breathTimes = Histogram()
}

/// Something that happened in the data plane.
package enum DataplaneEvent: Sendable {
  case portUp(port: String)
  case portDown(port: String)
  /// A session or ring ended by a fault, with the reason.
  case portFault(port: String, reason: String)
  /// A message or a front-end was refused, with the reason; the first of its kind, and then one a minute.
  case portRefusal(port: String, reason: String)
  /// Something is wrong with a front-end, and what to do.
  case portAdvice(port: String, text: String)
  /// So many changes of a port's carrier came faster than they could be told; what was told last is true.
  case carrierChangesLost(port: String, count: Int)
  /// Stations came up behind other ports, had to make room, or there was no room for all.
  case stations(StationNews)
  /// Something is wrong with how a worker runs, and what to do.
  case workerAdvice(worker: Int, text: String)
}

/// Bad input to the data plane from the control side.
package enum DataplaneError: Error, Sendable, Equatable, CustomStringConvertible {
  case nameTaken(String)
  case unknownPort(String)
  case unknownSwitch(String)
  case invalid(String)
  /// The host refused: what was tried and what it said.
  case host(String)

  package var description: String {
    switch self {
    case .nameTaken(let name): "the name \(name) is taken"
    case .unknownPort(let name): "there is no port \(name)"
    case .unknownSwitch(let name): "there is no switch \(name)"
    case .invalid(let message), .host(let message): message
    }
  }
}
