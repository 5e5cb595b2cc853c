/// All that a session knows of its front-end, as a plain value: what INFLIGHT, migration and a hand-over to another
/// process are made of.
///
/// Descriptors stand beside it, in an array; here are their places in it.
package struct SessionState: Codable, Equatable, Sendable, VersionedState {
  package static let stateName = "session state"
  package static let stateVersion = 2

  /// A region of guest memory.
  package struct Region: Codable, Equatable, Sendable {
    package var guestAddress: UInt64
    /// Bytes.
    package var size: UInt64
    package var userAddress: UInt64
    package var fileOffset: UInt64
    /// Place of the memory file.
    package var descriptor: Int
  }

  /// A region that was added again, and so is removed again (QEMU 7.2, once for each ring pair).
  package struct Repeat: Codable, Equatable, Sendable {
    package var guestAddress: UInt64
    package var size: UInt64
    package var userAddress: UInt64
    package var count: Int
  }

  /// The log of dirty pages.
  package struct Log: Codable, Equatable, Sendable {
    /// Bytes.
    package var size: UInt64
    package var offset: UInt64
    /// Place of its file.
    package var descriptor: Int
    /// It is ours, not the front-end's, whose log it is to be carried into.
    package var isStandIn: Bool
    /// Rings that start again are to wait for another.
    package var isStale: Bool
  }

  /// A ring, with the places of its descriptors; nil = there is none.
  package struct Ring: Codable, Equatable, Sendable {
    package var queue: QueueState
    package var kick: Int?
    package var call: Int?
    package var error: Int?
  }

  /// What SET_INFLIGHT_FD said.
  package struct Inflight: Codable, Equatable, Sendable {
    /// Bytes.
    package var size: UInt64
    package var fileOffset: UInt64
    package var ringCount: Int
    /// Entries.
    package var ringSize: Int
    /// Place of the file.
    package var descriptor: Int
  }

  private var version = StateVersion<SessionState>()
  /// Virtio features acknowledged.
  package var features: UInt64 = 0
  /// Protocol features acknowledged.
  package var protocolFeatures: UInt64 = 0
  /// Device status (VIRTIO 1.2 section 2.1).
  package var status: UInt8 = 0
  /// SET_OWNER has come.
  package var isOwned = false
  /// Bytes that NET_SET_MTU asked for; nil = it has not come.
  package var mtu: Int?
  /// In the order in which they came.
  package var regions: [Region] = []
  package var repeats: [Repeat] = []
  /// Nil = there is none; whether it is used, `features` say.
  package var log: Log?
  /// Rings were held for want of a log, and are not any more.
  package var hasWaitedForLog = false
  /// By ring index, two for each pair.
  package var rings: [Ring] = []
  /// Nil: SET_INFLIGHT_FD has not come.
  package var inflight: Inflight?
  /// Place of the back-end channel's socket; nil = there is none.
  package var channel: Int?
  /// The beginning of a message whose rest has not come, and the places of the descriptors that came with it.
  package var input: [UInt8] = []
  package var inputDescriptors: [Int] = []

  package init() {}
}
