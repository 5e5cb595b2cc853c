import CLinux
import Frames
internal import LinuxHost

/// The worker's part of a vhost-user port: the queues of its rings, and the memory they are in.
///
/// Even rings go to the guest, odd ones come from it (VIRTIO 1.2 section 5.1.2). Each ring is for itself: one that is
/// stopped, or broken, or disabled, takes nothing else with it. Frames are taken from every transmit ring; frames to the
/// guest go to the receive rings that are *open*, which are those that run and are enabled, by their flows (`FlowTable`).
struct VhostUserPort: ~Copyable {
  /// What the masks of pairs have bits for.
  static let maximumPairs = DeliveryParts.limit

  /// Two from the start, more when a ring starts that has none (`reserve`).
  private(set) var rings = FixedArray<GuestQueue<NegotiatedRing>>(count: 2) { _ in GuestQueue() }
  /// Holders of the descriptors whose numbers the rings use; as many as rings.
  private(set) var kicks = FixedArray<Descriptor?>(count: 2) { _ in nil }
  private(set) var calls = FixedArray<Descriptor?>(count: 2) { _ in nil }
  private(set) var errors = FixedArray<Descriptor?>(count: 2) { _ in nil }
  /// There are several workers, and any of them may have frames for a receive ring: it takes the ring's lock, by pair.
  var isShared = false
  private(set) var locks = FixedArray<BurstLock>(count: 1) { _ in BurstLock() }
  /// The view that `table` keeps mapped; nil = no memory, no ring runs.
  var memory: GuestMemory?
  var table: MemoryTable?
  /// Holder of what rings keep for the back-end that follows; nil = the front-end keeps nothing.
  var inflight: InflightMap?
  /// A station to be announced as soon as the port is up; nil = none.
  var announcement: MACAddress?
  /// The front-end wants to know which pages are written, and where it is to be marked.
  var isLogging = false
  var log: DirtyLog?
  /// What each ring marks, if they do, and where the ring itself is for that; as many as rings.
  private var ringLogs = FixedArray<QueueLog>(count: 2) { _ in QueueLog() }
  private var logAddresses = FixedArray<RingLogAddresses>(count: 2) { _ in RingLogAddresses() }
  /// Pairs up to the last of which a ring has run.
  private(set) var pairs = 0
  /// Bit i: transmit ring of pair i runs; and it is enabled.
  private(set) var runningTransmit: UInt16 = 0
  private var openTransmit: UInt16 = 0
  /// Bit i: receive ring of pair i runs and is enabled.
  private var openReceive: UInt16 = 0
  /// The first of them; 0 if there is none.
  private(set) var firstReceive = 0
  /// What `openReceive` was last when it was not empty.
  private var lastReceive: UInt16 = 0
  private var flows = FlowTable()

  init() {}

  /// Makes room for the rings of `count` pairs, `maximumPairs` at most.
  ///
  /// Not for all that were offered: who offers sixteen is given one, as a rule.
  mutating func reserve(pairs count: Int) {
    guard count > pairs else { return }
    rings.grow(to: 2 * count) { _ in GuestQueue() }
    locks.grow(to: count) { _ in BurstLock() }
    kicks.grow(to: 2 * count) { _ in nil }
    calls.grow(to: 2 * count) { _ in nil }
    errors.grow(to: 2 * count) { _ in nil }
    ringLogs.grow(to: 2 * count) { _ in QueueLog() }
    logAddresses.grow(to: 2 * count) { _ in RingLogAddresses() }
    pairs = count
    attachLogs()
  }

  /// Starts a ring that does not run.
  mutating func start(_ ring: Int, _ layout: RingLayout, base: UInt32, traits: QueueTraits) {
    logAddresses[ring] = layout.log
    attachLogs()
    rings[ring].start(layout, base: base, traits: traits)
  }

  /// The same ring after its memory moved.
  mutating func move(_ ring: Int, to layout: RingLayout) {
    logAddresses[ring] = layout.log
    rings[ring].move(to: layout)
  }

