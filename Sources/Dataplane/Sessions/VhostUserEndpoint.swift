import Glibc
internal import LinuxHost
internal import VhostUser

/// The vhost-user socket of one port and the session on it; lives on the reactor's thread.
///
/// States: waiting (listening, or connecting again and again), connected. One connection is served at a time: a second
/// one is turned away unless the first has a broken ring. Whatever ends a session, the port then waits for the next.
final class VhostUserEndpoint {
  /// The port that is served.
  struct Settings: Sendable {
    var port: Int
    var name: String
    var socket: VhostUserSocket
    var offer: DeviceOffer
    /// MTU of the port's configuration, in bytes.
    var mtu: Int
    /// Tells front-ends of one port apart; see `FrontEndPair`.
    var serial = 0
  }

  let port: Int
  let name: String
  let serial: Int
  /// With another front-end of the port while its machine moves; nil = there was none yet.
  var pair: FrontEndPair?
  let socket: VhostUserSocket
  private(set) var offer: DeviceOffer
  let worker: Worker
  let reactor: CommandQueue<ReactorState>
  let epoll: Epoll
  let events: @Sendable (DataplaneEvent) -> Void
  /// Nil for a port that connects.
  private let listener: SocketListener?
  private(set) var connection: Descriptor?
  /// The newest connection that came while another was there; refused once that one is seen to live.
  var candidate: Descriptor?
  var unsent = OutgoingQueue()
  private(set) var session: Session?
  /// Rises with every connection, so that an answer to an earlier one is recognised.
  private(set) var epoch = 0
  /// The port's carrier is wanted; without it connections are refused.
  private(set) var isAdmitting = true
  /// Nothing is read or sent, while the port is handed over to another process.
  private(set) var isHalted = false
  var lastError: String?
  var faultCount: UInt64 = 0
  var report = FrontEndReport()
  var watch = StartWatch()
  private var arrivals = ArrivalLimit()
  /// Nobody listens until then, as front-ends came and left again too often.
  private var restsUntil: ContinuousClock.Instant?
  /// `lastError` is why nobody could be let in.
  private var hasRefusedConnection = false
  /// Refusals of the session that `report` has.
  private var reportedRefusals: UInt64 = 0
  /// What the worker has of this session's memory.
  var table: MemoryTable?
  /// What the front-end keeps for the back-end that follows this one.
  var inflight: InflightMap?
  /// What it has of this session's log.
  var log: DirtyLog?
  /// Since when rings are held for want of a log.
  var heldSince: ContinuousClock.Instant?
  /// Where messages of our own go, if the front-end wants them.
  var channel: BackendChannel?
  /// Waits for the session to be taken out.
  var taker: ((TakenSession?) -> Void)?
  private(set) var mtu: Int
  /// What the front-end that is connected said, in bytes.
  var saidMTU: Int?

  init(
    _ settings: Settings, listener: SocketListener?, worker: Worker, reactor: CommandQueue<ReactorState>,
    epoll: Epoll, events: @escaping @Sendable (DataplaneEvent) -> Void
  ) {
    self.listener = listener
    port = settings.port
    name = settings.name
    serial = settings.serial
    socket = settings.socket
    offer = settings.offer
    mtu = settings.mtu
    self.worker = worker
    self.reactor = reactor
    self.epoll = epoll
    self.events = events
  }

  /// Offers something else to the front-ends that come from now on.
  ///
  /// - Returns: the MTU of the port now, which the front-end that is connected may have lowered.
  func change(_ offer: DeviceOffer, mtu: Int) -> Int {
    (self.offer, self.mtu) = (offer, mtu)
    return min(mtu, saidMTU ?? mtu)
  }

  var isConnected: Bool { connection != nil }
  /// A connection is to be tried.
  var mustRetry: Bool { socket.role == .connect && connection == nil && isAdmitting }
  var isResting: Bool { restsUntil != nil }
  /// Something may have to be done though nothing happens.
  var isBusy: Bool { isConnected || mustRetry || isResting }

  private var connectionToken: UInt64 { EventToken(port: port, source: 2 + SocketListener.bank(serial)).word }
  var channelToken: UInt64 { EventToken(port: port, source: 3 + SocketListener.bank(serial)).word }

  /// Ends everything and removes the socket file.
  func close() {
    candidate = nil
    disconnect()
    listener?.end()
    restsUntil = nil
  }

  /// A front-end has left, or was turned away, without having begun: if there were too many, nobody listens for a while.
  ///
  /// - Returns: true if that is so from now on.
  private func restsAfterFruitless() -> Bool {
    guard arrivals.isExceeded(at: .now), let listener, listener.descriptor != nil else { return false }
    listener.pause()
    restsUntil = .now + ArrivalLimit.rest
    return true
  }

