import CLinux
import Frames
import Glibc
internal import LinuxHost

/// A frame a datagram, to and from a peer at a Unix socket, as QEMU's `-netdev dgram` has it: one call for all frames of a
/// burst.
///
/// The socket is bound and open from the port's beginning to its end; the peer's comes and goes, and the reactor looks for it
/// (`DatagramEndpoint`).
struct DatagramPort: WorkerPort, ~Copyable {
  static var carrierNews: CarrierNews { .owner }

  /// Holds the socket open; nil = there is none.
  private var descriptor: Descriptor?
  private var raw: Int32 = -1
  /// Where the peer is to be.
  private var peerPath = ""
  /// The socket sends to the peer's.
  private(set) var hasPeer = false
  /// The last call took all that it could, or the kernel said that there is more.
  private var isReadable = false
  /// IPv4 fragments from the peer that say that they must not be fragments.
  private(set) var fragmentCount: UInt64 = 0
  /// Several workers may have frames for the peer: each takes the lock of `output`.
  var isShared = false
  /// What workers other than the queue's reach too.
  private let output = FixedArray<SocketOutput>(count: 1) { _ in SocketOutput(isStream: false) }
  private let lock = FixedArray<BurstLock>(count: 1) { _ in BurstLock() }

  /// When a frame made somebody look for the peer, in cycles.
  private var lastLook: UInt64 = 0
  /// Cycles between two looks, half a millisecond or so.
  private static var lookPause: UInt64 { 2_000_000 }

  init() {}

  var isOpen: Bool { raw >= 0 }
  var isThere: Bool { isOpen && hasPeer }
  var hasFrames: Bool { isReadable }
  func mayHaveFrames(among queues: UInt16) -> Bool { queues & 1 != 0 && hasFrames }
  var coldRefusal: EgressDrop? { isThere ? output[0].coldRefusal : .carrierDown }

  func egressTraits(mtu: Int) -> EgressTraits { EgressTraits(mtu: mtu, takesPartialChecksums: false) }

  /// Takes a socket over; its first frames are read at the next breath.
  mutating func coldOpen(_ descriptor: Descriptor, peerPath: String) {
    (self.descriptor, raw, self.peerPath) = (descriptor, descriptor.raw, peerPath)
    isReadable = true
    output[0].open(raw)
  }

  /// The peer is there from now on, or not.
  mutating func coldSetPeer(_ isThere: Bool) {
    guard isThere != hasPeer || output[0].isDead else { return }
    hasPeer = isOpen && isThere
    output[0].begin()
  }

  var coldOpen: OpenPort {
    var open = OpenPort()
    open.descriptor = descriptor
    (open.hasPeer, open.fragments, open.output) = (hasPeer, fragmentCount, output[0].coldRest)
    return open
  }

  /// Takes over what was on its way; what cannot be is gone.
  mutating func coldInherit(_ datagrams: InheritedPort.Datagrams) {
    fragmentCount &+= datagrams.fragments
    _ = output[0].coldRestore(datagrams.output)
  }

  /// Looks whether the peer is there, since something has come; true if it is, and was not.
  mutating func coldFindPeer() -> Bool {
    guard let descriptor, !hasPeer else { return false }
    do throws(SystemError) {
      try UnixSocket.join(descriptor, path: peerPath)
    } catch {
      return false
    }
    coldSetPeer(true)
    return true
  }

  /// Whether a frame whose sender is not known may have somebody look for the peer now; if so, the next must wait.
  mutating func coldMayLook() -> Bool {
    let now = clinux_rdtsc()
    guard now &- lastLook > Self.lookPause else { return false }
    lastLook = now
    return true
  }

  mutating func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault? {
    guard isOpen, isReadable else { return nil }
    let wanted = limit - burst.count
    let count = pool.readDatagrams(raw, into: burst, wanted)
    // An error that is no want of datagrams is told once, and may have others behind it.
    if count == -Int(EAGAIN) || (count >= 0 && count < wanted) { isReadable = false }
    fragmentCount &+= burst.countForbiddenFragments()
    burst.extendScratch(to: depth)
    return nil
  }

  func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    guard isThere else { return .nobodyThere(delivery) }
    if isShared { lock[0].take() }
    let outcome = output.place(0).element.transmit(delivery, of: burst, notes.batch)
    if isShared { lock[0].giveBack() }
    return outcome
  }

  func arm(_ queues: UInt16, longest: Int64) -> Int64 { longest }
  func disarm(_ queues: UInt16) {}

  mutating func handle(_ event: PortEvent) {
    if event.events & ~Epoll.output != 0 { isReadable = isOpen }
    guard event.events & Epoll.output != 0 else { return }
    if isShared { lock[0].take() }
    output.place(0).element.coldMakeRoom()
    if isShared { lock[0].giveBack() }
  }

  var queues: UInt16 { isOpen ? 1 : 0 }

  mutating func watch(_ queue: Int, port: Int, _ epoll: Epoll) {
    guard isOpen else { return }
    _ = coldWatch(port: port, epoll)
    isReadable = true
  }

  /// Has `epoll` tell of frames; false if it cannot.
  func coldWatch(port: Int, _ epoll: Epoll) -> Bool { output[0].coldWatch(epoll, EventToken(port: port)) }

  mutating func unwatch(_ queue: Int, _ epoll: Epoll) { output[0].coldUnwatch() }

  mutating func close(_ epoll: Epoll) {
    output[0].coldUnwatch()
    output[0].close()
    (raw, peerPath, hasPeer, isReadable) = (-1, "", false, false)
    descriptor = nil
    (fragmentCount, isShared) = (0, false)
  }
}