  /// Has the rings mark what they write, or not, as things are now.
  mutating func attachLogs() {
    let pages = isLogging ? log?.pages : nil
    for ring in 0..<rings.count {
      if let pages { ringLogs[ring].attach(pages, logAddresses[ring]) }
      rings[ring].attach(pages == nil ? nil : ringLogs.place(ring))
    }
  }

  /// Where the log is to have a ring's own words, if that is outside of it.
  func addressOutsideLog(of ring: Int) -> UInt64? {
    guard isLogging, log != nil, rings[ring].isRunning, !ringLogs[ring].holdsRing else { return nil }
    return logAddresses[ring].used
  }

  /// What was cut under us, of memory, log and inflight region; nil = nothing.
  var loss: RingFault.Kind? {
    if table?.hasFaulted == true { return .memoryTruncated }
    if inflight?.hasFaulted == true { return .inflightTruncated }
    return log?.hasFaulted == true ? .logTruncated : nil
  }

  /// Finds anew which rings run; called after each change.
  ///
  /// - Parameter now: TSC, about.
  mutating func refresh(now: UInt64) {
    (runningTransmit, openTransmit, openReceive) = (0, 0, 0)
    for pair in 0..<pairs {
      let bit: UInt16 = 1 << UInt16(truncatingIfNeeded: pair)
      if rings[2 * pair].isRunning, rings[2 * pair].isEnabled { openReceive |= bit }
      guard rings[2 * pair + 1].isRunning, !rings[2 * pair + 1].awaitsEnable else { continue }
      runningTransmit |= bit
      if rings[2 * pair + 1].isEnabled { openTransmit |= bit }
    }
    firstReceive = openReceive == 0 ? 0 : 2 * openReceive.trailingZeroBitCount
    guard openReceive != 0, openReceive != lastReceive else { return }
    if isSteering {
      // Nothing was noted while one ring was all that there was.
      let only = lastReceive == 0 ? openReceive : lastReceive
      if flows.isEmpty || lastReceive.nonzeroBitCount == 1 { flows.coldGather(at: only.trailingZeroBitCount, now: now) }
      flows.coldSpread(over: openReceive)
    }
    lastReceive = openReceive
  }

  /// Frames can be delivered.
  @inline(__always)
  var canDeliver: Bool { openReceive != 0 }

  /// Several rings are open.
  @inline(__always)
  var isSteering: Bool { openReceive & (openReceive &- 1) != 0 }

  /// Guest and switch can talk: there is an open ring in each direction.
  ///
  /// Not of one pair, as each ring stops alone; nor of pair 0, though front-ends have that one always.
  var isCarrying: Bool { openReceive != 0 && openTransmit != 0 }

  // One ring, under its lock if it is a receive ring; several workers may be at others meanwhile, so nothing of the port
  // itself is changed.

  /// Publishes used entries; returns the descriptor that is to be signalled, -1 = none, and whether the ring is to be noted as
  /// unsettled.
  @inline(__always)
  func publish(_ ring: Int) -> (call: Int32, isNew: Bool) {
    Self.publish(&rings.place(ring).element)
  }

  @inline(__always)
  private static func publish(_ queue: inout GuestQueue<NegotiatedRing>) -> (call: Int32, isNew: Bool) {
    guard queue.isRunning else { return (-1, false) }
    queue.publish()
    let isNew = !queue.isUnsettled
    queue.isUnsettled = true
    return (queue.takeCall(), isNew)
  }

  /// The descriptor that is to be signalled behind the fence, -1 = none.
  @inline(__always)
  func settle(_ ring: Int) -> Int32 { rings[ring].isRunning ? rings.place(ring).element.takeSettledCall() : -1 }

  /// Stops a ring; false if it did not run.
  func stop(_ ring: Int, _ reason: RingStop) -> Bool {
    guard rings[ring].isRunning else { return false }
    rings.place(ring).element.stop(reason)
    return true
  }