  /// Front-ends leave by themselves, so only they know why.
  private func adviseOnFruitless() {
    let offered = "\(offer.queuePairs) queue \(offer.queuePairs == 1 ? "pair" : "pairs")"
    let text =
      "front-ends come and leave again without having begun, so the socket is closed now and then; look what they say "
      + "(QEMU: \"asking more queues than supported\": this port offers \(offered))"
    guard report.advisePort(text), let line = report.line(told(text), .fruitless) else { return }
    events(.portAdvice(port: name, text: line))
  }

  /// Listens again once the rest is over.
  func listenAgain(at now: ContinuousClock.Instant) {
    guard let restsUntil, now >= restsUntil else { return }
    self.restsUntil = nil
    do throws(SystemError) {
      try listener?.listen()
      listener?.setAccepting(true)
      if hasRefusedConnection { (lastError, hasRefusedConnection) = (nil, false) }
    } catch {
      // Somebody else's socket lies there now; it may go again.
      lastError = "\(error)"
      self.restsUntil = now + ArrivalLimit.rest
    }
  }

  /// Carrier as the user wants it: without it the session ends and no new one begins.
  func setAdmitting(_ isAdmitting: Bool) {
    self.isAdmitting = isAdmitting
    guard !isAdmitting else { return }
    candidate = nil
    disconnect()
  }

  /// Reads and sends nothing from now on, or goes on where it was.
  func setHalted(_ isHalted: Bool) {
    self.isHalted = isHalted
    if !isHalted { pump() }
  }

  /// Tries to connect; stays waiting if nobody listens.
  func retry() {
    guard mustRetry, !isHalted else { return }
    do throws(SystemError) {
      try serve(UnixSocket.connect(path: socket.path), Session(owner: self))
    } catch {
      connection = nil
    }
  }

  func handle(token: UInt64, events: UInt32) {
    if token == SocketListener.token(port, serial) {
      accept()
    } else if token == connectionToken, connection != nil {
      pump()
    } else if token == channelToken {
      flushChannel()
    }
  }

  private func accept() {
    while let descriptor = listener?.descriptor {
      let accepted: Descriptor?
      do throws(SystemError) { accepted = try UnixSocket.accept(descriptor) } catch { return restWithout(error) }
      guard let accepted else { return }
      guard isAdmitting else { continue }
      if session?.hasBrokenRing == true { disconnect() }
      turnCandidateAway()
      candidate = accepted
      if connection == nil { admitCandidate() } else { pump() }
    }
  }

  /// Lets those who connect wait: for want of descriptors nobody can be let in, and who waits would wake the reactor for ever.
  private func restWithout(_ error: SystemError) {
    (lastError, hasRefusedConnection) = ("\(error)", true)
    restsUntil = .now + ArrivalLimit.rest
    listener?.setAccepting(false)
  }

  /// Serves the connection that waits for the end of the one before.
  func admitCandidate() {
    guard let candidate else { return }
    self.candidate = nil
    do throws(SystemError) { try serve(candidate, Session(owner: self)) } catch { connection = nil }
  }

  func serve(_ descriptor: Descriptor, _ session: Session) throws(SystemError) {
    try epoll.add(descriptor.raw, token: connectionToken, events: Epoll.input)
    epoch += 1
    connection = descriptor
    self.session = session
    reportedRefusals = 0
    unsent = OutgoingQueue()
  }

  /// Ends the connection, if there is one, and frees what the worker holds for it.
  func disconnect() {
    guard connection != nil else { return }
    if table == nil, restsAfterFruitless() { adviseOnFruitless() }
    let taker = taker
    letGo()
    taker?(nil)
    admitCandidate()
  }

  /// Forgets connection and session; what else holds their descriptors keeps them open.
  ///
  /// - Parameter isTaken: the session goes on somewhere else.
  func letGo(isTaken: Bool = false) {
    guard let connection else { return }
    epoll.remove(connection.raw)
    self.connection = nil
    session = nil
    taker = nil
    closeChannel()
    watch.reset()
    _ = report.advise(nil)
    unsent = OutgoingQueue()
    let (table, log, inflight) = (table, log, inflight)
    (self.table, self.log, self.inflight, heldSince) = (nil, nil, nil, nil)
    saidMTU = nil
    let (port, mtu) = (port, mtu)
    let reactor = reactor
    let (hadRings, mayReturn) = pair?.leave(self) ?? (true, false)
    worker.commands.submit { core in
      if hadRings {
        core.coldClearRings(port)
        core.coldSetMTU(port, mtu)
      }
      if !mayReturn, !isTaken { core.coldLoseNode(port) }
      // The mappings go on this side, where unmapping delays nobody's frames.
      reactor.submit { _ in _ = (table, log, inflight) }
    }
  }

