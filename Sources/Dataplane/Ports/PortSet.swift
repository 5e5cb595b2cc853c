internal import LinuxHost

/// The ports as one worker has them: a slot for each number, what each kind keeps beside it, and the cables that hang at them.
///
/// Touched by the worker's thread only, but for the bodies, which all workers share, and while all stand still: the settings
/// of each slot are the first worker's, and others have copies (`PortSet+Sharing`). What a kind does is asked in PortDispatch.swift; what its rings have beyond that,
/// in PortSet+Rings.swift.
///
/// Unsafe code. Invariants: those of `FixedArray`, whose elements it gives out and which checks their numbers.
@safe
struct PortSet: ~Copyable {
  /// Slots at the start; doubled as needed between breaths.
  static let initialCapacity = 64

  private var slots: FixedArray<PortSlot>
  /// What hangs at each port, by its number; the first worker's alone.
  private(set) var cables: FixedArray<Cable>
  /// One more than the highest port number in use.
  var limit = 0
  /// Those that are looked at in each breath, where there are many.
  var active = ActivePorts(capacity: initialCapacity)
  /// What ports have beside their slots, by `PortSlot.body`: a pool for each kind that has something.
  let vhostUser: SharedView<VhostUserPort>
  let tap: SharedView<TAPPort>
  let nic: SharedView<NICPort>
  let stream: SharedView<StreamPort>
  let dgram: SharedView<DatagramPort>
  /// Their pools, which live as long as this.
  let shared: SharedPorts
  /// There are other workers: receive rings have their locks, and trouble is the first one's to settle.
  let isShared: Bool
  /// Number of the worker.
  let worker: Int
  /// Ports whose settings are new since other workers took them over; the first worker's.
  var changed: [Int] = []
  /// Cycles that bursts of each queue took, `VhostUserPort.maximumPairs` of them a port; none unless there are others.
  private(set) var loads: FixedArray<UInt64>
  /// Ports that need the worker to look at descriptors while it polls; see `PortSlot.needsLooks`.
  var lookedAtCount = 0
  /// Bursts that came from rings, which nobody tells of while they are polled: what a worker goes on polling for.
  var ringBursts: UInt64 = 0
  /// Ends of patches that there are.
  var patchEndCount = 0

  /// Rings whose used entries of this breath are published, but whose driver may still have to be called.
  let unsettled = FixedArray<UnsettledRing>(count: 256) { _ in UnsettledRing(port: 0, ring: 0) }
  var unsettledCount = 0
  /// Those of them that were there when this breath began, and still are.
  var unsettledBefore = 0
  /// Faults of mapped memory seen so far; see `coldMemoryFaults`.
  var faultCount: UInt32 = 0
  /// Ports whose rings broke, and whose carrier nobody has looked at since; see `WorkerCore.coldTellBroken`.
  var broken: [Int] = []
  var hasBroken = false
  /// Some memory was lost, and the first worker is to be told; see `coldMemoryFaults`.
  var hasLostMemory = false

  let guardian: CallGuardian
  /// Takes word of faults and carriers to the reactor.
  let faults: FaultQueue
  /// Kicks, TAPs and the command bell.
  let epoll: Epoll

  /// A ring of a port.
  struct UnsettledRing: BitwiseCopyable {
    var port: UInt16
    var ring: UInt16
  }

  /// - Parameters:
  ///   - shared: what all workers have in common.
  ///   - worker: number of the one whose ports these are.
  init(
    guardian: CallGuardian, faults: FaultQueue, epoll: Epoll, shared: SharedPorts = SharedPorts(), worker: Int = 0
  ) {
    (vhostUser, tap, nic) = (shared.vhostUser.view, shared.tap.view, shared.nic.view)
    (stream, dgram) = (shared.stream.view, shared.dgram.view)
    self.shared = shared
    self.worker = worker
    isShared = shared.workerCount > 1
    loads = FixedArray(count: isShared ? Self.initialCapacity * VhostUserPort.maximumPairs : 0) { _ in 0 }
    slots = FixedArray(count: Self.initialCapacity) { _ in PortSlot() }
    cables = FixedArray(count: Self.initialCapacity) { _ in Cable() }
    self.guardian = guardian
    self.faults = faults
    self.epoll = epoll
  }

  /// Slots that there are, in use or not.
  var capacity: Int { slots.count }