  /// Where its rings have come to; descriptors are the session's to tell.
  var coldOpen: OpenPort {
    var open = OpenPort()
    for ring in 0..<rings.count {
      // One that has never run has no position, and its base is what its front-end said.
      if rings[ring].isRunning || rings[ring].hasBroken { open.positions[ring] = rings[ring].base }
      open.queues.append(
        InheritedPort.Queue(
          kicks: rings[ring].kicks, calls: rings[ring].calls, segmented: rings[ring].segmented,
          merged: rings[ring].merged))
    }
    return open
  }

  /// Adds what the queues of another process had counted.
  mutating func addCounts(_ queues: [InheritedPort.Queue]) {
    if queues.count > rings.count { reserve(pairs: min((queues.count + 1) / 2, Self.maximumPairs)) }
    for (ring, queue) in zip(0..<rings.count, queues) { rings[ring].addCounts(queue) }
  }

  /// Stops everything and lets go of the memory.
  private mutating func clear() {
    for index in 0..<rings.count {
      rings[index].reset()
      kicks[index] = nil
      calls[index] = nil
      errors[index] = nil
    }
    memory = nil
    table = nil
    inflight = nil
    announcement = nil
    isLogging = false
    log = nil
    refresh(now: 0)
    lastReceive = 0
    if !flows.isEmpty { flows.coldClear() }
  }
}

extension VhostUserPort: WorkerPort {
  static var carrierNews: CarrierNews { .owner }

  func mayHaveFrames(among queues: UInt16) -> Bool {
    for pair in 0..<pairs
    where queues & 1 << UInt16(pair) != 0 && rings[2 * pair + 1].isRunning && rings[2 * pair + 1].hasAvailable {
      if !rings[2 * pair + 1].awaitsEnable { return true }
    }
    return false
  }

  /// Of some pairs, those whose transmit ring runs and has something, one bit each.
  @inline(__always)
  func queuesWithFrames(among queues: UInt16) -> UInt16 {
    var found: UInt16 = 0
    var running = runningTransmit & queues
    while running != 0 {
      let pair = running.trailingZeroBitCount
      if rings[2 * pair + 1].hasAvailable { found |= 1 << UInt16(pair) }
      running &= running &- 1
    }
    return found
  }

  var isThere: Bool { isCarrying }

  /// No buffer at this moment; there may be one when a frame comes.
  var coldRefusal: EgressDrop? {
    guard canDeliver else { return .carrierDown }
    for pair in 0..<pairs where openReceive >> UInt16(pair) & 1 != 0 && rings[2 * pair].hasAvailable { return nil }
    return .noBuffer
  }

  /// Of one ring that is open: features are the device's, and the same for all.
  @inline(__always)
  func egressTraits(mtu: Int) -> EgressTraits {
    EgressTraits(
      mtu: mtu, takesPartialChecksums: rings[firstReceive].allowsPartialChecksum,
      takesLarge: rings[firstReceive].traits.takesLarge)
  }

  @inline(__always)
  func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault? {
    // One that another queue's turn has stopped, since it was seen to have frames, keeps its position.
    guard let memory, rings[2 * queue + 1].isRunning else { return nil }
    return rings.place(2 * queue + 1).element.receive(into: burst, memory: memory, limit: limit, depth: depth)
  }

