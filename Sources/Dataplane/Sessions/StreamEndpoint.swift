import Glibc
internal import LinuxHost

/// Finds the peer of a stream's port: listens, or connects again and again.
///
/// One peer at a time. Another one that connects waits in the kernel's queue until the first has gone, as at QEMU's own
/// listeners: QEMU 7.2 whose connection is closed does not come again, and one that is started anew may come before the end
/// of its predecessor was seen.
final class StreamEndpoint: SocketEndpoint {
  /// Bytes on their way to the peer that are asked of the kernel, which halves it as a rule.
  private static let sendBuffer = 512 << 10

  let port: Int
  private let name: String
  private var peer: SocketPeer
  private let worker: Worker
  private let events: @Sendable (DataplaneEvent) -> Void
  /// Nil for a port that connects.
  private var listener: SocketListener?
  /// Of the peer that is to take the port over.
  private var standby: (peer: SocketPeer, listener: SocketListener?)?
  private var connection: Descriptor?
  /// Rises with every connection, so that what is said of an earlier one is recognised.
  private var epoch = 0
  private var faultCount: UInt64 = 0
  private var lastError: String?
  private var limit = LogLimit<RingFault.Kind>()
  private var arrivals = ArrivalLimit()
  /// Nobody is let in until then, as peers came and broke the rules too often.
  private var restsUntil: ContinuousClock.Instant?
  private var isClosed = false

  init(
    port: Int, name: String, _ peer: SocketPeer, _ listener: SocketListener?, _ worker: Worker,
    events: @escaping @Sendable (DataplaneEvent) -> Void
  ) {
    (self.port, self.name, self.peer, self.listener, self.worker) = (port, name, peer, listener, worker)
    self.events = events
  }

  var mustRetry: Bool { !isClosed && connection == nil && (listener == nil || restsUntil != nil) }
  var isBusy: Bool { mustRetry }

  func accept() {
    guard !isClosed, connection == nil, restsUntil == nil, let descriptor = listener?.descriptor else { return }
    do throws(SystemError) {
      if let accepted = try UnixSocket.accept(descriptor) { serve(accepted) }
    } catch {
      lastError = "\(error)"
      rest()
    }
  }

  func found() {}

  /// Lets nobody in for a while.
  private func rest() {
    restsUntil = .now + ArrivalLimit.rest
    listener?.setAccepting(false)
  }

  private func serve(_ descriptor: Descriptor) {
    listener?.setAccepting(false)
    UnixSocket.widenSendBuffer(descriptor, to: Self.sendBuffer)
    connection = descriptor
    epoch += 1
    let (port, epoch) = (port, epoch)
    worker.commands.submit { $0.coldOpenStream(port, descriptor, epoch: epoch) }
  }

  func ended(epoch: Int, _ fault: RingFault) {
    guard epoch == self.epoch, connection != nil else { return }
    connection = nil
    let (port, isMoving) = (port, standby != nil)
    worker.commands.submit { $0.coldCloseStream(port, isMoving: isMoving) }
    if fault.kind != .peerLeft {
      faultCount += 1
      lastError = "\(fault)"
      if let line = limit.admit("\(fault)", of: fault.kind, at: .now) { events(.portFault(port: name, reason: line)) }
    }
    if arrivals.isExceeded(at: .now) { rest() } else { listener?.setAccepting(true) }
  }

  func look(at now: ContinuousClock.Instant) {
    if let restsUntil {
      guard now >= restsUntil else { return }
      self.restsUntil = nil
      listener?.setAccepting(connection == nil)
    }
    guard mustRetry else { return }
    do throws(SystemError) {
      serve(try UnixSocket.connect(path: peer.path))
    } catch {
      // Nobody listens yet: tried again later.
      if ![ENOENT, ECONNREFUSED, EAGAIN].contains(error.code) { lastError = "\(error)" }
    }
  }

  /// The listener has the file.
  func setGivenAway(_ isGivenAway: Bool) {}

  func addState(to port: inout InheritedPort) {
    port.stream?.faults = faultCount
    port.stream?.lastError = lastError
    // The number of the next connection goes on from this one's.
    port.stream?.epoch = epoch
  }

  /// Goes on with what another process had, of its connection too if there is one.
  func inherit(_ stream: InheritedPort.Stream, _ descriptor: Descriptor?) {
    // No value of another process makes the next number overflow.
    (epoch, faultCount, lastError) = (min(max(stream.epoch, 0), 1 << 40), stream.faults, stream.lastError)
    guard let descriptor else { return }
    connection = descriptor
    listener?.setAccepting(false)
    let port = port
    var known = stream
    known.epoch = epoch
    let inherited = known
    worker.commands.submit { $0.coldInheritStream(port, descriptor, inherited) }
  }

  func close() {
    isClosed = true
    connection = nil
    removeStandby()
    listener?.end()
  }

  func addStandby(_ peer: SocketPeer, _ listener: SocketListener?) -> String? {
    guard !isClosed, standby == nil else { return "another one stands by already, or it is going" }
    // Who connects waits in the kernel's queue.
    listener?.setAccepting(false)
    standby = (peer, listener)
    return nil
  }

  func promoteStandby() -> SocketPeer? {
    guard let standby else { return nil }
    self.standby = nil
    listener?.end()
    (peer, listener, restsUntil) = (standby.peer, standby.listener, nil)
    connection = nil
    let port = port
    worker.commands.submit { $0.coldCloseStream(port, isMoving: true) }
    listener?.setAccepting(true)
    look(at: .now)
    return peer
  }

  func removeStandby() {
    guard let dismissed = standby else { return }
    dismissed.listener?.end()
    standby = nil
    // The first peer has left meanwhile: frames wait for nobody.
    guard connection == nil, !isClosed else { return }
    let port = port
    worker.commands.submit { $0.coldLoseNode(port) }
  }

  var standbyStatus: StandbyStatus? {
    standby.map { StandbyStatus(socket: $0.peer.path, isConnected: false, isServing: false) }
  }

  func status() -> SocketEndpointStatus {
    SocketEndpointStatus(isConnected: connection != nil, faults: faultCount, lastError: lastError)
  }
}
