internal import LinuxHost

/// What a port of any kind does for the worker.
///
/// A kind is a file of this folder with a type that conforms, a case of `PortKind`, and a line in each `switch` of
/// PortDispatch.swift; `PortContract` (Tests/DataplaneTests/Ports) is run over it. Calls are resolved when the program
/// is compiled: no value of this protocol exists at run time.
///
/// The contract:
/// - A body is made *closed* and opened by calls of its own kind. A closed one has no work, is not there, takes no frame
///   and asks for nothing; any call but those that open it leaves it closed, without a fault. `close` ends in that state
///   from any other and leaves nothing watched, mapped or open. Its place then serves another port.
/// - Only workers call, and all but `transmit` is called by one at a time: of a queue by the worker that it belongs to, and
///   the rest while all others stand still. Nothing of the other side (a guest, the kernel, a peer) makes a call block,
///   trap, or take longer than its burst: what it gives is checked here, and ends in a count, a drop or a fault.
/// - A burst holds frames until it is reset. `receive` may leave their bytes where they are (guest memory, `pool`), with
///   the first ones in scratch; whoever must keep a frame longer copies it.
/// - `transmit` handles each pending frame once, in order: all that it becomes leaves, or what does not is dropped at once
///   with its reason (`TransmitOutcome.drop`). `packets` counts frames as they leave. Nothing waits for a slow receiver.
/// - In `receive`, `transmit` and `mayHaveFrames` no reference is counted, nothing allocated, locked or logged; system
///   calls are those that the kind cannot do without. tools/check-hot-path proves it.
protocol WorkerPort: ~Copyable {
  /// Who hears from the switch whether there is a carrier; see `Cable`.
  static var carrierNews: CarrierNews { get }

  /// Something may have come from the node in one of some queues: answered from what the worker has in memory, without a
  /// system call.
  func mayHaveFrames(among queues: UInt16) -> Bool

  /// The node is there and takes frames: the port's own end, whatever the user has set.
  var isThere: Bool { get }

  /// What the node takes, with the MTU that the slot has: what frames become on their way to it.
  func egressTraits(mtu: Int) -> EgressTraits

  /// Why a frame that fits would be dropped at this moment; nil = it would be taken. For traces.
  var coldRefusal: EgressDrop? { get }

  /// Takes frames from one queue of the node into the burst, until it has `limit` of them or nothing is left.
  ///
  /// - Parameters:
  ///   - queue: of the node's, from 0 on; kinds with one queue do not look at it.
  ///   - pool: where bytes may lie that are in no memory of the node's.
  ///   - depth: bytes of each frame that must be in scratch (`PortSlot.neededDepth`).
  /// - Returns: what the node did wrong; the frames of the burst are good all the same.
  mutating func receive(
    queue: Int, into burst: borrowing Burst, pool: borrowing ReceivePool, limit: Int, depth: Int
  ) -> RingFault?

  /// Hands pending frames to the node: of each, all that leaves in its place (`Delivery.frames`).
  ///
  /// - Parameters:
  ///   - delivery: the frames, with the port's own traits.
  ///   - notes: room for what a port has to remember between the frames of one burst.
  mutating func transmit(
    _ delivery: Delivery, of burst: borrowing Burst, notes: borrowing ScatterNotes
  ) -> TransmitOutcome

  /// Has the node wake the worker of some queues from now on (`mayHaveFrames` is asked once more behind a fence).
  ///
  /// - Returns: microseconds that the worker may sleep at most: `longest`, or less for a node that wakes nobody.
  func arm(_ queues: UInt16, longest: Int64) -> Int64

  /// The worker of some queues is awake: the node need not wake it.
  func disarm(_ queues: UInt16)

  /// Takes an event of a descriptor that was added to the worker's epoll with a token of this port.
  ///
  /// Events may be late: of a descriptor that is gone, or about something that was taken already.
  mutating func handle(_ event: PortEvent)

  /// Queues that frames may come from, one bit each: each has a worker of its own.
  var queues: UInt16 { get }

  /// Has `epoll`, another worker's than before, tell of a queue's frames, of which there may be some already.
  mutating func watch(_ queue: Int, port: Int, _ epoll: Epoll)

  /// The queue's worker is to be another: its `epoll` tells of it no more.
  mutating func unwatch(_ queue: Int, _ epoll: Epoll)

  /// Lets go of everything, and of its descriptors' places in `epoll`.
  mutating func close(_ epoll: Epoll)
}

/// An event of one of a port's descriptors.
struct PortEvent {
  /// Which of them; see `EventToken`.
  var source: Int
  /// The kernel's bits: `Epoll.input` as a rule, `Epoll.output` where a kind waits for room to write.
  var events: UInt32
}

/// Who is told of a port's carrier.
enum CarrierNews {
  /// Nobody can be.
  case nobody
  /// The kernel, of the interface behind the port.
  case kernel
  /// Whoever made the port, if they said so (`PortConfiguration.carrierIsTold`), for the guest behind it.
  case owner
}