  /// The slot of a port; a number out of range is a mistake of this program, never of a guest, and traps.
  subscript(port: Int) -> PortSlot {
    @inline(__always)
    unsafeAddress { unsafe UnsafePointer(slots.address(of: port)) }
    @inline(__always)
    nonmutating unsafeMutableAddress { unsafe slots.address(of: port) }
  }

  /// Makes room for port numbers below `capacity`.
  mutating func coldReserve(_ capacity: Int) {
    slots.grow(to: capacity) { _ in PortSlot() }
    cables.grow(to: capacity) { _ in Cable() }
    active.coldReserve(capacity)
    if isShared { loads.grow(to: capacity * VhostUserPort.maximumPairs) { _ in 0 } }
  }

  /// There are so many ports that some may be at rest.
  @inline(__always)
  var isCrowded: Bool { limit > ActivePorts.crowd }

  // The life of a port.

  /// Takes a port in as its record has it; its body is opened by calls of its kind.
  ///
  /// - Parameter isWanted: carrier as it is set from the start.
  mutating func coldAdd(_ record: PortRecord, _ kind: PortKind, isWanted: Bool) {
    let port = record.index
    self[port] = PortSlot()
    self[port].kind = kind
    self[port].block = record.block
    self[port].counters = record.block.writer(of: worker)
    self[port].ownQueues = .max
    self[port].body = coldTakeBody(kind)
    if isShared { coldShareBody(port) }
    self[port].mtu = record.mtu
    self[port].assign(record.mode)
    self[port].isWanted = isWanted
    self[port].switchIndex = record.switchIndex ?? -1
    cables[port] = Cable(isToldByOwner: record.isToldByOwner, bufferLimit: record.migrationBuffer)
    limit = max(limit, port + 1)
    coldNote(port)
    if kind == .patch { patchEndCount += 1 }
  }

  /// Closes a port and frees its slot; whoever else goes by its number has forgotten it.
  mutating func coldRemove(_ port: Int) {
    if self[port].kind == .patch { patchEndCount -= 1 }
    if self[port].needsLooks { lookedAtCount -= 1 }
    coldGiveBody(port)
    self[port] = PortSlot()
    cables[port] = Cable()
    coldNote(port)
    while limit > 0, self[limit - 1].kind == .none { limit -= 1 }
  }

  /// Makes two ports each other's ends.
  ///
  /// The former other end of either may still be on its way out: it has nothing to do with them from now on.
  mutating func coldJoin(_ first: Int, _ second: Int) {
    for port in [first, second] where self[port].peer >= 0 {
      coldNote(self[port].peer)
      self[self[port].peer].peer = -1
    }
    self[first].peer = second
    self[second].peer = first
    for port in [first, second] {
      cables[port].isCut = false
      coldNote(port)
    }
  }

  /// Takes a port's other end away; returns which it was.
  mutating func coldPart(_ port: Int) -> Int? {
    let peer = self[port].peer
    guard peer >= 0 else { return nil }
    self[peer].peer = -1
    cables[peer].isCut = true
    coldNote(peer)
    return peer
  }

  /// Opens a TAP port; its first frames are read at the next breath.
  mutating func coldOpenTAP(
    _ port: Int, _ descriptor: Descriptor, hasOffload: Bool, takesLarge: LargeFrameTypes
  ) -> SystemError? {
    if let error = coldWatch(port, descriptor) { return error }
    tap[self[port].body].open(descriptor, hasHeader: hasOffload, takesLarge: takesLarge)
    return nil
  }

  /// Opens a NIC port; its first frames are read at the next breath.
  mutating func coldOpenNIC(
    _ port: Int, _ descriptor: Descriptor, takesPartialChecksums: Bool, takesLarge: LargeFrameTypes
  ) -> SystemError? {
    if let error = coldWatch(port, descriptor) { return error }
    nic[self[port].body].open(descriptor, takesPartialChecksums: takesPartialChecksums, takesLarge: takesLarge)
    return nil
  }

  /// Has the kernel tell of a descriptor that frames come by.
  private mutating func coldWatch(_ port: Int, _ descriptor: Descriptor) -> SystemError? {
    do throws(SystemError) {
      try epoll.add(
        descriptor.raw, token: EventToken(port: port).word, events: Epoll.input | Epoll.edgeTriggered)
    } catch {
      return error
    }
    if !self[port].needsLooks { lookedAtCount += 1 }
    self[port].needsLooks = true
    return nil
  }
}
