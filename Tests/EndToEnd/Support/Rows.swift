/// What the tests read of a row of `port list -j`.
struct PortRow: Decodable, Sendable {
  struct Drops: Decodable, Sendable {
    var `in`: [String: Int]
    var out: [String: Int]
  }
  struct Queue: Decodable, Sendable {
    var ring: String
    var index: Int
    var size: Int
    var enabled: Bool
    var used_index: Int
    var kicks: Int
    var calls: Int
    var segmented: Int?
    /// Why it does not run.
    var stopped: String?
  }
  struct Offloads: Decodable, Sendable {
    var to_node: [String]
    var from_node: [String]
  }
  struct MemoryRegion: Decodable, Sendable {
    var guest_address: UInt64
    var size: UInt64
  }
  var name: String
  var `switch`: String?
  var kind: String
  var carrier: String
  var mode: String
  var pvid: Int?
  var mac: String?
  var mtu: Int
  var socket: String?
  var interface: String?
  var added: Bool?
  var receive_packets: Int
  var transmit_packets: Int
  var transmit_bytes: Int
  var drops: Drops
  var error: String?
  /// Only of `port show`.
  var connected: Bool?
  var refusals: Int?
  var last_refusal: String?
  var advice: String?
  var features: [String]?
  var offloads: Offloads?
  var queue_status: [Queue]?
  var memory_regions: [MemoryRegion]?
}

/// What the tests read of a row of `ps -j`.
struct NodeRow: Decodable, Sendable {
  var lab: String
  var node: String
  var kind: String
  var state: String
  var ready: Bool
  var pid: Int32?
  var addresses: [String]
  var error: String?
}

/// What the tests read of a row of `fdb list -j`.
struct FDBRow: Decodable, Sendable {
  var `switch`: String
  var vlan: Int
  var mac: String
  var port: String
}

/// What the tests read of a row of `worker list -j`.
struct WorkerRow: Decodable, Sendable {
  var worker: Int
  var cpu: Int?
  var busy: Double?
  var frames_per_second: Int?
  var ports: [String]
}
