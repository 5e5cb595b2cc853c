import Dataplane
import Topology

/// What the two daemons of an upgrade say to each other.
///
/// The old one starts the new one with a socket for its standard input. Both say `hello` at once. Then the old one says
/// `lab`, the new one `ready`, the old one `state`, the new one `begun`, or at any time one of them `failed`. With
/// `begun` the lab is the new one's; it says `settled` once it has found all nodes.
struct UpgradeMessage: Codable, Sendable {
  /// What a change of any message that an older program would not understand raises.
  static let version = 1

  /// Who speaks.
  struct Hello: Codable, Sendable {
    /// Of the program.
    var apus: String
    /// Of these messages.
    var protocolVersion: Int
  }

  /// All nodes have been found.
  struct Settled: Codable, Sendable {
    /// Nanoseconds of the host's monotonic clock when frames moved again.
    var time: UInt64
  }

  /// Why it cannot be.
  struct Failure: Codable, Sendable {
    var message: String
    var hint: String?
  }

  var hello: Hello?
  var lab: HandedLab?
  var ready: Bool?
  var state: HandedPlane?
  var begun: Bool?
  var settled: Settled?
  var failed: Failure?

  init() {}

  /// What it is, for messages to people.
  var word: String {
    if hello != nil { return "hello" }
    if lab != nil { return "lab" }
    if ready != nil { return "ready" }
    if state != nil { return "state" }
    if begun != nil { return "begun" }
    if settled != nil { return "settled" }
    return failed != nil ? "failed" : "nothing"
  }
}

/// What is known of a lab while it runs on, for the daemon that goes on with it.
package struct HandedLab: Codable, Sendable {
  var lab: CanonicalLab
  /// Of the API over TCP; nil = it is not served.
  package var http: HandedHTTP?
  /// Its words go to a person or a journal, and so are few.
  package var isForeground: Bool
}

/// What a daemon knows of a node and nobody has written down.
struct HandedNode: Codable, Sendable {
  var name: String
  /// Its process runs, or it needs none.
  var isRunning: Bool
  /// It has ended by itself, with this status if it is known.
  var hasEnded = false
  var status: Int32?
  /// Why it has ended or is not ready; nil = nothing is wrong.
  var error: String?
  /// NICs on wires whose other end is down.
  var farDownNICs: Set<String>
}

/// The API over TCP, as it was served.
package struct HandedHTTP: Codable, Sendable {
  package var address: HTTPAddress
  /// Ids of the sessions that count, the oldest first.
  package var sessions: [String]

  package init(address: HTTPAddress, sessions: [String]) {
    (self.address, self.sessions) = (address, sessions)
  }
}

/// What is told once nothing moves any more: the data plane, with places of descriptors that stand beside it, captures,
/// and what is known of the nodes.
struct HandedPlane: Codable, Sendable {
  var plane: PlaneState
  var captures: HandedCaptures
  var nodes: [HandedNode]
  /// What was said at run time, until nothing could be said any more.
  var runTime: RunTimeState
}