  /// Fills buffers of the open rings; who calls has the used entries of those published that got something.
  @inline(__always)
  func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    guard canDeliver, let memory else { return .nobodyThere(delivery) }
    guard !isSteering else { return steer(delivery, of: burst, notes: notes, memory) }
    return deliver(delivery, ring: firstReceive, of: burst, notes: notes, memory)
  }

  /// Hands frames to one receive ring: the one place where such a ring is written to.
  @inline(__always)
  private func deliver(
    _ delivery: Delivery, ring: Int, of burst: borrowing Burst, notes: borrowing ScatterNotes, _ memory: GuestMemory
  ) -> TransmitOutcome {
    if isShared { locks[ring >> 1].take() }
    var outcome: TransmitOutcome
    if rings[ring].isRunning {
      outcome = rings.place(ring).element.transmit(delivery, of: burst, notes: notes, memory: memory)
      outcome.attribute(to: UInt8(truncatingIfNeeded: ring >> 1))
    } else {
      // One that broke since the rings were last looked over.
      outcome = .nobodyThere(delivery)
    }
    if isShared { locks[ring >> 1].giveBack() }
    return outcome
  }

  /// The same, called: its loops are long.
  @inline(never)
  private func deliverApart(
    _ delivery: Delivery, ring: Int, of burst: borrowing Burst, notes: borrowing ScatterNotes, _ memory: GuestMemory
  ) -> TransmitOutcome {
    deliver(delivery, ring: ring, of: burst, notes: notes, memory)
  }

  /// Hands each frame to the ring of its flow: those of a ring together, in their order.
  @inline(never)
  private func steer(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes, _ memory: GuestMemory
  ) -> TransmitOutcome {
    var used: UInt16 = 0
    // Where others put frames in too, the beginning of this worker's breath may be long ago.
    let now = isShared ? clinux_rdtsc() : delivery.now
    for position in 0..<delivery.count {
      let hash = burst.flowHash(Int(delivery.item(position).frame))
      let pair = flows.pair(of: hash, open: openReceive, now: now)
      notes.parts.note(position, in: pair)
      used |= 1 &<< UInt16(truncatingIfNeeded: pair)
    }
    guard used != 0 else { return TransmitOutcome() }
    if used & (used &- 1) == 0 {
      return deliverApart(delivery, ring: 2 * used.trailingZeroBitCount, of: burst, notes: notes, memory)
    }
    notes.parts.sort(delivery)
    var outcome = TransmitOutcome()
    while used != 0 {
      let pair = used.trailingZeroBitCount
      used &= used &- 1
      var traits = delivery.traits
      // The limit is of all of them together.
      traits.workLimit = max(traits.workLimit &- outcome.work(traits.frameWork), 0)
      let part = deliverApart(notes.parts.delivery(pair, traits), ring: 2 * pair, of: burst, notes: notes, memory)
      if part.hasDrops { notes.parts.giveBack(pair, to: delivery) }
      outcome.add(part)
    }
    return outcome
  }

  /// Asks for what the next `count` buffers need of the one ring that is open: first the entries, later the descriptors.
  @inline(__always)
  func prefetchEntries(_ count: Int) { rings[firstReceive].prefetchEntries(count) }

  @inline(__always)
  func prefetchDescriptors(_ count: Int) { rings[firstReceive].prefetchDescriptors(count) }

  /// Asks the driver to kick.
  func arm(_ queues: UInt16, longest: Int64) -> Int64 {
    var microseconds = longest
    for pair in 0..<pairs where queues & 1 << UInt16(pair) != 0 && rings[2 * pair + 1].isRunning {
      rings[2 * pair + 1].armKicks()
      // A front-end that never kicks is looked at a thousand times a second.
      if rings[2 * pair + 1].mustPoll { microseconds = min(microseconds, 1000) }
    }
    return microseconds
  }

  func disarm(_ queues: UInt16) {
    for pair in 0..<pairs where queues & 1 << UInt16(pair) != 0 { rings[2 * pair + 1].suppressKicks() }
  }

  /// A kick; the source is the ring.
  mutating func handle(_ event: PortEvent) {
    guard event.source < rings.count else { return }
    rings[event.source].kicks &+= 1
  }

  var queues: UInt16 { runningTransmit }

  mutating func watch(_ queue: Int, port: Int, _ epoll: Epoll) {
    let ring = 2 * queue + 1
    guard let kick = kicks[ring] else { return }
    // The same eventfd on two rings, for instance, cannot be watched: polling serves both.
    rings[ring].mustPoll = !epoll.watches(kick.raw, EventToken(port: port, source: ring))
  }

  mutating func unwatch(_ queue: Int, _ epoll: Epoll) {
    if let kick = kicks[2 * queue + 1] { epoll.remove(kick.raw) }
  }

  mutating func close(_ epoll: Epoll) {
    letGo(epoll)
    pairs = 0
  }

  /// Stops everything and lets go of memory and descriptors; the number of pairs stays, for who lists them.
  mutating func letGo(_ epoll: Epoll) {
    for ring in 0..<kicks.count {
      if let kick = kicks[ring] { epoll.remove(kick.raw) }
    }
    clear()
  }
}
