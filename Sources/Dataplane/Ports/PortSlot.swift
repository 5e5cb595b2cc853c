import Frames

/// The kinds of ports; a new kind is one case here, its file in this folder, and a line in each switch of PortDispatch.swift.
enum PortKind: UInt8, CaseIterable {
  /// No port: a free slot.
  case none
  case vhostUser
  case tap
  /// An interface of this host, taken by a packet socket.
  case nic
  /// A Unix socket: a stream of frames, or a frame a datagram.
  case stream
  case dgram
  /// One end of a patch, the joint of two switches of this process; never receives by itself.
  case patch
  /// Nothing; for tests and benchmarks.
  case null
}

/// How a port treats tags, in the form that the switch reads a frame with.
enum TagMode: UInt8 { case access, trunk, wire, transparent }

/// How a port says whether frames of a VLAN leave there: as its `TagMode` has it, or as that and its states do.
enum PortGate: UInt8 { case access, trunk, wire, stated }

/// What the worker holds of a port of any kind.
struct PortSlot: ~Copyable {
  var kind = PortKind.none
  var mode = TagMode.wire
  /// Access VLAN, or the native VLAN of a trunk; 0 = untagged frames do not belong anywhere, or on a switch without VLANs,
  /// where all frames are of number 0, to that.
  var untaggedVLAN: UInt16 = 0
  /// VLANs of a trunk.
  let allowed = VLANBitmap()
  /// What `sends` goes by.
  private(set) var gate = PortGate.wire
  /// VLANs in which the port does not forward; none as a rule.
  private(set) var states = VLANStates()
  /// Switch number, -1 = none (a wire, or nowhere).
  var switchIndex = -1
  /// Port number of the other end of a wire or patch, -1 = none.
  var peer = -1
  /// Place of what only its kind has in the pool of that kind; -1 = there is nothing.
  var body = -1
  /// Only the kernel says when frames come (a TAP's, a NIC's): the worker looks at its descriptors also while it polls.
  var needsLooks = false
  /// Carrier as the user set it.
  var isWanted = true
  /// The node is there and takes frames.
  var isUp = false
  /// Bytes of payload that the node takes.
  var mtu = 65521
  /// Frames waiting for this port in this breath.
  var pendingCount = 0
  /// In the list of ports that this breath touched.
  var isTouched = false
  /// Chains taken at most in one breath: falls while this port's frames flood to many.
  var burstLimit = Burst.capacity
  /// Where the next turn begins, of a port with several queues.
  var nextQueue: UInt8 = 0
  /// Copies that its floods cost beyond its share, and what they count with; see `WorkerState+Share`.
  var owedCopies = 0
  var debtEpoch: UInt32 = 0
  /// Breaths in which it had nothing, where there are many ports, and TSC of the first one; see `ActivePorts`.
  var quietBreaths: UInt8 = 0
  var quietSince: UInt64 = 0
  /// Lines that hold its frames from and to the node, -1 = not impaired.
  var ingressLine = -1
  var egressLine = -1 { didSet { setDetour() } }
  /// What keeps frames to the node while it moves, -1 = it does not; see `SwitchOver`.
  var switchOver = -1 { didSet { setDetour() } }
  /// Frames to the node do not leave at once, for one of both.
  private(set) var isDetoured = false
  /// Its rules' place, -1 = it has none, and where they are asked; see `PortRuleSet`.
  var rules = -1
  var ruleUse: RuleUse = []
  /// Stations that it may have, if its rules say so.
  var learnLimit: Int32 = 0
  /// Bytes of a frame from the node that must be in scratch before anything judges it; see `coldFindNeededDepth`.
  var neededDepth = Burst.scratchRule
  /// Captures that it is part of, one bit each; 0 = none.
  var taps: UInt64 = 0
  /// Queues that this worker takes frames from, one bit each.
  var ownQueues: UInt16 = 0
  var counters: CounterWriter
  /// Keeps `counters` alive.
  var block: CounterBlock

  /// The source seen last, and when: a repeated source costs no look at the FDB.
  var lastSource: UInt64 = 0
  var lastSourceTick: UInt32 = 0
  /// The destination looked up last, where it is, and the FDB generation of both caches.
  var lastDestination = Self.noDestination
  var lastOutput = 0
  var generation: UInt32 = 0

  /// No destination is remembered; 0 is the key of address zero where there are no VLANs, which anybody may send to.
  @inline(__always)
  static var noDestination: UInt64 { UInt64.max }

  init() {
    block = CounterBlock()
    counters = block.writer
  }

  /// The port is a member of this VLAN.
  @inline(__always)
  func carries(_ vlan: UInt16) -> Bool {
    switch mode {
    case .access, .transparent: untaggedVLAN == vlan
    case .trunk: allowed.contains(vlan)
    case .wire: false
    }
  }

