package import VhostUser

/// What a port has open and is in the middle of, as a plain value for another process, which takes it over.
///
/// Descriptors stand beside it, in an array; here are their places in it.
package struct InheritedPort: Codable, Equatable, Sendable {
  package var name: String
  package var kind: PortStatus.Kind
  /// Path of the socket that it listens at, connects to or has bound, or the name of its interface.
  package var place: String
  /// It was last told that the port is up.
  package var isUp = false
  package var cable = Cable()
  /// What connections are accepted from; nil = nobody listens.
  package var listener: Int?
  /// By kind, one of these.
  package var frontEnd: FrontEnd?
  package var interface: Interface?
  package var stream: Stream?
  package var datagrams: Datagrams?

  /// What the node was told of its carrier.
  package struct Cable: Codable, Equatable, Sendable {
    package var told = true
    package var isLatched = false
  }

  /// A message, or what is left of it, that is on its way to a front-end.
  package struct Message: Codable, Equatable, Sendable {
    package var bytes: [UInt8]
    package var descriptors: [Int]
  }

  /// The front-end of a vhost-user port, and what is told of those that there were.
  package struct FrontEnd: Codable, Equatable, Sendable {
    package var session: Connection?
    /// A connection that waits for the end of the one before.
    package var candidate: Int?
    package var faults: UInt64 = 0
    package var refusals: UInt64 = 0
    package var lastRefusal: String?
    package var lastError: String?
    package var queues: [Queue] = []
  }

  /// A session and its connection.
  package struct Connection: Codable, Equatable, Sendable {
    package var state: SessionState
    /// Places of those that `state` names.
    package var descriptors: [Int]
    package var connection: Int
    package var unsent: [Message]
  }

  /// What a queue has counted.
  package struct Queue: Codable, Equatable, Sendable {
    package var kicks: UInt64
    package var calls: UInt64
    package var segmented: UInt64
    package var merged: UInt64
  }

  /// A TAP or an interface of this host.
  package struct Interface: Codable, Equatable, Sendable {
    package var descriptor: Int
    /// Number of the link.
    package var index: Int
    /// Frames can pass, as the kernel told last.
    package var isUp: Bool
    /// A virtio-net header is in front of each frame of a TAP.
    package var hasHeader = false
    /// An interface of this host takes partial checksums.
    package var takesPartialChecksums = false
    /// Of an interface of this host, bytes of its MTU, and its address.
    package var mtu: Int?
    package var address: String?
    /// Large frames that it takes uncut, as bits of `LargeFrameTypes`.
    package var takesLarge: UInt8 = 0
  }

  /// A stream's connection.
  package struct Stream: Codable, Equatable, Sendable {
    package var connection: Int?
    package var epoch = 0
    package var faults: UInt64 = 0
    package var lastError: String?
    package var fragments: UInt64 = 0
    var packedInput = PackedBytes([])
    var packedOutput = PackedBytes([])
    /// What was read and not taken.
    package var input: [UInt8] { packedInput.bytes }
    /// What the socket had no room for; it may begin within a frame.
    package var output: [UInt8] { packedOutput.bytes }
  }

  /// A socket for datagrams.
  package struct Datagrams: Codable, Equatable, Sendable {
    package var socket: Int
    package var hasPeer = false
    /// Where the peer binds its own; nil = as the configuration says.
    package var peerPath: String?
    package var fragments: UInt64 = 0
    var packedOutput = PackedBytes([])
    /// Frames that the socket had no room for, each behind its length.
    package var output: [UInt8] { packedOutput.bytes }
  }
}
