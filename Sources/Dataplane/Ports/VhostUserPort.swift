internal import LinuxHost

/// The worker's part of a vhost-user port: the queues of its rings, and the memory they are in.
///
/// Even rings go to the guest, odd ones come from it (VIRTIO 1.2 section 5.1.2). Frames are taken from every enabled
/// pair; frames to the guest go to pair 0.
struct VhostUserPort: ~Copyable {
  static let maximumPairs = 8

  /// Two from the start, more when the first ring of a port with more pairs starts (`reserve`).
  private(set) var rings = FixedArray<GuestQueue<NegotiatedRing>>(count: 2) { _ in GuestQueue() }
  /// Holders of the descriptors whose numbers the rings use; as many as rings.
  private(set) var kicks = FixedArray<Descriptor?>(count: 2) { _ in nil }
  private(set) var calls = FixedArray<Descriptor?>(count: 2) { _ in nil }
  private(set) var errors = FixedArray<Descriptor?>(count: 2) { _ in nil }
  /// The view that `table` keeps mapped; nil = no memory, no ring runs.
  var memory: GuestMemory?
  var table: MemoryTable?
  /// Ring pairs that may run, 0 until one did.
  private(set) var pairs = 0
  /// Bit i: transmit ring of pair i runs.
  var runningTransmit: UInt16 = 0
  /// Frames can be delivered: ring 0 runs and is enabled.
  var canDeliver = false

  init() {}

  /// Makes room for the rings of a port of `count` pairs, `maximumPairs` at most.
  mutating func reserve(pairs count: Int) {
    rings.grow(to: 2 * count) { _ in GuestQueue() }
    kicks.grow(to: 2 * count) { _ in nil }
    calls.grow(to: 2 * count) { _ in nil }
    errors.grow(to: 2 * count) { _ in nil }
    pairs = count
  }

  /// Finds anew which rings run; called after each change.
  mutating func refresh() {
    runningTransmit = 0
    for pair in 0..<pairs where rings[2 * pair + 1].isRunning { runningTransmit |= 1 << UInt16(pair) }
    canDeliver = rings[0].isRunning && rings[0].isEnabled
  }

  /// Guest and switch can talk: both rings of pair 0 run and are enabled.
  var isCarrying: Bool { canDeliver && rings[1].isRunning && rings[1].isEnabled }

  /// Stops everything and lets go of the memory.
  private mutating func clear() {
    for index in 0..<rings.count {
      rings[index] = GuestQueue()
      kicks[index] = nil
      calls[index] = nil
      errors[index] = nil
    }
    memory = nil
    table = nil
    refresh()
  }
}

extension VhostUserPort: WorkerPort {
  static var carrierNews: CarrierNews { .owner }

  var mayHaveFrames: Bool {
    for pair in 0..<pairs where rings[2 * pair + 1].isRunning && rings[2 * pair + 1].hasAvailable { return true }
    return false
  }

  /// Pairs whose transmit ring runs and has something, one bit each.
  @inline(__always)
  var queuesWithFrames: UInt16 {
    var found: UInt16 = 0
    var running = runningTransmit
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
    return rings[0].hasAvailable ? nil : .noBuffer
  }

  @inline(__always)
  func egressTraits(mtu: Int) -> EgressTraits {
    EgressTraits(mtu: mtu, takesPartialChecksums: rings[0].allowsPartialChecksum)
  }

  @inline(__always)
  mutating func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault? {
    // One that another queue's turn has stopped, since it was seen to have frames, keeps its position.
    guard let memory, rings[2 * queue + 1].isRunning else { return nil }
    return rings[2 * queue + 1].receive(into: burst, memory: memory, limit: limit, depth: depth)
  }

  /// Fills buffers of pair 0; who calls has the used entries published.
  @inline(__always)
  mutating func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    guard canDeliver, let memory else { return delivery.dropAll() }
    return rings[0].transmit(delivery, of: burst, notes: notes, memory: memory)
  }

  /// Asks the driver to kick.
  func arm(longest: Int64) -> Int64 {
    var microseconds = longest
    for pair in 0..<pairs where rings[2 * pair + 1].isRunning {
      rings[2 * pair + 1].armKicks()
      // A front-end that never kicks is looked at a thousand times a second.
      if rings[2 * pair + 1].mustPoll { microseconds = min(microseconds, 1000) }
    }
    return microseconds
  }

  func disarm() {
    for pair in 0..<pairs { rings[2 * pair + 1].suppressKicks() }
  }

  /// A kick; the source is the ring.
  mutating func handle(_ event: PortEvent) {
    guard event.source < rings.count else { return }
    rings[event.source].kicks &+= 1
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
