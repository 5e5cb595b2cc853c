internal import LinuxHost

/// The ports of one worker: a slot for each number, what each kind keeps beside it, and the cables that hang at them.
///
/// Touched by the worker's thread only. What a kind does is asked in PortDispatch.swift; what its rings have beyond that,
/// in PortSet+Rings.swift.
///
/// Unsafe code. Invariants: those of `FixedArray`, whose elements it gives out and which checks their numbers.
@safe
struct PortSet: ~Copyable {
  /// Slots at the start; doubled as needed between breaths.
  static let initialCapacity = 64

  private var slots: FixedArray<PortSlot>
  /// What hangs at each port, by its number.
  private(set) var cables: FixedArray<Cable>
  /// One more than the highest port number in use.
  private(set) var limit = 0
  /// Those that are looked at in each breath, where there are many.
  var active = ActivePorts(capacity: initialCapacity)
  /// What ports have beside their slots, by `PortSlot.body`: a pool for each kind that has something.
  var vhostUser = PortPool<VhostUserPort> { VhostUserPort() }
  var tap = PortPool<TAPPort> { TAPPort() }
  /// Ports that need the worker to look at descriptors while it polls; see `PortSlot.needsLooks`.
  private(set) var lookedAtCount = 0
  /// Ends of patches that there are.
  private(set) var patchEndCount = 0

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

  init(guardian: CallGuardian, faults: FaultQueue, epoll: Epoll) {
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
    self[port].counters = record.block.writer
    self[port].body = coldTakeBody(kind)
    self[port].mtu = record.mtu
    self[port].assign(record.mode)
    self[port].isWanted = isWanted
    self[port].switchIndex = record.switchIndex ?? -1
    cables[port] = Cable(isToldByOwner: record.isToldByOwner)
    limit = max(limit, port + 1)
    if kind == .patch { patchEndCount += 1 }
  }

  /// Closes a port and frees its slot; whoever else goes by its number has forgotten it.
  mutating func coldRemove(_ port: Int) {
    if self[port].kind == .patch { patchEndCount -= 1 }
    if self[port].needsLooks { lookedAtCount -= 1 }
    coldGiveBody(port)
    self[port] = PortSlot()
    cables[port] = Cable()
    while limit > 0, self[limit - 1].kind == .none { limit -= 1 }
  }

  /// Makes two ports each other's ends.
  ///
  /// The former other end of either may still be on its way out: it has nothing to do with them from now on.
  func coldJoin(_ first: Int, _ second: Int) {
    for port in [first, second] where self[port].peer >= 0 { self[self[port].peer].peer = -1 }
    self[first].peer = second
    self[second].peer = first
    for port in [first, second] { cables[port].isCut = false }
  }

  /// Takes a port's other end away; returns which it was.
  func coldPart(_ port: Int) -> Int? {
    let peer = self[port].peer
    guard peer >= 0 else { return nil }
    self[peer].peer = -1
    cables[peer].isCut = true
    return peer
  }

  /// Opens a TAP port; its first frames are read at the next breath.
  mutating func coldOpenTAP(_ port: Int, _ descriptor: Descriptor, hasOffload: Bool) -> SystemError? {
    do throws(SystemError) {
      try epoll.add(
        descriptor.raw, token: EventToken(port: port).word, events: Epoll.input | Epoll.edgeTriggered)
    } catch {
      return error
    }
    if !self[port].needsLooks { lookedAtCount += 1 }
    self[port].needsLooks = true
    tap[self[port].body].open(descriptor, hasHeader: hasOffload)
    return nil
  }
}
