import Frames
internal import LinuxHost

/// A stream of frames to and from a peer at a Unix socket, as QEMU's `-netdev stream` has it: one read and one write a burst.
///
/// The reactor finds the peer (`StreamEndpoint`) and opens the port with its connection; what ends a connection is told it as a
/// fault. It is always read, also while nothing of it goes on: QEMU that listens (`server=on`) writes with calls that wait.
struct StreamPort: WorkerPort, ~Copyable {
  static var carrierNews: CarrierNews { .owner }
  /// What the kernel says of a peer that sends no more.
  private static var ends: UInt32 { Epoll.hangup | Epoll.readHangup | Epoll.error }

  /// Holds the connection open; nil = there is none.
  private var descriptor: Descriptor?
  private var raw: Int32 = -1
  /// Number of the connection, for the reactor.
  private(set) var epoch = 0
  /// IPv4 fragments from the peer that say that they must not be fragments; of all connections.
  private(set) var fragmentCount: UInt64 = 0
  /// Several workers may have frames for the peer: each takes the lock of `output`.
  var isShared = false
  private let input = FixedArray<StreamInput>(count: 1) { _ in StreamInput() }
  /// What workers other than the queue's reach too.
  private let output = FixedArray<SocketOutput>(count: 1) { _ in SocketOutput(isStream: true) }
  private let lock = FixedArray<BurstLock>(count: 1) { _ in BurstLock() }

  init() {}

  var isThere: Bool { raw >= 0 }
  var hasFrames: Bool { input[0].hasSome }
  func mayHaveFrames(among queues: UInt16) -> Bool { queues & 1 != 0 && hasFrames }
  var coldRefusal: EgressDrop? { output[0].coldRefusal }

  func egressTraits(mtu: Int) -> EgressTraits { EgressTraits(mtu: mtu, takesPartialChecksums: false) }

  /// Takes a connection over; its first frames are read at the next breath.
  mutating func coldOpen(_ descriptor: Descriptor, epoch: Int) {
    (self.descriptor, raw, self.epoch) = (descriptor, descriptor.raw, epoch)
    input[0].open()
    output[0].open(raw)
  }

  var coldOpen: OpenPort {
    var open = OpenPort()
    open.descriptor = descriptor
    (open.epoch, open.fragments) = (epoch, fragmentCount)
    (open.input, open.output) = (input[0].coldRest, output[0].coldRest)
    return open
  }

  /// Takes over what was on its way on a connection that another process had; false if that cannot be.
  mutating func coldInherit(_ stream: InheritedPort.Stream) -> Bool {
    guard isThere else { return true }
    fragmentCount &+= stream.fragments
    return input[0].coldRestore(stream.input) && output[0].coldRestore(stream.output)
  }

  mutating func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault? {
    let fault = input.place(0).element.take(from: raw, into: burst, limit: limit)
    fragmentCount &+= burst.countForbiddenFragments()
    burst.extendScratch(to: depth)
    return fault
  }

  func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome {
    if isShared { lock[0].take() }
    let outcome = output.place(0).element.transmit(delivery, of: burst, notes.batch)
    if isShared { lock[0].giveBack() }
    return outcome
  }

  func arm(_ queues: UInt16, longest: Int64) -> Int64 { longest }
  func disarm(_ queues: UInt16) {}

  /// Also the peer's end is read, so that it is found.
  mutating func handle(_ event: PortEvent) {
    if event.events & ~Epoll.output != 0 { input[0].note(isEnding: event.events & Self.ends != 0) }
    guard event.events & Epoll.output != 0 else { return }
    if isShared { lock[0].take() }
    output.place(0).element.coldMakeRoom()
    if isShared { lock[0].giveBack() }
  }

  var queues: UInt16 { isThere ? 1 : 0 }

  mutating func watch(_ queue: Int, port: Int, _ epoll: Epoll) {
    guard isThere else { return }
    _ = coldWatch(port: port, epoll)
    input[0].note()
  }

  /// Has `epoll` tell of frames; false if it cannot.
  func coldWatch(port: Int, _ epoll: Epoll) -> Bool { output[0].coldWatch(epoll, EventToken(port: port)) }

  mutating func unwatch(_ queue: Int, _ epoll: Epoll) { output[0].coldUnwatch() }

  /// The connection is over.
  mutating func coldLetGo() {
    output[0].coldUnwatch()
    output[0].close()
    input[0].close()
    raw = -1
    descriptor = nil
  }

  mutating func close(_ epoll: Epoll) {
    coldLetGo()
    (epoch, fragmentCount, isShared) = (0, 0, false)
  }
}
