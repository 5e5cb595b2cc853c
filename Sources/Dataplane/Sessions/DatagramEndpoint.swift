import Glibc
internal import LinuxHost

/// Looks for the peer of a port for datagrams: whether its socket is there, and whose.
///
/// The kernel says nothing of a peer that goes or comes, so it is asked four times a second. A frame that cannot be sent, and one that comes, say it at once.
final class DatagramEndpoint: SocketEndpoint {
  let port: Int
  private let peerPath: String
  private let path: String
  private let socket: Descriptor
  private let worker: Worker
  private var hasPeer: Bool
  private var isClosed = false
  private var isGivenAway = false
  private var lastLook: ContinuousClock.Instant?
  private var lastError: String?
  /// Between two looks.
  private static let pause = Duration.milliseconds(250)

  /// - Parameters:
  ///   - socket: bound to `path`.
  ///   - hasPeer: the peer is known to be there.
  init(port: Int, _ socket: Descriptor, path: String, peerPath: String, _ worker: Worker, hasPeer: Bool = false) {
    self.hasPeer = hasPeer
    (self.port, self.socket, self.path, self.peerPath, self.worker) = (port, socket, path, peerPath, worker)
  }

  /// Also while there is a peer: one that comes in its place cannot send until the socket is joined to it.
  var mustRetry: Bool { !isClosed }
  var isBusy: Bool { !isClosed }

  func accept() {}

  func found() { hasPeer = true }

  func ended(epoch: Int, _ fault: RingFault) {
    set(false)
    lastLook = nil
    // Another one may have its place already.
    look(at: .now)
  }

  func look(at now: ContinuousClock.Instant) {
    guard !isClosed, lastLook.map({ now - $0 >= Self.pause }) ?? true else { return }
    lastLook = now
    do throws(SystemError) {
      try UnixSocket.join(socket, path: peerPath)
      lastError = nil
      set(true)
    } catch {
      lastError = [ENOENT, ECONNREFUSED].contains(error.code) ? nil : "\(error)"
      set(false)
    }
  }

  private func set(_ isThere: Bool) {
    guard isThere != hasPeer else { return }
    hasPeer = isThere
    let port = port
    worker.commands.submit { $0.coldSetPeer(port, isThere) }
  }

  func close() {
    isClosed = true
    if !isGivenAway { SocketFile.remove(path) }
  }

  func setGivenAway(_ isGivenAway: Bool) { self.isGivenAway = isGivenAway }

  func addState(to port: inout InheritedPort) {
    port.datagrams?.hasPeer = hasPeer
    port.datagrams?.peerPath = peerPath
  }

  func status() -> SocketEndpointStatus {
    SocketEndpointStatus(isConnected: hasPeer, faults: 0, lastError: lastError)
  }
}
