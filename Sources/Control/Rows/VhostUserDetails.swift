import Dataplane

/// What `port show` adds for a vhost-user port.
package struct VhostUserDetails: Described, Equatable {
  /// A region of the guest's memory.
  package struct Region: Described, Equatable {
    /// Guest physical address.
    package var guestAddress: UInt64
    /// Bytes.
    package var size: UInt64
    /// Bytes from the start of the memory file.
    package var fileOffset: UInt64

    enum CodingKeys: String, CodingKey {
      case guestAddress = "guest_address"
      case size
      case fileOffset = "file_offset"
    }

    package static let shape = Shape.object(
      "MemoryRegion", "A region of the guest's memory.",
      [
        Field("guest_address", .count, "Guest physical address."),
        Field("size", .count, "Bytes."),
        Field("file_offset", .count, "Bytes from the start of the memory file."),
      ])
  }

  /// A ring, to the node if `index` is even, from the node if it is odd.
  package struct Queue: Described, Equatable {
    package var index: Int
    /// Entries.
    package var size: Int
    /// `split` or `packed`.
    package var ring: String
    package var isEnabled: Bool
    package var availableIndex: Int
    package var usedIndex: Int
    package var kicks: UInt64
    package var calls: UInt64

    enum CodingKeys: String, CodingKey {
      case index, size, ring
      case isEnabled = "enabled"
      case availableIndex = "avail_index"
      case usedIndex = "used_index"
      case kicks, calls
    }

    package static let shape = Shape.object(
      "Queue", "A ring.",
      [
        Field("index", .count, "Even: to the node; odd: from it."),
        Field("size", .count, "Entries."),
        Field("ring", .choice(["split", "packed"]), "How it is laid out."),
        Field("enabled", .boolean, "The front-end uses it."),
        Field(
          "avail_index", .count,
          "What the driver has made available so far: of a split ring modulo 65536, of a packed one modulo twice its size."
        ),
        Field("used_index", .count, "What was given back so far, counted in the same way."),
        Field("kicks", .count, "Notifications from the driver."),
        Field("calls", .count, "Notifications to the driver."),
      ])
  }

  package var isConnected: Bool
  /// Names of the acknowledged feature bits.
  package var features: [String]
  package var protocolFeatures: [String]
  package var memoryRegions: [Region]
  package var queues: [Queue]
  /// Sessions that ended by a fault.
  package var faults: UInt64
  /// Messages and front-ends that were refused.
  package var refusals: UInt64
  /// The latest of them, and why.
  package var lastRefusal: String?
  /// What is wrong with the front-end, and what to do.
  package var advice: String?

  enum CodingKeys: String, CodingKey {
    case isConnected = "connected"
    case features
    case protocolFeatures = "protocol_features"
    case memoryRegions = "memory_regions"
    case queues = "queue_status"
    case faults, refusals
    case lastRefusal = "last_refusal"
    case advice
  }

  /// Every key is always there, what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(isConnected, forKey: .isConnected)
    try row.encode(features, forKey: .features)
    try row.encode(protocolFeatures, forKey: .protocolFeatures)
    try row.encode(memoryRegions, forKey: .memoryRegions)
    try row.encode(queues, forKey: .queues)
    try row.encode(faults, forKey: .faults)
    try row.encode(refusals, forKey: .refusals)
    try row.encode(lastRefusal, forKey: .lastRefusal)
    try row.encode(advice, forKey: .advice)
  }

  init(_ status: VhostUserStatus) {
    isConnected = status.isConnected
    features = status.features
    protocolFeatures = status.protocolFeatures
    memoryRegions = status.memoryRegions.map { region in
      Region(guestAddress: region.guestAddress, size: region.size, fileOffset: region.fileOffset)
    }
    queues = status.queues.map { queue in
      Queue(
        index: queue.index, size: queue.size, ring: queue.ring, isEnabled: queue.isEnabled,
        availableIndex: queue.availableIndex, usedIndex: queue.usedIndex, kicks: queue.kicks, calls: queue.calls)
    }
    faults = status.faults
    refusals = status.refusals
    lastRefusal = status.lastRefusal
    advice = status.advice
  }

  package static let shape = Shape.object(
    "VhostUserDetails", "What `port show` adds for a vhost-user port.",
    [
      Field("connected", .boolean, "A front-end is there."),
      Field("features", .list(.text), "Names of the feature bits that it took."),
      Field("protocol_features", .list(.text), "The same of the protocol."),
      Field("memory_regions", .list(Region.shape), "The guest's memory."),
      Field("queue_status", .list(Queue.shape), "Its rings."),
      Field("faults", .count, "Sessions that ended by a fault."),
      Field("refusals", .count, "Messages and front-ends that were refused."),
      Field("last_refusal", .nullable(.text), "The latest of them, and why."),
      Field("advice", .nullable(.text), "What is wrong with the front-end, and what to do."),
    ])
}
