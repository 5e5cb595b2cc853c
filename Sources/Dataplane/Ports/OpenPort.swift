internal import LinuxHost

/// What a worker has of a port that is handed over; each kind fills in what it has.
struct OpenPort: Sendable {
  var told = true
  var isLatched = false
  /// What its frames go by; nil = there is nothing.
  var descriptor: Descriptor?
  /// The kernel says of the interface that frames can pass.
  var isUp = false
  var hasHeader = false
  var takesPartialChecksums = false
  var takesLarge: LargeFrameTypes = []
  /// Number of the connection.
  var epoch = 0
  /// The peer of a socket for datagrams is there.
  var hasPeer = false
  var fragments: UInt64 = 0
  /// What was read and not taken, and what there was no room for.
  var input: [UInt8] = []
  var output: [UInt8] = []
  /// Of rings that run or have broken, by index.
  var positions: [Int: UInt32] = [:]
  var queues: [InheritedPort.Queue] = []
}