  /// How a frame's tag is changed where it leaves here.
  ///
  /// - Parameters:
  ///   - priority: PCP and DEI in their places of a tag; on a switch without VLANs a `WireForm`.
  ///   - old: the tag that it came with, if it has one.
  @inline(__always)
  func edit(vlan: UInt16, priority: UInt16, isTagged: Bool, tag old: @autoclosure () -> TagControl) -> TagEdit {
    guard mode == .trunk, untaggedVLAN != vlan else {
      guard mode != .transparent else { return WireForm(bits: priority).edit(isTagged: isTagged, tag: old()) }
      return isTagged ? TagEdit(kind: .remove, tag: TagControl(bits: 0)) : .keep
    }
    return TagEdit(tag: TagControl(bits: priority | vlan), isTagged: isTagged, old: old())
  }

  /// Frames of this VLAN leave here: the port is a member, and its state there is forwarding.
  @inline(__always)
  func sends(_ vlan: UInt16) -> Bool {
    switch gate {
    case .access: untaggedVLAN == vlan
    case .trunk: allowed.contains(vlan)
    case .wire: false
    case .stated: carries(vlan) && states.state(vlan) == .forwarding
    }
  }

  private mutating func setDetour() { isDetoured = egressLine >= 0 || switchOver >= 0 }

  /// Replaces the forwarding states; nil = the port forwards in every VLAN.
  mutating func assign(_ newStates: ForwardingStates?) {
    states.assign(newStates)
    setGate()
  }

  private mutating func setGate() {
    guard states.isEmpty else { return gate = .stated }
    gate =
      switch mode {
      // Number 0 is the one that a transparent port has.
      case .access, .transparent: .access
      case .trunk: .trunk
      case .wire: .wire
      }
  }

  /// Sets mode and VLANs, and forgets what was cached under the old ones.
  mutating func assign(_ newMode: PortMode) {
    switch newMode {
    case .access(let vlan):
      mode = .access
      untaggedVLAN = vlan
    case .trunk(let set, let native):
      mode = .trunk
      untaggedVLAN = native ?? 0
      allowed.assign(set)
    case .transparent:
      mode = .transparent
      untaggedVLAN = 0
    case .wire:
      mode = .wire
      untaggedVLAN = 0
    }
    setGate()
    forget()
  }

  /// Caches that a source was seen in a second, as it is true of a generation; what was true of another one is forgotten.
  @inline(__always)
  mutating func remember(_ source: UInt64, at tick: UInt32, _ newGeneration: UInt32) {
    if generation != newGeneration {
      generation = newGeneration
      lastDestination = Self.noDestination
    }
    lastSource = source
    lastSourceTick = tick
  }

  /// Takes over the settings of a port as the first worker has them; what belongs to a worker stays.
  mutating func takeOver(_ first: borrowing PortSlot, worker: Int) {
    if first.kind == .none || block !== first.block { self = PortSlot() }
    guard first.kind != .none else { return }
    block = first.block
    counters = first.block.writer(of: worker)
    kind = first.kind
    (mode, untaggedVLAN) = (first.mode, first.untaggedVLAN)
    allowed.assign(first.allowed)
    (switchIndex, peer, body) = (first.switchIndex, first.peer, first.body)
    (isWanted, isUp, mtu) = (first.isWanted, first.isUp, first.mtu)
    (ingressLine, egressLine, switchOver) = (first.ingressLine, first.egressLine, first.switchOver)
    (neededDepth, taps) = (first.neededDepth, first.taps)
    (rules, ruleUse, learnLimit) = (first.rules, first.ruleUse, first.learnLimit)
    if !states.isEmpty || !first.states.isEmpty { states.assign(first.states) }
    setGate()
    forget()
  }

  /// The settings that are not as the first worker has them; for debug builds.
  func differences(from first: borrowing PortSlot) -> [String] {
    let isSame: [(String, Bool)] = [
      ("kind", kind == first.kind), ("mode", mode == first.mode), ("untagged VLAN", untaggedVLAN == first.untaggedVLAN),
      ("VLANs", mode != .trunk || allowed.isSame(as: first.allowed)), ("gate", gate == first.gate),
      ("switch", switchIndex == first.switchIndex), ("peer", peer == first.peer), ("body", body == first.body),
      ("wanted carrier", isWanted == first.isWanted), ("carrier", isUp == first.isUp), ("MTU", mtu == first.mtu),
      ("lines", ingressLine == first.ingressLine && egressLine == first.egressLine),
      ("switch-over", switchOver == first.switchOver),
      ("needed depth", neededDepth == first.neededDepth), ("captures", taps == first.taps),
      ("rules", rules == first.rules && ruleUse == first.ruleUse && learnLimit == first.learnLimit),
      ("counters", kind == .none || block === first.block),
    ]
    return isSame.filter { !$0.1 }.map(\.0)
  }

  /// Empties the caches.
  mutating func forget() {
    lastSource = 0
    lastDestination = Self.noDestination
    generation = 0
  }
}
