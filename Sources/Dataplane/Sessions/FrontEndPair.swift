internal import VhostUser

/// The two front-ends of a port while its machine moves to another process of this host: the first, and the one that stands by.
///
/// The port has one place for memory and rings, and one of the two has it: as a rule the first. The other one may negotiate;
/// memory and rings it may bring once the first has stopped its own. The first may have them back as long as it is there.
///
/// On the reactor's thread.
final class FrontEndPair {
  private(set) weak var first: VhostUserEndpoint?
  private(set) weak var standby: VhostUserEndpoint?
  /// The one whose memory and rings the worker has; nil = neither's.
  private(set) weak var holder: VhostUserEndpoint?

  /// The first has what the worker has.
  init(first: VhostUserEndpoint) { (self.first, holder) = (first, first) }

  /// Another one stands by.
  func admit(_ standby: VhostUserEndpoint) { self.standby = standby }

  /// One of the two is to have the port's memory and rings.
  ///
  /// - Returns: why it may not; nil = it has them.
  func claim(_ endpoint: VhostUserEndpoint) -> String? {
    guard let other = endpoint === first ? standby : first, holder !== endpoint else {
      holder = endpoint
      return nil
    }
    if other.hasRunningRings {
      guard endpoint === first else { return "the machine that it takes over from still runs" }
      // Its own machine goes on after all: two must not run on one memory.
      other.giveWay()
    }
    holder = endpoint
    return nil
  }

  /// One of the two has no front-end any more.
  ///
  /// - Returns: whether the worker has its memory and rings, and whether the port's machine may still come back.
  func leave(_ endpoint: VhostUserEndpoint) -> (hadRings: Bool, mayReturn: Bool) {
    let hadRings = holder === endpoint
    if hadRings { holder = nil }
    return (hadRings, endpoint === first ? standby != nil : first?.isConnected == true)
  }

  /// The one that stood by is the first from now on, and alone.
  func promote() { (first, standby) = (standby, nil) }

  /// Nobody stands by any more.
  func dismiss() { standby = nil }
}

extension VhostUserEndpoint {
  /// It waits for another front-end of the same port to leave.
  var isStandby: Bool { pair.map { $0.standby === self } ?? false }

  /// Another front-end waits for this one to leave.
  var hasStandby: Bool { pair.map { $0.first === self && $0.standby != nil } ?? false }

  /// What the worker has of the port's memory and rings is this one's.
  var hasPlace: Bool { pair.map { $0.holder === self } ?? true }

  /// Rings run, as far as the front-end knows, or are about to.
  var hasRunningRings: Bool { session.map { $0.isPending || !$0.startedRings.isEmpty } ?? false }

  /// Takes the port's memory and rings, if they are not its own, and puts there again what the worker had of this session.
  ///
  /// - Returns: why it may not; nil = they are its own.
  func claim() -> String? {
    guard let pair, !hasPlace else { return nil }
    if let refusal = pair.claim(self) { return refusal }
    let (port, table, log, mtu) = (port, table, log, min(saidMTU ?? mtu, mtu))
    let isLogging = session?.isLogging == true
    worker.commands.submit { core in
      core.coldChangeFrontEnd(port, table, log, isLogging: isLogging)
      core.coldSetMTU(port, mtu)
    }
    return nil
  }

  /// A ring is about to stop, and its machine moves: frames are to wait until it goes on somewhere.
  func isMoving(_ ring: Int) -> Bool {
    guard let session else { return false }
    if pair?.standby != nil { return true }
    return session.isLogging && (session.ring(ring)?.addresses?.flags ?? 0) & RingAddresses.logFlag != 0
  }
}

extension ReactorState {
  /// The number of a second front-end of a port, of the other parity than the first's, since the sources of its events go by
  /// that; nil = the port is none that can have one, or has one.
  mutating func nextSerial(port: Int) -> Int? {
    guard !hasEnded, standbys[port] == nil, let first = endpoints[port] else { return nil }
    let serial = max(first.serial, lastSerials[port] ?? 0) / 2 * 2 + 2 + (1 - first.serial % 2)
    lastSerials[port] = serial
    return serial
  }

  /// Puts a second front-end beside that of a port.
  ///
  /// - Returns: false if there is one already, or no first one, or ports are being handed over.
  mutating func addStandby(port: Int, _ make: (VhostUserEndpoint) -> VhostUserEndpoint) -> Bool {
    guard !hasEnded, !isHalted, standbys[port] == nil, let first = endpoints[port] else { return false }
    let standby = make(first)
    guard standby.serial % 2 != first.serial % 2 else { return false }
    let pair = first.pair ?? FrontEndPair(first: first)
    pair.admit(standby)
    (first.pair, standby.pair) = (pair, pair)
    standbys[port] = standby
    standby.setAdmitting(first.isAdmitting)
    standby.retry()
    noteBusy(port)
    return true
  }

  /// Has the front-end that stands by be the port's.
  ///
  /// - Returns: its socket; nil = nobody stands by.
  mutating func promoteStandby(port: Int) -> VhostUserSocket? {
    guard let standby = standbys.removeValue(forKey: port), let first = endpoints[port] else { return nil }
    first.close()
    standby.pair?.promote()
    endpoints[port] = standby
    if !standby.isConnected { standby.worker.commands.submit { $0.coldLoseNode(port) } }
    noteBusy(port)
    return standby.socket
  }

  /// Ends the front-end that stands by, if there is one; the first goes on.
  mutating func removeStandby(port: Int) {
    guard let standby = standbys.removeValue(forKey: port) else { return }
    standby.close()
    standby.pair?.dismiss()
    if endpoints[port]?.isConnected != true { standby.worker.commands.submit { $0.coldLoseNode(port) } }
  }

  /// The front-end of a port that has that number; nil = it has gone.
  func frontEnd(_ port: Int, _ serial: Int) -> VhostUserEndpoint? {
    if let first = endpoints[port], first.serial == serial { return first }
    if let standby = standbys[port], standby.serial == serial { return standby }
    return nil
  }
}
