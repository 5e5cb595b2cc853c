internal import LinuxHost

/// Who looks for the peer of one port at a socket; lives on the reactor's thread.
///
/// The worker reads and writes frames, and says when a connection ends.
protocol SocketEndpoint: AnyObject {
  var port: Int { get }
  /// Something is to be tried again soon.
  var mustRetry: Bool { get }
  /// Something may have to be done though nothing happens.
  var isBusy: Bool { get }

  /// A connection waits at the port's listener.
  func accept()
  /// The worker has found that a connection is over, and why.
  func ended(epoch: Int, _ fault: RingFault)
  /// The worker has found that the peer is there.
  func found()
  /// Does what is to be done now and then.
  func look(at now: ContinuousClock.Instant)
  /// Lets go of everything, and removes the socket file.
  func close()
  func status() -> SocketEndpointStatus
  /// Whether the socket file is left alone in the end, since another process has the socket.
  func setGivenAway(_ isGivenAway: Bool)
  /// Adds what another process needs to go on here.
  func addState(to port: inout InheritedPort)

  // While its machine moves; see `Dataplane.addStandby`.

  /// A second peer is to take the port over when it is promoted.
  ///
  /// - Parameter listener: where it is to connect to; nil for one that is connected to.
  /// - Returns: why it cannot; nil = it can.
  func addStandby(_ peer: SocketPeer, _ listener: SocketListener?) -> String?
  /// The second peer is the port's from now on; nil = there is none.
  func promoteStandby() -> SocketPeer?
  func removeStandby()
  var standbyStatus: StandbyStatus? { get }
}

/// Kinds whose ports cannot be taken over.
extension SocketEndpoint {
  func addStandby(_ peer: SocketPeer, _ listener: SocketListener?) -> String? {
    "its peer sends to this one socket, so that no other can take it over"
  }
  func promoteStandby() -> SocketPeer? { nil }
  func removeStandby() {}
  var standbyStatus: StandbyStatus? { nil }
}

/// What the reactor knows of a port's socket.
struct SocketEndpointStatus: Sendable {
  var isConnected: Bool
  /// Connections that ended by a fault of the peer.
  var faults: UInt64
  var lastError: String?
}