  private func fail(_ reason: String, _ kind: FrontEndReport.Kind) {
    lastError = reason
    faultCount += 1
    if let line = report.line(told(reason), kind) { events(.portFault(port: name, reason: line)) }
  }

  /// Ends a session that `error` is the reason of.
  func fail(_ error: any Error) {
    // Told as a fault, so not once more as a refusal.
    takeRefusals(isTold: true)
    fail("\(error)", FrontEndReport.Kind(error))
    disconnect()
  }

  // What people are told.

  /// Takes over what the session has refused since the last time.
  private func takeRefusals(isTold: Bool = false) {
    guard let session, session.refusalCount != reportedRefusals, let reason = session.lastRefusal else { return }
    report.noteRefusal(reason, count: session.refusalCount &- reportedRefusals)
    reportedRefusals = session.refusalCount
    guard !isTold, let line = report.line(told(reason), .request(session.lastRefusedRequest)) else { return }
    events(.portRefusal(port: name, reason: line))
  }

  /// Closes the connection that came while another is served.
  private func turnCandidateAway() {
    guard let candidate else { return }
    self.candidate = nil
    let names = [candidate, connection].map { $0.flatMap { UnixSocket.peer(of: $0) } }
    let (second, first) = (names[0].map { " (\($0))" } ?? "", names[1].map { " (\($0))" } ?? "")
    let reason = "a second front-end\(second) was turned away, as one\(first) is served"
    report.noteRefusal(reason)
    if let line = report.line(told(reason), .secondFrontEnd) { events(.portRefusal(port: name, reason: line)) }
    _ = restsAfterFruitless()
  }

  /// The worker stopped a ring that broke the rules.
  ///
  /// A peer that has hung up may use its memory anew before the worker hears of the end: that is no fault.
  func ringFailed(_ ring: Int, _ fault: RingFault) {
    let connectionNumber = epoch
    pump()
    guard connection != nil, epoch == connectionNumber, let session else { return }
    // Lost memory, or a lost log, ends all rings, and is reported once.
    let isLoss = [.memoryTruncated, .logTruncated, .inflightTruncated].contains(fault.kind)
    for index in isLoss ? session.startedRings : [ring] { session.noteBroken(index) }
    fail("ring \(ring): \(fault)", .ring(fault.kind))
  }

  // Bytes.

  /// Reads and answers as long as there is something, within reason for one turn.
  func pump() {
    guard !isHalted else { return }
    for _ in 0..<64 {
      guard flush(), let session, let connection, taker == nil else { break }
      let wanted = session.wantedSize
      guard wanted > 0 else { break }
      do {
        switch try UnixSocket.receive(
          connection, size: wanted, maximumDescriptors: Session.maximumDescriptors)
        {
        case .wouldBlock:
          // Nothing is left to be read, not even an end.
          turnCandidateAway()
          settle()
          noteHold(at: .now)
          return
        case .end:
          disconnect()
          return
        case .data(let bytes, let descriptors): try session.receive(bytes, descriptors: descriptors)
        }
        takeRefusals()
      } catch let error as SystemError where error.code == ECONNRESET {
        // The peer left without reading its last replies: an end like any other.
        disconnect()
        return
      } catch {
        fail(error)
        return
      }
    }
    _ = flush()
    settle()
    takeOut()
    noteHold(at: .now)
  }

  /// Sends what there is to send; false if the connection ended or the peer does not take it.
  private func flush() -> Bool {
    guard let session, let connection else { return false }
    unsent.append(session.takeOutgoing())
    do throws(SystemError) {
      return try unsent.send(to: connection)
    } catch {
      disconnect()
      return false
    }
  }

  /// Asks epoll for what is waited for: room to send, or bytes to read, or nothing while the worker has the word.
  private func settle() {
    guard let session, let connection else { return }
    var wanted: UInt32 = 0
    if !unsent.isEmpty {
      wanted = Epoll.output
    } else if session.wantedSize > 0 {
      wanted = Epoll.input
    }
    do throws(SystemError) {
      try epoll.modify(connection.raw, token: connectionToken, events: wanted)
    } catch {
      disconnect()
    }
  }

  func answered(epoch: Int, _ completion: OwnerCompletion) {
    guard epoch == self.epoch, let session else { return }
    do throws(ProtocolError) {
      try session.complete(completion)
    } catch {
      fail(error)
      return
    }
    takeRefusals()
    pump()
  }
}
