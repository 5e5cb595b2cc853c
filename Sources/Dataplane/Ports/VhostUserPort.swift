internal import LinuxHost

/// The worker's part of a vhost-user port: the queues of its rings, and the memory they are in.
///
/// Even rings go to the guest, odd ones come from it (VIRTIO 1.2 section 5.1.2). Frames are taken from every enabled
/// pair; frames to the guest go to pair 0.
struct VhostUserPort: ~Copyable {
  static let maximumPairs = 8

  let rings = FixedArray<GuestQueue<SplitRing>>(count: 2 * maximumPairs) { _ in GuestQueue() }
  /// Holders of the descriptors whose numbers the rings use.
  let kicks = FixedArray<Descriptor?>(count: 2 * maximumPairs) { _ in nil }
  let calls = FixedArray<Descriptor?>(count: 2 * maximumPairs) { _ in nil }
  let errors = FixedArray<Descriptor?>(count: 2 * maximumPairs) { _ in nil }
  /// The view that `table` keeps mapped; nil = no memory, no ring runs.
  var memory: GuestMemory?
  var table: MemoryTable?
  /// Ring pairs that may run.
  var pairs = 0
  /// Bit i: transmit ring of pair i runs.
  var runningTransmit: UInt16 = 0
  /// Frames can be delivered: ring 0 runs and is enabled.
  var canDeliver = false

  init() {}

  /// Finds anew which rings run; called after each change.
  mutating func refresh() {
    runningTransmit = 0
    for pair in 0..<pairs where rings[2 * pair + 1].isRunning { runningTransmit |= 1 << UInt16(pair) }
    canDeliver = rings[0].isRunning && rings[0].isEnabled
  }

  /// Guest and switch can talk: both rings of pair 0 run and are enabled.
  var isCarrying: Bool { canDeliver && rings[1].isRunning && rings[1].isEnabled }

  /// Stops everything and lets go of the memory.
  mutating func clear() {
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
