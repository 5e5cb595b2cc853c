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
}

/// What the reactor knows of a port's socket.
struct SocketEndpointStatus: Sendable {
  var isConnected: Bool
  /// Connections that ended by a fault of the peer.
  var faults: UInt64
  var lastError: String?
}
